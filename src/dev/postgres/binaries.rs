//! Where PostgreSQL's binaries are on this machine, and which of them to use.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::obtain::{self, Way};
use super::user::ServerUser;

/// The oldest major version that our SQL runs on.
pub(super) const OLDEST: u32 = 15;

/// Where the packages of Linux distributions and macOS put the binaries; one `*` stands for any text in one name.
const USUAL: [&str; 7] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// Where binaries are looked for, and how they are obtained where there are none.
pub struct Places {
    /// The only folder to look in, when somebody named one.
    pub bin_dir: Option<PathBuf>,
    /// Folders of the system, the preferred ones first.
    pub system: Vec<PathBuf>,
    /// Where obtained binaries are stored: the first folder that the server's account can enter.
    pub caches: Vec<PathBuf>,
    /// How to obtain binaries, in this order.
    pub ways: Vec<Way>,
}

impl Places {
    /// The usual places, and what `PG_BIN_DIR`, `PATH`, `XDG_CACHE_HOME` and `HOME` say.
    pub fn of_this_machine() -> Self {
        let given = |name| env::var_os(name).filter(|value| !value.is_empty());
        let path = given("PATH").unwrap_or_default();
        let cache = given("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(given("HOME")?).join(".cache")));
        let shared = format!(
            "/var/tmp/onlycar-postgres-{}",
            rustix::process::geteuid().as_raw()
        );
        Self {
            bin_dir: given("PG_BIN_DIR").map(PathBuf::from),
            system: USUAL
                .iter()
                .flat_map(|pattern| expand(pattern))
                .chain(env::split_paths(&path))
                .collect(),
            caches: cache
                .map(|cache| cache.join("onlycar/postgres"))
                .into_iter()
                .chain([shared.into()])
                .collect(),
            ways: Way::ALL.to_vec(),
        }
    }
}

/// A folder with `initdb` and `postgres` that run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

/// The binaries to use: of the version that made the data, else the newest of the system, else obtained ones.
pub(super) fn find(
    places: &Places,
    user: ServerUser,
    made_by: Option<u32>,
    report: &mut dyn FnMut(&str),
) -> Result<Binaries> {
    if let Some(dir) = &places.bin_dir {
        let named = probe(dir, user).with_context(|| {
            format!(
                "PG_BIN_DIR is {}, and there are no initdb and postgres there that uid {} can run\n\
                 hint: correct PG_BIN_DIR, or unset it to use what the system has",
                dir.display(),
                user.uid
            )
        })?;
        return choose(std::slice::from_ref(&named), made_by).with_context(|| mismatch(made_by, &[named]));
    }
    let mut found = probe_all(&places.system, user);
    if choose(&found, made_by).is_none() {
        found.extend(probe_all(&obtain::obtained(&places.caches), user));
    }
    if choose(&found, made_by).is_none() && (found.is_empty() || made_by.is_none()) {
        found.extend(obtain::obtain(places, user, report)?);
    }
    choose(&found, made_by).with_context(|| mismatch(made_by, &found))
}

/// The ones of the same major version as the data; without data the newest.
fn choose(found: &[Binaries], made_by: Option<u32>) -> Option<Binaries> {
    let fits = |one: &&Binaries| made_by.map_or(one.major >= OLDEST, |major| one.major == major);
    // Reversed, because of equal ones the first in the list is meant.
    found
        .iter()
        .rev()
        .filter(fits)
        .max_by_key(|one| one.major)
        .cloned()
}

fn mismatch(made_by: Option<u32>, found: &[Binaries]) -> String {
    let found: Vec<String> = found
        .iter()
        .map(|one| format!("{} ({})", one.major, one.dir.display()))
        .collect();
    let found = found.join(", ");
    match made_by {
        Some(major) => format!(
            "the data was made by PostgreSQL {major}, which alone can read it; found: {found}\n\
             hint: install PostgreSQL {major}, or point PG_BIN_DIR at its binaries, or remove the folder `data` to begin \
             with an empty database"
        ),
        None => format!("PostgreSQL {OLDEST} or newer is needed; found: {found}\nhint: install a newer one"),
    }
}

/// Those of the folders whose binaries run under the server's account.
pub(super) fn probe_all(dirs: &[PathBuf], user: ServerUser) -> Vec<Binaries> {
    dirs.iter().filter_map(|dir| probe(dir, user)).collect()
}

fn probe(dir: &Path, user: ServerUser) -> Option<Binaries> {
    let dir = std::path::absolute(dir).ok()?;
    let postgres = dir.join("postgres");
    if !postgres.is_file() || !dir.join("initdb").is_file() {
        return None;
    }
    let output = user
        .command(&postgres)
        .arg("--version")
        .current_dir("/")
        .output()
        .ok()?;
    let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
    output.status.success().then_some(Binaries { dir, major })
}

/// 15 of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; also of `18beta1`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once(") ")?.1;
    number
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// The paths that a pattern with one `*` stands for.
pub(super) fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![pattern.into()];
    };
    let (folder, prefix) = before.rsplit_once('/').unwrap_or((".", before));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches('/')))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Binaries, choose, major_of};

    #[test]
    fn the_major_version_is_read_from_every_kind_of_release() {
        assert_eq!(
            major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major_of("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major_of("sh: not found"), None);
    }

    #[test]
    fn data_binds_to_its_version_and_without_data_the_newest_is_used() {
        let found = [("/a", 14), ("/b", 16), ("/c", 15), ("/d", 16)].map(|(dir, major)| Binaries {
            dir: dir.into(),
            major,
        });
        let chosen = |made_by| choose(&found, made_by).map(|one| one.dir);
        assert_eq!(chosen(Some(14)), Some("/a".into()));
        assert_eq!(chosen(Some(15)), Some("/c".into()));
        assert_eq!(chosen(None), Some("/b".into()), "the first of equal ones");
        assert_eq!(chosen(Some(18)), None);
        assert_eq!(choose(&found[..1], None), None, "too old");
    }
}

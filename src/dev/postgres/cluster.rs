//! The database cluster: how it is made, which version made it, and its password.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process;

use anyhow::{Context, Result, bail};

use super::binaries::Binaries;
use super::folder::{Folder, last_lines, make_ours, remove_entry};
use super::scram;
use super::user::ServerUser;

/// The name of the superuser.
pub(super) const SUPERUSER: &str = "onlycar";

const PASSWORD_FILE: &str = "onlycar.password";
const UNFINISHED: &str = "initdb-";

/// The major version that made this cluster; `None` when there is no cluster.
pub(super) fn major(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// The superuser's password. It lives inside the cluster, so that the two cannot come apart.
pub(super) fn password(data: &Path) -> Result<String> {
    let path = data.join(PASSWORD_FILE);
    fs::read_to_string(&path).with_context(|| {
        format!(
            "could not read the password of the database, {}\n\
             hint: remove {} to begin with an empty database",
            path.display(),
            data.display()
        )
    })
}

/// Makes an empty cluster. It gets its name when it is complete: whatever kills us earlier leaves no half cluster, and
/// an initdb that outlives its owner writes into a folder of its own.
pub(super) fn create(folder: &Folder, binaries: &Binaries, keep: bool) -> Result<()> {
    let user = folder.user();
    sweep(folder);
    let fresh = folder.path().join(format!("{UNFINISHED}{}", process::id()));
    let (password, verifier) = (fresh.with_extension("password"), fresh.with_extension("verifier"));
    make_ours(&fresh, 0o700)?;
    user.own(&fresh)
        .with_context(|| format!("could not give {} to uid {}", fresh.display(), user.uid))?;
    let random = format!("{:032x}", rand::random::<u128>());
    write_secret(&password, &random, user)?;
    write_secret(&verifier, &scram::verifier(&random)?, user)?;
    // Not every system has C.UTF-8, and only initdb knows.
    initdb("C.UTF-8", &fresh, &verifier, binaries, keep, user)
        .or_else(|_| initdb("C", &fresh, &verifier, binaries, keep, user))?;
    fs::rename(&password, fresh.join(PASSWORD_FILE))
        .and_then(|()| fs::remove_file(&verifier))
        .and_then(|()| fs::rename(&fresh, folder.data()))
        .and_then(|()| File::open(folder.path())?.sync_all())
        .with_context(|| {
            format!(
                "could not put the new database cluster at {}",
                folder.data().display()
            )
        })
}

/// Removes what killed runs left; what cannot be removed now is tried again with the next cluster.
fn sweep(folder: &Folder) {
    for entry in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = remove_entry(&entry.path());
        }
    }
}

/// For us and the server alone: a port of 127.0.0.1 is open to every user of the machine.
fn write_secret(path: &Path, secret: &str, user: ServerUser) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(secret.as_bytes()))
        .and_then(|()| user.own(path))
        .with_context(|| format!("could not write {}", path.display()))
}

fn initdb(
    locale: &str,
    to: &Path,
    verifier: &Path,
    binaries: &Binaries,
    keep: bool,
    user: ServerUser,
) -> Result<()> {
    let program = binaries.dir.join("initdb");
    let mut command = user.command(&program);
    command
        .current_dir("/")
        .arg("-D")
        .arg(to)
        .args([
            "--username",
            SUPERUSER,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale",
            locale,
        ])
        .arg("--pwfile")
        .arg(verifier);
    if !keep {
        command.arg("--no-sync");
    }
    let output = command
        .output()
        .with_context(|| format!("could not run {}", program.display()))?;
    if !output.status.success() {
        bail!(
            "initdb could not make a database cluster in {}:\n{}\n\
             hint: look at the free space and the permissions there",
            to.display(),
            last_lines(&String::from_utf8_lossy(&output.stderr), 6)
        );
    }
    Ok(())
}

//! The folder of one server: whose it is, who uses it now, and what is in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::geteuid;

use super::leftover::command_line;
use super::poll;
use super::user::ServerUser;

/// A folder that is locked for us.
pub(super) struct Folder {
    path: PathBuf,
    user: ServerUser,
    /// The owner keeps the lock as well as the guard: it ends when both have.
    lock: File,
}

impl Folder {
    /// Makes the folder where it is absent, and locks it.
    pub(super) fn claim(wanted: &Path, report: &mut dyn FnMut(&str)) -> Result<Self> {
        let path = place(wanted, report)?;
        let user = ServerUser::choose(&data_in(&path))?;
        let lock = lock(&path, user)?;
        Ok(Self { path, user, lock })
    }

    /// The account that runs the server here.
    pub(super) fn user(&self) -> ServerUser {
        self.user
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn data(&self) -> PathBuf {
        data_in(&self.path)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The lock once more, to hand to the guard.
    pub(super) fn share_lock(&self) -> Result<File> {
        self.lock
            .try_clone()
            .context("could not duplicate the handle of the lock file")
    }

    /// The last lines of the server's log.
    pub(super) fn log_tail(&self) -> String {
        last_lines(&fs::read_to_string(self.log()).unwrap_or_default(), 12)
    }

    /// Removes what an earlier throwaway server left.
    pub(super) fn clear(&self) -> Result<()> {
        remove_entry(&self.data())
    }
}

/// Where the cluster is in a folder.
pub(super) fn data_in(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// The last `count` lines of a text.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(count)..)
        .unwrap_or_default()
        .join("\n")
}

/// Removes our entries and then the folder; what somebody else put there stays.
pub(super) fn remove(folder: &Path) -> Result<()> {
    for entry in ["data", "log", "lock"] {
        remove_entry(&folder.join(entry))?;
    }
    match fs::remove_dir(folder) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
            Err(error).with_context(|| format!("could not remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Removes a file or a folder with all that is in it; its absence is fine.
pub(super) fn remove_entry(path: &Path) -> Result<()> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The wanted folder, or, where the server's account cannot get there (a checkout under /root), one in /var/tmp.
fn place(wanted: &Path, report: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let wanted = std::path::absolute(wanted).with_context(|| format!("not a path: {}", wanted.display()))?;
    let parent = wanted.parent().unwrap_or(Path::new("/"));
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(parent)
        .with_context(|| format!("could not make the folder {}", parent.display()))?;
    // Resolved, because the server's command line is how its process is recognised later.
    let parent = parent
        .canonicalize()
        .with_context(|| format!("could not resolve {}", parent.display()))?;
    let wanted = parent.join(wanted.file_name().unwrap_or_default());
    let user = ServerUser::choose(&data_in(&wanted))?;
    if user.reaches(&parent) {
        return Ok(wanted);
    }
    let hash = fnv1a(wanted.as_os_str().as_encoded_bytes());
    let instead = PathBuf::from(format!("/var/tmp/onlycar-{hash:016x}"));
    report(&format!(
        "the data is in {}, because the account that runs PostgreSQL (uid {}) cannot enter {}",
        instead.display(),
        user.uid,
        parent.display()
    ));
    Ok(instead)
}

/// Makes a folder; one that exists must belong to us, else somebody could have laid it there for us.
pub(super) fn make_ours(path: &Path, mode: u32) -> Result<()> {
    if let Err(error) = DirBuilder::new().mode(mode).create(path)
        && error.kind() != ErrorKind::AlreadyExists
    {
        return Err(error).with_context(|| format!("could not make the folder {}", path.display()));
    }
    let found =
        fs::symlink_metadata(path).with_context(|| format!("could not look at {}", path.display()))?;
    let ours = geteuid().as_raw();
    ensure!(
        found.is_dir() && found.uid() == ours,
        "{} is not a folder of ours: it belongs to uid {} and we are uid {ours}\n\
         hint: run this as the user that made it, or remove it",
        path.display(),
        found.uid()
    );
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("could not set the permissions of {}", path.display()))
}

/// Locks the folder. While the last owner's guard is still stopping its server, waits.
fn lock(folder: &Path, user: ServerUser) -> Result<File> {
    // Only `data` is the server's: another account must not lay links where root writes.
    let mode = if user.other { 0o711 } else { 0o700 };
    let locked = poll(Duration::from_secs(20), || {
        make_ours(folder, mode)?;
        try_lock(folder)
    })?;
    locked.with_context(|| {
        format!(
            "{} is still in use by another process (its number is in the file `lock` there)\n\
             hint: stop it, or choose another folder",
            folder.display()
        )
    })
}

fn try_lock(folder: &Path) -> Result<Option<File>> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let mut file = match options.open(&path) {
        // The guard of a throwaway server has just removed the folder.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.with_context(|| format!("could not open {}", path.display()))?,
    };
    match file.try_lock() {
        Ok(()) if is_at(&file, &path) => {
            file.set_len(0)
                .and_then(|()| writeln!(file, "{}", process::id()))
                .context("could not write the lock file")?;
            Ok(Some(file))
        }
        // The same, between our open and our lock.
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => refuse_living_owner(folder, &path).map(|()| None),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("could not lock {}", path.display()))
        }
    }
}

fn refuse_living_owner(folder: &Path, lock: &Path) -> Result<()> {
    let owner = fs::read_to_string(lock)
        .ok()
        .and_then(|text| text.lines().next()?.parse::<u32>().ok());
    match owner {
        Some(pid) if pid != process::id() && command_line(pid).is_some() => bail!(
            "the database in {} is already in use by process {pid}\n\
             hint: stop that process first (`kill {pid}`), or choose another folder",
            folder.display()
        ),
        _ => Ok(()),
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    matches!((file.metadata(), fs::metadata(path)), (Ok(ours), Ok(there)) if ours.ino() == there.ino())
}

/// FNV-1a: the same in every build of Rust, which the standard hasher does not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

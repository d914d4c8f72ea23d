//! The account that the server runs under: our own, or, because PostgreSQL refuses to run as root, an unprivileged one.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{getegid, geteuid};

/// The account that owns the data and runs the server.
#[derive(Clone, Copy)]
pub(super) struct ServerUser {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// We are root and have to step down to it.
    pub(super) other: bool,
}

impl ServerUser {
    /// Ourselves; as root, `postgres` or `nobody`: the one that has the data already, lest data made by one become
    /// unreadable when the other appears with a package.
    pub(super) fn choose(data: &Path) -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self {
                uid: geteuid().as_raw(),
                gid: getegid().as_raw(),
                other: false,
            });
        }
        let passwd = fs::read_to_string("/etc/passwd").context("could not read /etc/passwd")?;
        let accounts = ["postgres", "nobody"].map(|name| account(&passwd, name));
        let owner = fs::symlink_metadata(data).ok().map(|found| found.uid());
        let having = accounts.iter().flatten().find(|(uid, _)| Some(*uid) == owner);
        let (uid, gid) = *having.or(accounts.iter().flatten().next()).context(
            "PostgreSQL does not run as root, and neither a user postgres nor a user nobody is in /etc/passwd\n\
             hint: run this as an ordinary user, or add one with `useradd --system postgres`",
        )?;
        Ok(Self {
            uid,
            gid,
            other: true,
        })
    }

    /// A command that runs as this account. Its environment is empty: our secrets are not the server's business, and
    /// the caller's PG* and locale variables must not change what it does.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").stdin(Stdio::null());
        if self.other {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Gives a file or folder of ours to this account.
    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        if self.other {
            std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid))?;
        }
        Ok(())
    }

    /// Whether this account gets as far as this folder. Tried for real: modes, groups, ACLs and mounts all have a say.
    pub(super) fn reaches(self, folder: &Path) -> bool {
        !self.other
            || self
                .command(Path::new("/bin/sh"))
                .args(["-c", ":"])
                .current_dir(folder)
                .status()
                .is_ok_and(|status| status.success())
    }
}

fn account(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let same = fields.next() == Some(name);
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        same.then_some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::account;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgresql:x:7:8::/:/bin/sh\nbroken\npostgres:x:101:104:PG:/var:/bin/sh\n";
        assert_eq!(account(passwd, "postgres"), Some((101, 104)));
        assert_eq!(account(passwd, "nobody"), None);
    }
}

//! What `postmaster.pid` tells: whether the server is ready, and whether one of an earlier run is still there.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::folder::Folder;
use super::poll;

const PID_FILE: &str = "postmaster.pid";

/// A process number that no system gives out.
const NOBODY: i32 = i32::MAX;

/// Whether the server that was started last accepts connections.
pub(super) fn is_ready(data: &Path) -> bool {
    let file = read(data);
    file.lines().nth(7).is_some_and(|line| line.trim() == "ready") && recorded(&file) != Some(NOBODY)
}

/// Stops the server of an earlier run, if owner and guard were both killed, and waits until it is gone.
pub(super) fn stop(folder: &Folder, report: &mut dyn FnMut(&str)) -> Result<()> {
    let data = folder.data();
    let Some(pid) = recorded(&read(&data)).filter(|pid| *pid != NOBODY) else {
        return Ok(());
    };
    if is_server(pid, &data) {
        report(&format!(
            "stopping the PostgreSQL that an earlier run left (process {pid})"
        ));
        interrupt(pid, &data)?;
    }
    forget(folder)
}

/// Fast shutdown, and a harder one where that takes too long.
fn interrupt(pid: i32, data: &Path) -> Result<()> {
    for signal in [Signal::INT, Signal::QUIT] {
        if let Some(process) = Pid::from_raw(pid) {
            // An error says that it ended by itself, or that it is not ours; the wait below finds out.
            let _ = kill_process(process, signal);
        }
        let gone = || Ok((!is_server(pid, data)).then_some(()));
        if poll(Duration::from_secs(15), gone)?.is_some() {
            return Ok(());
        }
    }
    anyhow::bail!(
        "the PostgreSQL that an earlier run left (process {pid}) does not stop\nhint: end it with `kill -QUIT {pid}`"
    )
}

/// A new server refuses to start while *any* process has the recorded number: a zombie, or, after a reboot or in a new
/// container, a stranger. We know better; but the file must stay, because by its shared memory key the new server finds
/// out whether sessions of the old one still run.
fn forget(folder: &Folder) -> Result<()> {
    let file = read(&folder.data());
    let Some((_, rest)) = file.split_once('\n') else {
        return Ok(());
    };
    let fresh = folder.path().join(PID_FILE);
    fs::write(&fresh, format!("{NOBODY}\n{rest}"))
        .and_then(|()| folder.user().own(&fresh))
        .and_then(|()| fs::rename(&fresh, folder.data().join(PID_FILE)))
        .with_context(|| format!("could not replace {PID_FILE} in {}", folder.data().display()))
}

fn read(data: &Path) -> String {
    fs::read_to_string(data.join(PID_FILE)).unwrap_or_default()
}

fn recorded(file: &str) -> Option<i32> {
    file.lines().next()?.trim().parse().ok()
}

/// Whether this process is the server of this data, and not a later one with the same number.
fn is_server(pid: i32, data: &Path) -> bool {
    let ours = format!(" -D {} ", data.display());
    u32::try_from(pid)
        .ok()
        .and_then(command_line)
        .is_some_and(|line| line.contains(&ours))
}

/// The command line of a living process; a zombie has none.
pub(super) fn command_line(pid: u32) -> Option<String> {
    let line = if cfg!(target_os = "linux") {
        fs::read(format!("/proc/{pid}/cmdline")).ok()?
    } else {
        let output = Command::new("ps")
            .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
            .output()
            .ok()?;
        output.stdout
    };
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    (!line.trim().is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::command_line;

    #[test]
    fn a_zombie_counts_as_gone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while command_line(child.id()).is_some() {
            assert!(
                std::time::Instant::now() < deadline,
                "an ended child still has a command line"
            );
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(command_line(std::process::id()).is_some());
    }
}

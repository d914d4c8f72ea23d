//! The guard: a process between owner and server that stops the server when the owner ends.
//!
//! It has a process group of its own, so that Ctrl-C reaches the owner only and the owner can finish its queries.
//! (`PR_SET_PDEATHSIG` would need unsafe code, exists on Linux only and fires when the *thread* ends that started it.)

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::Options;
use super::folder::{self, Folder};
use super::user::ServerUser;

/// The name of the hidden subcommand; all that follows it goes to [`run_guard`].
pub const GUARD_SUBCOMMAND: &str = "internal-postgres-guard";

const SAFE: [&str; 1] = ["max_connections=100"];
const FAST: [&str; 4] = [
    "max_connections=300",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
];

/// Starts a guard, which starts the server. None of our own handles goes along: whoever reads our output must not
/// wait for the guard.
pub(super) fn spawn(
    program: &Path,
    folder: &Folder,
    bin_dir: &Path,
    port: u16,
    options: &Options,
) -> Result<Child> {
    let log = folder.log();
    let log = File::create(&log).with_context(|| format!("could not write {}", log.display()))?;
    let program =
        std::path::absolute(program).with_context(|| format!("not a path: {}", program.display()))?;
    Command::new(&program)
        .arg(GUARD_SUBCOMMAND)
        .arg(folder.path())
        .arg(if options.keep { "keep" } else { "remove" })
        .arg(bin_dir.join("postgres"))
        .args(server_args(folder, port, options))
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        // Only to hold it: the lock lasts as long as the guard does, even when the owner is gone.
        .stdout(folder.share_lock()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("could not start {}", program.display()))
}

fn server_args(folder: &Folder, port: u16, options: &Options) -> Vec<OsString> {
    let fixed = ["listen_addresses=127.0.0.1", "unix_socket_directories="];
    let kind = if options.keep {
        SAFE.as_slice()
    } else {
        FAST.as_slice()
    };
    let more = options
        .settings
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let settings = fixed.iter().chain(kind).map(ToString::to_string).chain(more);
    let mut args: Vec<OsString> = vec![
        "-D".into(),
        folder.data().into(),
        "-p".into(),
        port.to_string().into(),
    ];
    args.extend(settings.flat_map(|setting| ["-c".into(), setting.into()]));
    args
}

enum Event {
    OwnerGone,
    ServerGone(io::Result<ExitStatus>),
}

/// The guard itself: runs the server until stdin ends, and then stops it.
pub fn run_guard(args: Vec<OsString>) -> Result<()> {
    let mut args = args.into_iter();
    let (Some(root), Some(keep), Some(postgres)) = (args.next(), args.next(), args.next()) else {
        anyhow::bail!("{GUARD_SUBCOMMAND} is started by onlycar itself\nhint: run `onlycar dev`");
    };
    let user = ServerUser::choose(&folder::data_in(Path::new(&root)))?;
    let mut server = start_server(user, Path::new(&postgres), args)?;
    let pid = i32::try_from(server.id())
        .ok()
        .and_then(Pid::from_raw)
        .context("the server has no process number")?;
    let (events, inbox) = mpsc::channel();
    watch_owner(events.clone());
    thread::spawn(move || events.send(Event::ServerGone(server.wait())));
    match inbox.recv()? {
        // The folder stays, whatever it is for: its log says why.
        Event::ServerGone(status) => anyhow::bail!("PostgreSQL ended by itself ({})", status?),
        Event::OwnerGone => stop_server(pid, &inbox)?,
    }
    if keep == "keep" {
        Ok(())
    } else {
        folder::remove(Path::new(&root))
    }
}

fn start_server(user: ServerUser, postgres: &Path, args: impl Iterator<Item = OsString>) -> Result<Child> {
    // Not our stdout: a server that outlives us must not hold the lock.
    let log = io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .context("could not duplicate stderr")?;
    user.command(postgres)
        .args(args)
        .stdout(log)
        .spawn()
        .with_context(|| format!("could not start {}", postgres.display()))
}

fn watch_owner(events: Sender<Event>) {
    thread::spawn(move || {
        // Whatever ends the reading: without an owner to hear from there is nothing to guard for.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        events.send(Event::OwnerGone)
    });
}

/// Fast shutdown; after ten seconds an immediate one, from which the next start recovers.
fn stop_server(pid: Pid, inbox: &mpsc::Receiver<Event>) -> Result<()> {
    // An error means that it has just ended, which the inbox tells as well.
    let _ = kill_process(pid, Signal::INT);
    let event = inbox.recv_timeout(Duration::from_secs(10)).or_else(|_| {
        let _ = kill_process(pid, Signal::QUIT);
        inbox.recv()
    })?;
    if let Event::ServerGone(status) = event {
        let status = status.context("could not wait for PostgreSQL")?;
        ensure!(status.success(), "PostgreSQL did not stop cleanly ({status})");
    }
    Ok(())
}

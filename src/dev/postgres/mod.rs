//! PostgreSQL started and supervised by onlycar itself, from the system's binaries: for `onlycar dev`, the tests and
//! the benchmark.
//!
//! Three processes: the *owner* (whoever calls [`Postgres::start`]) prepares the folder; the *guard* (this program's
//! hidden subcommand) is the server's parent and stops it when the owner ends, in whatever way; the *server*. The owner
//! holds the write end of the guard's stdin and does nothing with it: the kernel closes it even after `kill -9`.
//!
//! In the folder: `data` (the cluster and, in it, its password), `log` (of the running or the last server), `lock`.

mod binaries;
mod cluster;
mod folder;
mod guard;
mod leftover;
mod obtain;
mod scram;
mod user;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub use binaries::Places;
pub use guard::{GUARD_SUBCOMMAND, run_guard};
pub use obtain::Way;
pub use scram::verifier;

use folder::Folder;

/// What kind of server to start, and where its data lives.
pub struct Options {
    /// The folder of the data, the log and the lock; made when it is absent.
    pub root: PathBuf,
    /// True: the data stays and is safe against a power cut. False: speed first, and the folder goes when the owner ends.
    pub keep: bool,
    /// More server settings, as in `postgres -c name=value`.
    pub settings: Vec<(String, String)>,
    /// Where binaries are looked for.
    pub places: Places,
}

impl Options {
    /// A server for `onlycar dev`: its data stays.
    pub fn kept(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            keep: true,
            settings: Vec::new(),
            places: Places::of_this_machine(),
        }
    }

    /// A server for tests: no fsync, many connections, nothing stays. Give each process a `root` of its own.
    pub fn throwaway(root: impl Into<PathBuf>) -> Self {
        Self {
            keep: false,
            ..Self::kept(root)
        }
    }
}

/// A running server. When this value is dropped, or its process ends, the guard stops the server.
pub struct Postgres {
    folder: Folder,
    keep: bool,
    bin_dir: PathBuf,
    port: u16,
    password: String,
    guard: Child,
    lifeline: Option<ChildStdin>,
}

impl Postgres {
    /// Starts a server and waits until it accepts connections (blocking). `program` is the onlycar binary, which has the
    /// guard as a subcommand; `report` gets a line for each step worth telling.
    pub fn start(options: &Options, program: &Path, report: &mut dyn FnMut(&str)) -> Result<Self> {
        let folder = Folder::claim(&options.root, report)?;
        leftover::stop(&folder, report)?;
        if !options.keep {
            folder.clear()?;
        }
        let made_by = cluster::major(&folder.data());
        let binaries = binaries::find(&options.places, folder.user(), made_by, report)
            .with_context(|| format!("no PostgreSQL to run for {}", folder.path().display()))?;
        report(&format!(
            "PostgreSQL {} from {}",
            binaries.major,
            binaries.dir.display()
        ));
        if made_by.is_none() {
            report(&format!(
                "creating an empty database cluster in {}",
                folder.data().display()
            ));
            cluster::create(&folder, &binaries, options.keep)?;
        }
        let password = cluster::password(&folder.data())?;
        let (mut guard, port) = launch(options, program, &folder, &binaries.dir)?;
        let lifeline = guard.stdin.take();
        Ok(Self {
            folder,
            keep: options.keep,
            bin_dir: binaries.dir,
            port,
            password,
            guard,
            lifeline,
        })
    }

    /// The address of a database of this server, for its superuser.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://{}:{}@127.0.0.1:{}/{database}",
            cluster::SUPERUSER,
            self.password,
            self.port
        )
    }

    /// The path of a program that came with the server, such as `psql` or `pgbench`; it need not exist.
    pub fn bin(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }

    /// Stops the server and waits until it is gone (blocking).
    pub fn stop(mut self) -> Result<()> {
        drop(self.lifeline.take());
        self.guard
            .wait()
            .context("could not wait for the guard of PostgreSQL")?;
        // The guard does this itself, unless somebody killed it.
        leftover::stop(&self.folder, &mut |_| ())?;
        if self.keep {
            Ok(())
        } else {
            folder::remove(self.folder.path())
        }
    }
}

/// Starts guard and server; again with another port, or after a moment, where that may help.
fn launch(options: &Options, program: &Path, folder: &Folder, bin_dir: &Path) -> Result<(Child, u16)> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let port = free_port()?;
        let mut guard = guard::spawn(program, folder, bin_dir, port, options)?;
        match wait_until_ready(&mut guard, folder) {
            Ok(()) => return Ok((guard, port)),
            Err(_) if may_pass(&folder.log_tail()) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(100));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Reasons for a failed start that another attempt may not meet: somebody took the port between our look and the
/// server's bind, or the last sessions of a killed server have not ended yet.
fn may_pass(log: &str) -> bool {
    log.contains("could not create any TCP/IP sockets") || log.contains("pre-existing shared memory block")
}

fn free_port() -> Result<u16> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(port
        .context("could not find a free port on 127.0.0.1 for PostgreSQL")?
        .port())
}

fn wait_until_ready(guard: &mut Child, folder: &Folder) -> Result<()> {
    let ready = poll(Duration::from_mins(1), || {
        if leftover::is_ready(&folder.data()) {
            return Ok(Some(()));
        }
        match guard
            .try_wait()
            .context("could not look after the guard of PostgreSQL")?
        {
            Some(_) => bail!(
                "PostgreSQL did not start; the end of its log:\n{}",
                folder.log_tail()
            ),
            None => Ok(None),
        }
    })?;
    ready.with_context(|| {
        format!(
            "PostgreSQL did not get ready within a minute; the end of its log:\n{}\nhint: the whole log is {}",
            folder.log_tail(),
            folder.log().display()
        )
    })
}

/// Asks again and again until there is an answer; `None` when there was none within `limit`.
fn poll<T>(limit: Duration, mut check: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let deadline = Instant::now() + limit;
    loop {
        let answer = check()?;
        if answer.is_some() || Instant::now() >= deadline {
            return Ok(answer);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

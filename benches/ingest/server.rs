//! The release server as a child process: how fast it starts, what it holds in memory.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::{events, machine};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_onlycar");
const GIVE_UP: Duration = Duration::from_secs(30);
/// How long it must have been left alone before its memory counts as idle.
const SETTLE: Duration = Duration::from_millis(1500);

/// Killed when dropped. Also dies with the benchmark, however that ends.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub start: Start,
}

/// From the start of the process to the first 200 of each.
#[derive(Clone, Copy, Default)]
pub struct Start {
    pub healthz: Duration,
    pub readyz: Duration,
}

impl Server {
    pub async fn start(database: &str, log: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = command(&["serve"], database, log)?;
        command.env("BIND_ADDR", address.to_string());
        let began = Instant::now();
        let child = command.spawn().context("starting the server")?;
        let mut server = Self {
            child,
            address,
            start: Start::default(),
        };
        server.start.healthz = server.answers("/healthz", began, log).await?;
        server.start.readyz = server.answers("/readyz", began, log).await?;
        Ok(server)
    }

    async fn answers(&mut self, path: &str, began: Instant, log: &Path) -> Result<Duration> {
        while began.elapsed() < GIVE_UP {
            if probe(self.address, path).await.unwrap_or(false) {
                return Ok(began.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the server ended before {path} answered ({status}):\n{}",
                    tail(log)
                );
            }
            sleep(Duration::from_millis(1)).await;
        }
        bail!("no 200 from {path} within {GIVE_UP:?}:\n{}", tail(log))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub async fn idle_mib(&self) -> Result<f64> {
        sleep(SETTLE).await;
        machine::memory_mib(self.pid(), "VmRSS")
    }

    pub fn peak_mib(&self) -> Result<f64> {
        machine::memory_mib(self.pid(), "VmHWM")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; what matters is that it is gone and reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn migrate(database: &str, log: &Path) -> Result<()> {
    let status = command(&["migrate"], database, log)?
        .status()
        .context("running onlycar migrate")?;
    if !status.success() {
        bail!("onlycar migrate failed ({status}):\n{}", tail(log));
    }
    Ok(())
}

/// In a session of its own, as a service has: Linux shares the processors between sessions first. Both wrappers (of
/// util-linux) exec, so the process id is the server's; they cost about a millisecond of its start.
fn command(arguments: &[&str], database: &str, log: &Path) -> Result<Command> {
    let log = File::options().create(true).append(true).open(log)?;
    let mut command = Command::new("setsid");
    command
        .args(["setpriv", "--pdeathsig", "KILL", PROGRAM])
        .args(arguments);
    // Nothing of the caller's environment: a REDIS_URL there would be measured too.
    command.env_clear();
    command.envs(
        ["PATH", "HOME"]
            .into_iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?))),
    );
    command.envs([
        ("DATABASE_URL", database),
        ("STRIPE_SECRET_KEY", "sk_test_x"),
        ("STRIPE_WEBHOOK_SECRET", events::WEBHOOK_SECRET),
        ("LOG_FORMAT", "json"),
        ("RUST_LOG", "warn"),
    ]);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

async fn probe(address: SocketAddr, path: &str) -> Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await??;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

pub fn log_file(folder: &Path) -> PathBuf {
    folder.join("onlycar.log")
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

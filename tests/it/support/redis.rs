//! A Redis server of a test's own. Where `redis-server` is not installed, the test says so and passes, unless
//! `ONLYCAR_REQUIRE_REDIS=1` asks for it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::program::free_port;
use super::wait::until;

/// The server's parent: it tells the server's number, and kills the server when this process ends, however it does.
const GUARD: &str = r#""$@" & echo $!; cat > /dev/null; kill -9 $!"#;

pub struct RedisServer {
    pub port: u16,
    pub folder: TempDir,
    arguments: Vec<String>,
    password: Option<String>,
    running: Option<Running>,
}

struct Running {
    guard: Child,
    pid: Pid,
}

impl RedisServer {
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// The same with more of its options.
    pub async fn start_with(arguments: &[&str]) -> Option<Self> {
        let mut server = Self::stopped()?;
        server.more(arguments);
        let password = arguments.iter().position(|name| *name == "--requirepass");
        server.password = password.map(|at| arguments[at + 1].to_owned());
        server.run().await;
        Some(server)
    }

    /// Its place, before it runs.
    pub fn stopped() -> Option<Self> {
        if !is_installed() {
            let required = std::env::var_os("ONLYCAR_REQUIRE_REDIS").is_some_and(|value| value == "1");
            assert!(!required, "redis-server is not installed");
            println!("not tested: redis-server is not installed (apt-get install redis-server)");
            return None;
        }
        Some(Self {
            port: free_port(),
            folder: tempfile::tempdir().unwrap(),
            arguments: Vec::new(),
            password: None,
            running: None,
        })
    }

    /// More of its options, for the next start.
    pub fn more(&mut self, arguments: &[&str]) {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
    }

    /// Starts it, also again; it remembers nothing of what it held.
    pub async fn run(&mut self) {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut guard = Command::new("sh")
            .args([
                "-c",
                GUARD,
                "guard",
                "redis-server",
                "--save",
                "",
                "--bind",
                "127.0.0.1",
            ])
            .args(["--port", &self.port.to_string()])
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut told = String::new();
        let mut lines = BufReader::new(guard.stdout.take().unwrap());
        lines.read_line(&mut told).unwrap();
        // What it writes besides goes nowhere, and must not stop it.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let pid = Pid::from_raw(told.trim().parse().unwrap()).unwrap();
        self.running = Some(Running { guard, pid });
        until("Redis answers", async || {
            let client = redis::Client::open(self.url()).unwrap();
            client.get_multiplexed_async_connection().await.is_ok()
        })
        .await;
    }

    pub fn url(&self) -> String {
        let password = self.password.as_deref().map(|password| format!(":{password}@"));
        format!("redis://{}127.0.0.1:{}", password.unwrap_or_default(), self.port)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.running.as_ref().unwrap().pid, signal).unwrap();
    }

    /// `kill -9`
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// A connection of the test's own.
    pub async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// What it answers to a command.
    pub async fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
        let mut asked = Cmd::new();
        for part in command {
            asked.arg(*part);
        }
        asked.query_async(&mut self.connection().await).await.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

fn is_installed() -> bool {
    let asked = Command::new("redis-server").arg("--version").output();
    asked.is_ok_and(|output| output.status.success())
}

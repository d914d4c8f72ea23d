//! The program as a person starts it: its own process, a clean environment.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

use super::database;

const LIMIT: Duration = Duration::from_mins(1);

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// `onlycar` with nothing of this process's environment but what finding programs and folders needs.
pub fn onlycar(arguments: &[&str]) -> Command {
    let mut command = Command::new(database::program());
    command.args(arguments).env_clear().kill_on_drop(true);
    for name in ["PATH", "HOME", "TMPDIR", "PG_BIN_DIR"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub async fn run(mut command: Command) -> Ended {
    let output = tokio::time::timeout(LIMIT, command.output())
        .await
        .expect("it ends")
        .unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `onlycar` in a folder to its end.
pub async fn run_in(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = onlycar(arguments);
    command.current_dir(folder);
    run(command).await
}

/// A program that runs until told otherwise.
pub struct Running {
    child: Child,
    pub out: Lines,
    pub err: Lines,
}

/// What a program has written so far.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<String>>, Arc<Notify>);

impl Lines {
    fn of(source: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let lines = Self::default();
        let kept = lines.clone();
        tokio::spawn(async move {
            let mut source = BufReader::new(source).lines();
            while let Ok(Some(line)) = source.next_line().await {
                kept.0.lock().unwrap().push_str(&(line + "\n"));
                kept.1.notify_waiters();
            }
        });
        lines
    }

    pub fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    /// Returns when this was written.
    pub async fn wait_for(&self, text: &str) {
        let written = async {
            loop {
                let more = self.1.notified();
                if self.text().contains(text) {
                    return;
                }
                more.await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, written).await;
        assert!(waited.is_ok(), "it never wrote {text:?}:\n{}", self.text());
    }
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self {
            child,
            out: Lines::of(out),
            err: Lines::of(err),
        }
    }

    pub fn pid(&self) -> i32 {
        self.child.id().unwrap().try_into().unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid()).unwrap(), signal).unwrap();
    }

    /// Waits for its end; `None` when a signal ended it.
    pub async fn end(&mut self) -> Option<i32> {
        let status = tokio::time::timeout(LIMIT, self.child.wait()).await;
        status
            .unwrap_or_else(|_| panic!("it did not end:\n{}", self.err.text()))
            .unwrap()
            .code()
    }

    /// SIGTERM, and the exit code that follows.
    pub async fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.end().await
    }
}

/// A port that nobody is given by chance: below those that the system hands out.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 1_000).unwrap() * 10;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

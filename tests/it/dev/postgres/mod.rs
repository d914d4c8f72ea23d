//! The supervised PostgreSQL.

mod killed;
mod life;
mod told;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use onlycar::dev::postgres::{Options, Places, Postgres, Way};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection};

use crate::support::database::program;

/// Not a test of its own: the process that the tests above kill.
#[test]
#[ignore = "a process for other tests"]
fn stand_in_owner() {
    let Some(root) = std::env::var_os("ONLYCAR_TEST_OWNER") else {
        return;
    };
    let server = start(&Options::kept(root)).unwrap();
    run(
        &server.url("postgres"),
        "create table kept (id int); insert into kept values (1), (2), (3)",
    )
    .unwrap();
    println!("\nstarted");
    loop {
        std::thread::park();
    }
}

struct Owner {
    child: Child,
    _output: BufReader<ChildStdout>,
}

impl Owner {
    fn start(folder: &TempFolder) -> Self {
        let (_, module) = module_path!().split_once("::").unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                &format!("{module}::stand_in_owner"),
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env("ONLYCAR_TEST_OWNER", folder.server())
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while line != "started\n" {
            line.clear();
            assert_ne!(
                output.read_line(&mut line).unwrap(),
                0,
                "the owner ended before its server was there"
            );
        }
        Self {
            child,
            _output: output,
        }
    }

    fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that every account can enter, and that goes with the test.
struct TempFolder(PathBuf);

impl TempFolder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("onlycar-it-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(path.canonicalize().unwrap())
    }

    fn server(&self) -> PathBuf {
        self.0.join("postgres")
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        // The guard of a killed owner may still be writing there.
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.0.exists() && fs::remove_dir_all(&self.0).is_err() && Instant::now() < deadline {
            std::thread::yield_now();
        }
    }
}

fn kept(folder: &TempFolder) -> Options {
    Options::kept(folder.server())
}

/// Places without any binaries, and these ways to get some.
fn nowhere(folder: &TempFolder, ways: &[Way]) -> Places {
    Places {
        bin_dir: None,
        system: Vec::new(),
        caches: vec![folder.0.join("cache")],
        ways: ways.to_vec(),
    }
}

fn start(options: &Options) -> anyhow::Result<Postgres> {
    start_telling(options, &mut Vec::new())
}

fn start_telling(options: &Options, steps: &mut Vec<String>) -> anyhow::Result<Postgres> {
    let mut tell = |step: &str| steps.push(step.to_owned());
    Postgres::start(options, program(), &mut tell)
}

fn server_process(folder: &TempFolder) -> i32 {
    let file = fs::read_to_string(folder.server().join("data/postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// State and parent of a process; `None` when it is gone. (`ps` is missing in slim containers, /proc on macOS.)
fn look_at(pid: i32) -> Option<(String, i32)> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| Some(stat.rsplit_once(") ")?.1.to_owned()));
    let line = line.or_else(|| {
        let output = Command::new("ps")
            .args(["-o", "state=,ppid=", "-p", &pid.to_string()])
            .output()
            .ok()?;
        String::from_utf8(output.stdout).ok()
    })?;
    let mut fields = line.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn runs(pid: i32) -> bool {
    look_at(pid).is_some_and(|(state, _)| !state.starts_with('Z'))
}

fn parent(pid: i32) -> i32 {
    look_at(pid).unwrap().1
}

fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !check() {
        assert!(Instant::now() < deadline, "this did not happen: {what}");
        std::thread::yield_now();
    }
}

fn run(url: &str, statements: &'static str) -> Result<(), sqlx::Error> {
    block_on(async {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::raw_sql(statements).execute(&mut connection).await?;
        connection.close().await
    })
}

fn ask<T>(url: &str, query: &'static str) -> T
where
    T: for<'row> sqlx::Decode<'row, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(query)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    })
}

fn count(url: &str) -> i64 {
    ask(url, "select count(*) from kept")
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

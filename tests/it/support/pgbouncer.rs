//! pgbouncer before the tests' PostgreSQL. Where it is not installed, the test says so and passes, unless
//! `ONLYCAR_REQUIRE_PGBOUNCER=1` asks for it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::program::free_port;
use super::wait::until;

/// Its parent: it kills it when this process ends, however it does.
const GUARD: &str = r#""$@" & cat > /dev/null; kill -9 $!"#;

/// How many sessions of PostgreSQL a database is given, however many clients come.
pub const SESSIONS: usize = 2;

pub struct PgBouncer {
    port: u16,
    guard: Child,
    _folder: TempDir,
}

impl PgBouncer {
    /// As Debian sets it up, in transaction mode.
    pub async fn start(database_url: &str) -> Option<Self> {
        Self::start_with(database_url, "pool_mode = transaction").await
    }

    /// Before the server of this address, with more lines of its settings.
    pub async fn start_with(database_url: &str, settings: &str) -> Option<Self> {
        if !is_installed() {
            let required = std::env::var_os("ONLYCAR_REQUIRE_PGBOUNCER").is_some_and(|value| value == "1");
            assert!(!required, "pgbouncer is not installed");
            println!("not tested: pgbouncer is not installed (apt-get install pgbouncer)");
            return None;
        }
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, self::settings(database_url, port, settings)).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "guard", "pgbouncer", "--quiet"]);
        if rustix::process::geteuid().is_root() {
            command.args(["--user", "nobody"]);
        }
        let guard = command
            .arg(&file)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let pooler = Self {
            port,
            guard,
            _folder: folder,
        };
        let url = pooler.url(database_url);
        until("pgbouncer answers", async || {
            PgConnection::connect_with(&plain(&url)).await.is_ok()
        })
        .await;
        Some(pooler)
    }

    /// The way through it to the database of this address.
    pub fn url(&self, database_url: &str) -> String {
        let (before, after) = database_url.rsplit_once('@').unwrap();
        let (_, database) = after.split_once('/').unwrap();
        format!("{before}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A connection that pgbouncer takes without being told what to ignore.
pub fn plain(url: &str) -> PgConnectOptions {
    url.parse::<PgConnectOptions>().unwrap().extra_float_digits(None)
}

/// Every client may come in; at the server it is the user of the address.
fn settings(database_url: &str, port: u16, more: &str) -> String {
    let server: url::Url = database_url.parse().unwrap();
    format!(
        "[databases]\n* = host={} port={} user={} password={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = any\nmax_client_conn = 200\n\
         default_pool_size = {SESSIONS}\n{more}\n",
        server.host_str().unwrap(),
        server.port().unwrap(),
        server.username(),
        server.password().unwrap(),
    )
}

fn is_installed() -> bool {
    let asked = Command::new("pgbouncer").arg("--version").output();
    asked.is_ok_and(|output| output.status.success())
}

//! `onlycar serve` as a process of its own, at one address and on one database, started as often as a test likes.

use std::fs::{self, OpenOptions};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use onlycar::engine::audit;
use rand::RngExt;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::PgPool;
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::app::SECRET;
use crate::support::database::{db, program};
use crate::support::wait::{until, until_within};

/// One address, one settings file, one database.
pub struct Site {
    pub url: String,
    pub pool: PgPool,
    port: u16,
    database_url: String,
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Site {
    /// `pool` is the test's own way to the database; the server takes `database_url`.
    pub fn new(database_url: &str, pool: PgPool, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("settings.toml"), config).unwrap();
        let port = free_port();
        Self {
            url: format!("http://127.0.0.1:{port}"),
            pool,
            port,
            database_url: database_url.to_owned(),
            folder,
            environment: Vec::new(),
        }
    }

    /// The same with more variables in its environment.
    pub fn with(mut self, more: &[(&str, &str)]) -> Self {
        let owned = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.environment.extend(owned);
        self
    }

    /// Another server on the same database and with the same settings.
    pub fn neighbour(&self) -> Self {
        let settings = fs::read_to_string(self.folder.path().join("settings.toml")).unwrap();
        Self::new(&self.database_url, self.pool.clone(), &settings)
    }

    /// Starts the server; it is not ready yet.
    pub fn start(&self) -> Server {
        self.start_with(&[])
    }

    pub fn start_with(&self, arguments: &[&str]) -> Server {
        let log = self.folder.path().join("log");
        let output = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let child = Command::new(program())
            .args(["serve", "--config", "settings.toml"])
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("DATABASE_URL", &self.database_url)
            .env("STRIPE_WEBHOOK_SECRET", SECRET)
            .env("BIND_ADDR", format!("127.0.0.1:{}", self.port))
            .env("RUST_LOG", "warn")
            .env("LOG_FORMAT", "pretty")
            .envs(self.environment.clone())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Server { child, log }
    }

    /// What the servers wrote so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until the server answers that it is ready.
    pub async fn ready(&self) {
        let client = onlycar::tools::outbound::client().unwrap();
        let url = format!("{}/readyz", self.url);
        until("the server is ready", async || {
            let answer = client.get(&url).send().await;
            answer.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    /// So many services that cost 1500.00 MXN and wait for payment.
    pub async fn services(&self, count: i32) -> Vec<Uuid> {
        let client = Uuid::new_v4();
        let insert = "insert into clientes (id, nombre, creado_en) values ($1, 'Ana López', now())";
        sqlx::query(insert)
            .bind(client)
            .execute(&self.pool)
            .await
            .unwrap();
        let insert = "insert into servicios (id, cliente_id, descripcion, monto)
                      select gen_random_uuid(), $1, 'Cambio de aceite', 1500 from generate_series(1, $2)
                      returning id";
        let insert = sqlx::query_scalar(insert).bind(client).bind(count);
        insert.fetch_all(&self.pool).await.unwrap()
    }

    /// A number out of the database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Waits until the database counts any.
    pub async fn until(&self, what: &str, sql: &'static str) {
        until(what, async || self.count(sql).await > 0).await;
    }

    /// Waits until no event is left to be done.
    pub async fn until_all_done(&self) {
        let left = "select count(*) from webhooks.events where state in ('pending', 'processing', 'failed')";
        until_within(Duration::from_mins(1), "all events are done", async || {
            self.count(left).await == 0
        })
        .await;
    }

    /// Every acknowledged event is processed, its service is paid once and said so once, and the chain holds.
    pub async fn assert_each_once(&self, acknowledged: &[(String, Uuid)]) {
        let (events, services): (Vec<String>, Vec<Uuid>) = acknowledged.iter().cloned().unzip();
        let wrong: Vec<(String, Option<String>, Option<String>, i64)> = sqlx::query_as(
            "select sent.event, e.state, s.estado_pago,
                    (select count(*) from logs_auditoria
                     where accion = 'servicio.pagado' and recurso_id = sent.service::text and evento_id = e.id)
             from unnest($1::text[], $2::uuid[]) as sent (event, service)
             left join webhooks.events e on e.event_id = sent.event left join servicios s on s.id = sent.service
             where e.state is distinct from 'processed' or s.estado_pago is distinct from 'pagado'
                or (select count(*) from logs_auditoria
                    where accion = 'servicio.pagado' and recurso_id = sent.service::text) <> 1
             limit 5",
        )
        .bind(events)
        .bind(services)
        .fetch_all(&self.pool)
        .await
        .unwrap();
        assert_eq!(wrong, [], "of {} acknowledged events", acknowledged.len());
        // Nor is there an effect that nobody was told of.
        let sent = i64::try_from(acknowledged.len()).unwrap();
        for rows in [
            "select count(*) from webhooks.events",
            "select count(*) from servicios where estado_pago = 'pagado'",
            "select count(*) from stripe.payments",
            "select count(*) from logs_auditoria where recurso_tipo not in ('servidor', 'alertas')",
        ] {
            assert_eq!(self.count(rows).await, sent, "{rows}");
        }
        audit::seal(&db(&self.pool)).await.unwrap();
        let chain = audit::verify(&db(&self.pool)).await.unwrap().unwrap();
        let all: i64 = self.count("select count(*) from logs_auditoria").await;
        assert_eq!(i64::try_from(chain.rows).unwrap(), all);
    }
}

/// Below the ports that the kernel gives to clients: a client that knocks while the server is down would otherwise
/// be able to meet itself there.
fn free_port() -> u16 {
    loop {
        let port = rand::rng().random_range(15_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A server process; it is killed when the test lets go of it.
pub struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// `kill -9`
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        until("the server has ended", async || !self.is_running()).await;
        self.child.wait().unwrap()
    }

    /// SIGTERM, and the end with code 0.
    pub async fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = self.ended().await;
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(30)..].join("\n");
            eprintln!("the end of the server's log:\n{tail}");
        }
    }
}

//! `cargo bench --bench documents`: 50 invoices with a PDF of 40 MiB each, told at once, and the memory of the server that
//! fetches, checks, stores and records them.
//!
//! It brings its own PostgreSQL, a simulated Gigstack and an object store, and runs the server as a child, whose memory
//! comes from /proc (Linux only). Exits with 1 above the limit.

#![allow(clippy::print_stdout, reason = "a benchmark is read on the terminal")]
#![allow(
    clippy::disallowed_methods,
    reason = "it measures real time; it is not part of the program"
)]

mod gigstack;

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future;
use onlycar::dev::gigstack::{Delivery, Event, Order};
use onlycar::dev::objects::ObjectStore;
use onlycar::dev::postgres::{Options, Postgres};
use sqlx::PgPool;
use tokio::net::TcpListener;

use gigstack::{SECRET, Team};

const PROGRAM: &str = env!("CARGO_BIN_EXE_onlycar");
const DOCUMENTS: u8 = 50;
const MIB: u64 = 1024 * 1024;
const SIZE: u64 = 40 * MIB;
const LIMIT_MIB: u64 = 300;
const BUCKET: &str = "onlycar-bench";
const LONGEST: Duration = Duration::from_mins(10);
/// All of them at once, as no sensible setting would have it.
const SETTINGS: &str =
    "[worker]\nconcurrency = 50\n[stripe]\nreconcile_every_seconds = 0\nwatch_every_seconds = 0\n";

fn main() -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let options = Options::kept(folder.path().join("postgres"));
    let postgres = Postgres::start(&options, Path::new(PROGRAM), &mut |line| println!("{line}"))?;
    let measured =
        tokio::runtime::Runtime::new()?.block_on(measure(folder.path(), &postgres.url("postgres")));
    postgres.stop()?;
    let (took, idle, peak) = measured?;
    let total = u64::from(DOCUMENTS) * SIZE / MIB;
    println!(
        "{DOCUMENTS} invoices with {} MiB each ({total} MiB), told at once: {took:.1?}",
        SIZE / MIB
    );
    println!("the server's memory: idle {idle} MiB, at its peak {peak} MiB; limit {LIMIT_MIB} MiB");
    Ok(if peak < LIMIT_MIB {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn measure(folder: &Path, database: &str) -> Result<(Duration, u64, u64)> {
    let team = Team::start(SIZE).await?;
    let store = ObjectStore::open(folder, BUCKET, "key", "secret")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let store_url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(store.serve(listener, future::pending()));
    let server = Server::start(folder, database, &team, &store_url).await?;
    team.simulator.send_to(&server.url, SECRET);
    let idle = server.memory("VmRSS")?;

    let invoices: Vec<_> = (0..DOCUMENTS)
        .map(|_| team.simulator.stamp(Order::default()))
        .collect();
    let begun = Instant::now();
    let told = invoices.iter().map(|invoice| {
        let told = team
            .simulator
            .deliver(Event::InvoiceCreated, &invoice.id, Delivery::default());
        async {
            told.await
                .map(|answers| answers.iter().all(|answer| answer.status == 200))
        }
    });
    ensure!(
        future::try_join_all(told).await?.iter().all(|taken| *taken),
        "a webhook was not taken"
    );
    let pool = PgPool::connect(database).await?;
    let done = "select count(*) from facturas_emitidas where url_pdf is not null";
    while sqlx::query_scalar::<_, i64>(done).fetch_one(&pool).await? < i64::from(DOCUMENTS) {
        if begun.elapsed() > LONGEST {
            bail!("not all were stored within {LONGEST:?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    pool.close().await;
    Ok((begun.elapsed(), idle, server.memory("VmHWM")?))
}

/// The server as a child; it is killed with the benchmark.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    async fn start(folder: &Path, database: &str, team: &Team, store: &str) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let settings = folder.join("settings.toml");
        std::fs::write(&settings, SETTINGS)?;
        let log = std::fs::File::create(folder.join("log"))?;
        let child = Command::new(PROGRAM)
            .args(["serve", "--migrate", "--config"])
            .arg(&settings)
            .env_clear()
            .env("DATABASE_URL", database)
            .env("BIND_ADDR", format!("127.0.0.1:{port}"))
            .env("STRIPE_WEBHOOK_SECRET", "whsec_bench")
            .envs(team.variables())
            .envs([
                ("R2_ACCOUNT_ID", "bench"),
                ("R2_ACCESS_KEY_ID", "key"),
                ("R2_SECRET_ACCESS_KEY", "secret"),
                ("R2_BUCKET_NAME", BUCKET),
                ("R2_ENDPOINT", store),
                ("RUST_LOG", "warn"),
            ])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let server = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        };
        let client = onlycar::tools::outbound::client()?;
        for _ in 0..300 {
            let answer = client.get(format!("{}/readyz", server.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!(
            "the server does not start:\n{}",
            std::fs::read_to_string(folder.join("log"))?
        )
    }

    /// In MiB.
    fn memory(&self, field: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|line| line.trim_matches([':', ' ', '\t']).split_whitespace().next());
        Ok(kib.context("/proc has no such line")?.parse::<u64>()? / 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

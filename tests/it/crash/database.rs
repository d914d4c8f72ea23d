//! PostgreSQL stopped, killed and gone under load, while the server process stays.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use onlycar::dev::postgres::{Options, Postgres};
use onlycar::tools::{db, outbound};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, Executor, PgConnection};
use url::Url;
use uuid::Uuid;

use super::forwarder::Forwarder;
use super::load::{self, Load};
use super::site::Site;
use crate::support::database::{self, program};
use crate::support::wait::{until, until_within};

/// Short waits: a request is refused soon, and a killed worker's rows are free soon.
const SETTINGS: &str =
    "[worker]\nlease_seconds = 1\n[database]\nmax_connections = 4\nacquire_timeout_ms = 1500\n";

/// A PostgreSQL of the test's own whose data stays, with fsync on, and the way to it.
struct Own {
    root: PathBuf,
    server: Option<Postgres>,
    forwarder: Forwarder,
}

impl Own {
    async fn start() -> Self {
        let root = std::env::temp_dir().join(format!("onlycar-crash-{}", Uuid::new_v4()));
        let server = start(root.clone()).await;
        let mut admin = PgConnection::connect(&server.url("postgres")).await.unwrap();
        admin.execute("create database onlycar").await.unwrap();
        let forwarder = Forwarder::start(port(&server)).await;
        Self {
            root,
            server: Some(server),
            forwarder,
        }
    }

    /// The database through the forwarder.
    fn url(&self) -> String {
        let mut url: Url = self.server.as_ref().unwrap().url("onlycar").parse().unwrap();
        url.set_port(Some(self.forwarder.port)).unwrap();
        url.into()
    }

    async fn site(&self) -> Site {
        let url = self.url();
        let options = PgPoolOptions::new().acquire_timeout(Duration::from_secs(20));
        let pool = options.connect(&url).await.unwrap();
        db::migrate(&database::db(&pool)).await.unwrap();
        Site::new(&url, pool, SETTINGS)
    }

    /// Stops the server as an operator does.
    async fn stop(&mut self) {
        let server = self.server.take().unwrap();
        tokio::task::spawn_blocking(|| server.stop().unwrap())
            .await
            .unwrap();
    }

    /// Starts it again on the same data, at another port.
    async fn start_again(&mut self) {
        let server = start(self.root.clone()).await;
        self.forwarder.lead_to(port(&server));
        self.server = Some(server);
    }

    /// `kill -9` of the postmaster; its sessions end when they notice.
    async fn kill(&mut self) {
        let file = fs::read_to_string(self.root.join("data/postmaster.pid")).unwrap();
        let pid = file.lines().next().unwrap().trim().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        self.stop().await;
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let _ = server.stop();
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}

async fn start(root: PathBuf) -> Postgres {
    let start = move || Postgres::start(&Options::kept(root), program(), &mut |_| {}).unwrap();
    tokio::task::spawn_blocking(start).await.unwrap()
}

fn port(server: &Postgres) -> u16 {
    server.url("").parse::<Url>().unwrap().port().unwrap()
}

#[tokio::test]
async fn a_stopped_database_is_answered_with_503_and_work_goes_on_when_it_is_back() {
    let mut postgres = Own::start().await;
    let site = postgres.site().await;
    let mut server = site.start();
    let load = Load::start(&site.url, site.services(10_000).await, 3);
    load.until_more(50).await;

    postgres.forwarder.lead_nowhere();
    postgres.stop().await;
    let acknowledged = load.tally.acknowledged();
    let client = outbound::client().unwrap();
    let answer = load::send(
        &client,
        &format!("{}/api/webhooks/stripe", site.url),
        b"{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"plan.created\"}",
    )
    .await
    .unwrap();
    assert_eq!(answer.status(), 503);
    let seconds: u32 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(seconds > 0);
    let ready = client.get(format!("{}/readyz", site.url)).send().await.unwrap();
    let alive = client.get(format!("{}/healthz", site.url)).send().await.unwrap();
    assert_eq!((ready.status().as_u16(), alive.status().as_u16()), (503, 200));
    let away = load.tally.away();
    until("every client was told to come again", async || {
        load.tally.away() >= away + 3
    })
    .await;
    assert_eq!(
        load.tally.acknowledged(),
        acknowledged,
        "200 while there was no database"
    );

    postgres.start_again().await;
    let back = Instant::now();
    load.until_more(50).await;
    println!(
        "stopped: {} answers 503; {} ms after the database was back 50 events more were acknowledged",
        load.tally.away(),
        back.elapsed().as_millis()
    );
    assert!(server.is_running());
    let acknowledged = load.finish().await;
    site.until_all_done().await;
    site.assert_each_once(&acknowledged).await;
    server.stop().await;
    site.pool.close().await;
}

#[tokio::test]
async fn a_killed_database_loses_nothing_that_was_acknowledged() {
    let mut postgres = Own::start().await;
    let site = postgres.site().await;
    let mut server = site.start();
    let load = Load::start(&site.url, site.services(10_000).await, 3);
    for _ in 0..2 {
        load.until_more(50).await;
        postgres.kill().await;
        postgres.start_again().await;
    }
    // A killed session makes the postmaster throw out all others and recover by itself.
    for _ in 0..2 {
        load.until_more(50).await;
        let session = "select pid from pg_stat_activity where application_name = 'onlycar' limit 1";
        let pid: i32 = sqlx::query_scalar(session).fetch_one(&site.pool).await.unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        until("the database has recovered", async || {
            sqlx::query("select").execute(&site.pool).await.is_ok()
        })
        .await;
    }
    load.until_more(50).await;
    assert!(server.is_running());
    let (duplicates, away) = (load.tally.duplicates(), load.tally.away());
    let acknowledged = load.finish().await;
    site.until_all_done().await;
    println!(
        "killed 4 times: {} events acknowledged, {away} answers 503, {duplicates} answered as duplicates",
        acknowledged.len()
    );
    site.assert_each_once(&acknowledged).await;
    server.stop().await;
    site.pool.close().await;
}

#[tokio::test]
async fn a_database_that_vanishes_without_a_word_is_found_again_elsewhere() {
    let postgres = Own::start().await;
    let site = postgres.site().await;
    let _server = site.start_with(&["--no-worker"]);
    let load = Load::start(&site.url, site.services(1_000).await, 6);
    load.until_more(20).await;
    // Both writers wait for an answer of the database at that moment.
    let target = postgres.server.as_ref().unwrap();
    let mut direct = PgConnection::connect(&target.url("onlycar")).await.unwrap();
    let mut lock = direct.begin().await.unwrap();
    lock.execute("lock table webhooks.events in exclusive mode")
        .await
        .unwrap();
    let waiting = "select count(*) from pg_stat_activity
                   where wait_event_type = 'Lock' and query like 'insert into webhooks.events%'";
    until("both writers wait", async || {
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&mut *lock).await.unwrap();
        waiting == 2
    })
    .await;
    // As at a failover: the old machine is gone, and nothing says so; the address leads to the new one.
    postgres.forwarder.vanish_and_lead_to(port(target));
    lock.commit().await.unwrap();
    let gone = Instant::now();
    let before = load.tally.acknowledged();
    until_within(
        Duration::from_secs(30),
        "events are acknowledged again",
        async || load.tally.acknowledged() >= before + 20,
    )
    .await;
    println!("vanished: 20 events more after {} ms", gone.elapsed().as_millis());
}

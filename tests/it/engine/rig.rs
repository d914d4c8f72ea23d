//! A database with some replicas of the machine on it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::Request;
use chrono::{DateTime, Utc};
use onlycar::engine::Engine;
use onlycar::engine::inbox::Stored;
use onlycar::engine::retention::Retention;
use onlycar::engine::schedule::Schedule;
use onlycar::engine::source::Verified;
use onlycar::engine::worker::Workers;
use onlycar::ground::clock::Clock;
use onlycar::ground::config::{File, Mail};
use onlycar::notifications::Notify;
use onlycar::tools::db::{self, Pools};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::probe::{JOB, Probe, ProbeJob, Script, payload, react};
use crate::support::database;
use crate::support::wait::until;

/// Looks for due rows all the time, so that a test need not wait for the poll.
pub const EAGER: &str = "poll_ms = 20";

/// A database of its own, with a table for the effects of the probe's handlers.
pub struct Rig {
    pub pool: PgPool,
    pub clock: Clock,
    url: String,
}

/// Where a row of work stands.
#[derive(Debug, PartialEq, Eq, FromRow)]
pub struct Row {
    pub state: String,
    pub attempts: i32,
    pub run_at: DateTime<Utc>,
    pub last_error: Option<String>,
}

impl Row {
    /// State and attempts.
    pub fn stands(&self) -> (&str, i32) {
        (&self.state, self.attempts)
    }
}

impl Rig {
    /// With a clock that stands still.
    pub async fn still() -> Self {
        Self::new(Clock::manual("2026-11-22T18:00:00Z".parse().unwrap())).await
    }

    /// With the system's clock: leases are renewed by real time.
    pub async fn ticking() -> Self {
        Self::new(Clock::system()).await
    }

    async fn new(clock: Clock) -> Self {
        let url = database::fresh().await;
        let pool = PgPool::connect(&url).await.unwrap();
        let table = "create table efectos (id text not null, who text not null)";
        sqlx::query(table).execute(&pool).await.unwrap();
        Self { pool, clock, url }
    }

    /// A replica that does not work yet; `worker` are lines of the section `[worker]`.
    pub async fn replica(&self, who: &'static str, worker: &str) -> Replica {
        self.replica_with(who, worker, None).await
    }

    /// With the job that empties payloads; `worker` may go on with lines of other sections.
    pub async fn replica_with_retention(&self, who: &'static str, worker: &str) -> Replica {
        let mut replica = self.replica(who, worker).await;
        let file = file(worker);
        let engine = Arc::into_inner(replica.engine).unwrap();
        let retention = Retention::new(&engine, &file.retention);
        replica.engine = Arc::new(engine.with_job(retention).with_schedule(Retention::schedule()));
        replica
    }

    pub async fn replica_with(&self, who: &'static str, worker: &str, schedule: Option<Schedule>) -> Replica {
        let file = file(worker);
        let pools = db::connect(&self.url.clone().into(), &file).await.unwrap();
        let probe = Arc::new(Probe::new(who));
        let notify = Notify::new(pools.main.clone(), &Mail::default()).unwrap();
        let mut engine = Engine::new(pools.clone(), self.clock.clone(), &file, react)
            .with_source(probe.clone())
            .with_job(ProbeJob(probe.clone()))
            .with_job(notify);
        if let Some(schedule) = schedule {
            engine = engine.with_schedule(schedule);
        }
        Replica {
            engine: Arc::new(engine),
            probe,
            pools,
            workers: None,
        }
    }

    /// Where an event stands.
    pub async fn event(&self, id: &str) -> Row {
        let sql = "select state, attempts, run_at, last_error from webhooks.events where event_id = $1";
        sqlx::query_as(sql).bind(id).fetch_one(&self.pool).await.unwrap()
    }

    /// Where a job of the probe stands.
    pub async fn job(&self, id: &str) -> Row {
        let sql = "select state, attempts, run_at, last_error from engine.jobs where payload ->> 'id' = $1";
        sqlx::query_as(sql).bind(id).fetch_one(&self.pool).await.unwrap()
    }

    /// Waits until the event stands so.
    pub async fn until_event(&self, id: &str, state: &str, attempts: i32) {
        let what = format!("event {id} is {state} with {attempts} attempts");
        until(&what, async || self.event(id).await.stands() == (state, attempts)).await;
    }

    /// Waits until the job stands so.
    pub async fn until_job(&self, id: &str, state: &str, attempts: i32) {
        let what = format!("job {id} is {state} with {attempts} attempts");
        until(&what, async || self.job(id).await.stands() == (state, attempts)).await;
    }

    /// Waits until no event and no job is left to be done.
    pub async fn until_all_done(&self) {
        let sql = "select (select count(*) from webhooks.events where state in ('pending', 'processing', 'failed'))
                        + (select count(*) from engine.jobs where state in ('pending', 'processing', 'failed'))";
        self.until("all is done", sql, 0).await;
    }

    /// The same rig with connections of the runtime this is called in: those of one that ended are of no use.
    pub async fn in_this_runtime(&self) -> Self {
        let pool = PgPool::connect(&self.url).await.unwrap();
        Self {
            pool,
            url: self.url.clone(),
            clock: self.clock.clone(),
        }
    }

    /// Waits until the database counts so many.
    pub async fn until(&self, what: &str, sql: &'static str, count: i64) {
        until(what, async || self.count(sql).await == count).await;
    }

    /// A number out of the database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// Our id of an event.
    pub async fn id(&self, event: &str) -> Uuid {
        let sql = "select id from webhooks.events where event_id = $1";
        sqlx::query_scalar(sql)
            .bind(event)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Everything that is in the database, to be compared.
    pub async fn everything(&self) -> Vec<String> {
        let mut all = Vec::new();
        for table in [
            "efectos",
            "webhooks.events",
            "engine.jobs",
            "engine.failures",
            "engine.alerts",
            "logs_auditoria",
        ] {
            let sql = format!("select '{table} ' || t::text from {table} t order by 1");
            let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool);
            all.extend(rows.await.unwrap());
        }
        all
    }

    /// Runs a statement, as somebody else would.
    pub async fn sql(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.pool).await.unwrap();
    }

    /// Who wrote the effects with this id.
    pub async fn effects(&self, id: &str) -> Vec<String> {
        let sql = "select who from efectos where id = $1";
        sqlx::query_scalar(sql)
            .bind(id)
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    /// Which replicas the audit rows of the event's effect name.
    pub async fn audited(&self, id: &str) -> Vec<String> {
        let sql = "select detalle ->> 'quien' from logs_auditoria where accion = 'sonda.escrita' and recurso_id = $1";
        sqlx::query_scalar(sql)
            .bind(id)
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    /// How many follow-up jobs the event asked for.
    pub async fn followups(&self, id: &str) -> i64 {
        let sql = "select count(*) from engine.jobs where kind = 'sonda' and payload ->> 'id' = $1";
        sqlx::query_scalar(sql)
            .bind(id)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Puts a job into the table, due now.
    pub async fn enqueue(&self, kind: &str, id: &str, script: &Script) {
        let sql =
            "insert into engine.jobs (id, kind, payload, created_at, run_at) values ($1, $2, $3, $4, $4)";
        let insert = sqlx::query(sql)
            .bind(Uuid::new_v4())
            .bind(kind)
            .bind(payload(id, script));
        insert.bind(self.clock.now()).execute(&self.pool).await.unwrap();
    }

    /// The same for the probe's own kind.
    pub async fn enqueue_probe(&self, id: &str, script: &Script) {
        self.enqueue(JOB, id, script).await;
    }
}

fn file(worker: &str) -> File {
    // A busy machine must not make an attempt fail: with a clock that stands still there is no next one.
    let database = "max_connections = 10\nacquire_timeout_ms = 15000";
    let text = format!("[database]\n{database}\n[worker]\n{worker}\n");
    File::layered(Some(&text)).unwrap()
}

/// One replica, as a process of its own would be.
pub struct Replica {
    pub engine: Arc<Engine>,
    pub probe: Arc<Probe>,
    pub pools: Pools,
    workers: Option<Workers>,
}

impl Replica {
    /// Keeps an event through the door of this replica's inbox.
    pub async fn send(&self, id: &str, script: Script) {
        assert_eq!(self.offer(id, script).await, Stored::New);
    }

    /// The same for one that may have come before.
    pub async fn offer(&self, id: &str, script: Script) -> Stored {
        let body = Bytes::from(payload(id, &script).to_string());
        let clock = &self.engine.clock;
        let message = Verified::new(&*self.probe, &Request::new(()).into_parts().0, body, clock.now())
            .map_err(|refusal| refusal.code);
        let stored = self.engine.inbox.keep(message.unwrap(), clock.new_id()).await;
        stored.unwrap()
    }

    /// Starts its workers.
    pub fn work(&mut self) {
        self.workers = Some(Workers::start(&self.engine));
    }

    /// Stops softly.
    pub async fn stop(&mut self) {
        self.workers.take().expect("it works").stop().await;
    }

    /// Its workers, to be stopped while the test looks on.
    pub fn take_workers(&mut self) -> Workers {
        self.workers.take().expect("it works")
    }
}

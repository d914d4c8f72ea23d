//! Jobs: work that needs the network. First `act` (no transaction open, safe to run twice), then `record`.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgExecutor};
use uuid::Uuid;

use super::piece::Piece;
use super::queue::Claim;
use super::work::{Verdict, Work};
use super::{Engine, Failure};

/// A kind of job.
pub trait Job: Send + Sync + 'static {
    /// What `act` brought home.
    type Done: Send;

    /// The name kept in `engine.jobs.kind`.
    fn kind(&self) -> &'static str;

    /// Does it. A worker that dies after this runs it again: the task's id is the idempotency key.
    fn act(&self, task: &Task) -> impl Future<Output = Result<Self::Done, Failure>> + Send;

    /// Writes down what was done, in the transaction that marks the job.
    fn record(
        &self,
        task: &Task,
        done: Self::Done,
        work: &mut Work,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// A job to be done, as a unit of work asks for it.
pub struct NewJob {
    pub(super) id: Uuid,
    pub(super) kind: &'static str,
    pub(super) key: Option<String>,
    pub(super) payload: Value,
    pub(super) run_at: DateTime<Utc>,
    pub(super) cause: Option<Uuid>,
}

impl NewJob {
    pub(super) fn new(id: Uuid, kind: &'static str, payload: Value, run_at: DateTime<Utc>) -> Self {
        Self {
            id,
            kind,
            key: None,
            payload,
            run_at,
            cause: None,
        }
    }

    /// A job for now. The payload holds ids, never personal data: the job looks them up when it runs.
    pub fn now(work: &Work, kind: &'static str, payload: &impl Serialize) -> Result<Self, Failure> {
        let payload = serde_json::to_value(payload).map_err(Failure::retry)?;
        Ok(Self {
            cause: work.cause(),
            ..Self::new(work.new_id(), kind, payload, work.now())
        })
    }

    /// The same at a later time.
    #[must_use]
    pub fn at(self, run_at: DateTime<Utc>) -> Self {
        Self { run_at, ..self }
    }

    /// The same as [`NewJob::now`], once for ever: nothing is asked for when a job of this kind with this key ever was, whatever became
    /// of it. The key holds ids and codes, no personal data.
    pub fn once(
        work: &Work,
        kind: &'static str,
        key: impl Into<String>,
        payload: &impl Serialize,
    ) -> Result<Self, Failure> {
        let key = Some(key.into());
        Ok(Self {
            key,
            ..Self::now(work, kind, payload)?
        })
    }
}

/// Puts the jobs into the table, inside the transaction of the work that asks for them, and returns those that were
/// not asked for before. In one order for everybody: two transactions that ask for the same keys must not wait for
/// each other.
pub(super) async fn insert(
    database: impl PgExecutor<'_>,
    jobs: &[NewJob],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into engine.jobs (id, kind, key, payload, run_at, cause, created_at)
         select id, kind, key, payload, run_at, cause, $7
         from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[], $6::uuid[])
              as job (id, kind, key, payload, run_at, cause)
         order by kind, key
         on conflict (kind, key) where key is not null do nothing
         returning id",
        &jobs.iter().map(|job| job.id).collect::<Vec<_>>()[..],
        &jobs.iter().map(|job| job.kind).collect::<Vec<_>>()[..] as &[&str],
        &jobs.iter().map(|job| job.key.as_deref()).collect::<Vec<_>>()[..] as &[Option<&str>],
        &jobs.iter().map(|job| job.payload.clone()).collect::<Vec<_>>()[..],
        &jobs.iter().map(|job| job.run_at).collect::<Vec<_>>()[..],
        &jobs.iter().map(|job| job.cause).collect::<Vec<_>>()[..] as &[Option<Uuid>],
        now,
    )
    .fetch_all(database)
    .await
}

/// A claimed job.
#[derive(Debug, Clone, FromRow)]
pub struct Task {
    /// Row of `engine.jobs`.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub payload: Value,
    /// The event that caused it, if one did.
    pub cause: Option<Uuid>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// [`Job`] without its type, so that the machine can hold all kinds in one table.
pub(super) trait AnyJob: Send + Sync {
    fn run<'a>(
        &'a self,
        engine: &'a Engine,
        claim: Claim,
        task: &'a Task,
    ) -> BoxFuture<'a, Result<Vec<Verdict>, Failure>>;
}

impl<J: Job> AnyJob for J {
    fn run<'a>(
        &'a self,
        engine: &'a Engine,
        claim: Claim,
        task: &'a Task,
    ) -> BoxFuture<'a, Result<Vec<Verdict>, Failure>> {
        Box::pin(async move {
            let done = self.act(task).await?;
            let mut work = engine.begin(task.unit(engine, Some(claim))).await?;
            self.record(task, done, &mut work).await?;
            work.commit().await
        })
    }
}

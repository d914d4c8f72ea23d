//! Rehearsals: an event is handled here and now by this program, inside a transaction that is rolled back; what it
//! would have changed is told row by row.

mod rows;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

pub use rows::{Change, ColumnChange, RowChange};

use super::piece::{InboxRow, Piece};
use super::process::{closed, guarded};
use super::work::{Rehearsed, Work};
use super::{Engine, Failure};
use crate::ground::facts::Fact;
use crate::tools::db::Db;

/// What handling an event now would do.
#[derive(Debug, Clone, Serialize)]
pub struct Rehearsal {
    /// How the event would end: `processed`, `ignored`, `parked`, or `failed` to be tried again.
    pub outcome: &'static str,
    /// Why it would not end as processed.
    pub reason: Option<String>,
    /// The rows that would change.
    pub rows: Vec<RowChange>,
    /// The audit rows that would be written.
    pub audit: Vec<AuditLine>,
    /// The jobs that would be asked for.
    pub jobs: Vec<JobLine>,
}

/// A row of the audit log that would be written.
#[derive(Debug, Clone, Serialize)]
pub struct AuditLine {
    /// Who.
    pub actor: String,
    /// What.
    pub action: &'static str,
    /// On which table.
    pub resource_type: &'static str,
    /// On which row.
    pub resource_id: String,
    /// More.
    pub detail: Value,
}

/// A job that would be asked for.
#[derive(Debug, Clone, Serialize)]
pub struct JobLine {
    /// Its kind.
    pub kind: &'static str,
    /// What it is asked for once only.
    pub key: Option<String>,
    /// What it is about.
    pub payload: Value,
}

/// Handles the event as a worker would, and takes everything back. Rows that it touches are locked for as long as that
/// takes.
pub async fn rehearse(engine: &Engine, event: Uuid) -> Result<Rehearsal, Failure> {
    let row = read(&engine.pool, event).await?;
    match guarded(engine, handle(engine, &row)).await {
        Err(Failure::Park(reason)) => {
            let closed = closed(&row, &reason);
            guarded(engine, park(engine, &row, Fact::Parked(closed), reason)).await
        }
        Err(failure) => Ok(Rehearsal {
            outcome: "failed",
            reason: Some(failure.to_string()),
            rows: Vec::new(),
            audit: Vec::new(),
            jobs: Vec::new(),
        }),
        Ok(rehearsal) => Ok(rehearsal),
    }
}

async fn read(pool: &Db, event: Uuid) -> Result<InboxRow, Failure> {
    let sql = "select id, provider, event_id, event_type, occurred_at, received_at, payload, trust
               from webhooks.events where id = $1";
    let row = sqlx::query_as(sql).bind(event).fetch_optional(pool).await?;
    row.ok_or_else(|| Failure::Park(format!("there is no event {event}")))
}

async fn handle(engine: &Engine, row: &InboxRow) -> Result<Rehearsal, Failure> {
    let mut work = engine.begin(row.unit(engine, None)).await?;
    row.apply(engine, &mut work).await?;
    tell(engine, work).await
}

async fn park(engine: &Engine, row: &InboxRow, fact: Fact, reason: String) -> Result<Rehearsal, Failure> {
    let mut work = engine.begin(row.unit(engine, None)).await?;
    work.say(fact);
    work.park(reason);
    tell(engine, work).await
}

/// What the work would commit. It is dropped here, and so rolled back.
async fn tell(engine: &Engine, mut work: Work) -> Result<Rehearsal, Failure> {
    let Rehearsed {
        connection,
        verdict,
        audit,
        jobs,
    } = work.rehearse().await?;
    let (outcome, reason) = verdict.columns();
    let audit = audit.iter().map(|entry| AuditLine {
        actor: entry.actor.to_string(),
        action: entry.action,
        resource_type: entry.kind,
        resource_id: entry.resource.clone(),
        detail: entry.detail.clone(),
    });
    let jobs = jobs.iter().map(|job| JobLine {
        kind: job.kind,
        key: job.key.clone(),
        payload: job.payload.clone(),
    });
    Ok(Rehearsal {
        outcome,
        reason: reason.map(str::to_owned),
        audit: audit.collect(),
        jobs: jobs.collect(),
        rows: rows::changed(connection, &engine.pool).await?,
    })
}

//! Looking back: which events came, and the story of each.

use std::collections::HashMap;

use crate::tools::db::Db;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of one provider.
    pub provider: Option<String>,
    /// Of one type.
    pub event_type: Option<String>,
    /// In one state.
    pub state: Option<String>,
    /// Received since.
    pub since: Option<DateTime<Utc>>,
    /// Received before.
    pub until: Option<DateTime<Utc>>,
    /// Older than the one with this id of ours.
    pub before: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

/// One event of the inbox.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Summary {
    /// Our id.
    pub id: Uuid,
    /// Who sent it.
    pub provider: String,
    /// The provider's id.
    pub event_id: String,
    /// What happened.
    pub event_type: String,
    /// The API version that shaped it.
    pub api_version: Option<String>,
    /// When it happened, by the provider.
    pub occurred_at: Option<DateTime<Utc>>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// How it was trusted.
    pub trust: String,
    /// Where it stands.
    pub state: String,
    /// Claims so far.
    pub attempts: i32,
    /// Why it is not processed, or was not at first.
    pub last_error: Option<String>,
    /// When it was done.
    pub processed_at: Option<DateTime<Utc>>,
    /// SHA-256 of the bytes received, hexadecimal; it stays when the bytes are gone.
    pub payload_sha256: String,
    /// Whether the bytes are there still.
    pub payload_kept: bool,
}

/// An attempt that failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attempt {
    /// Which.
    pub attempt: i32,
    /// When.
    pub failed_at: DateTime<Utc>,
    /// Why.
    pub error: String,
}

/// An audit row that the event caused.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Effect {
    /// Row of `logs_auditoria`.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// On which table.
    pub resource_type: String,
    /// On which row.
    pub resource_id: String,
    /// More.
    pub detail: Value,
}

/// A job that the event caused.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Followup {
    /// Row of `engine.jobs`.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Where it stands.
    pub state: String,
    /// Claims so far.
    pub attempts: i32,
    /// Why it is not done.
    pub last_error: Option<String>,
}

/// All that is known of one event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Story {
    /// The event.
    pub event: Summary,
    /// What failed before.
    pub failed_attempts: Vec<Attempt>,
    /// What it changed.
    pub effects: Vec<Effect>,
    /// What it asked for.
    pub jobs: Vec<Followup>,
}

/// The newest events first.
pub async fn list(pool: &Db, filter: &Filter) -> Result<Vec<Summary>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Summary,
        r#"select id, provider, event_id, event_type, api_version, occurred_at, received_at, trust::text as "trust!",
                  state::text as "state!", attempts,
                  last_error, processed_at, encode(payload_sha256, 'hex') as "payload_sha256!",
                  payload is not null as "payload_kept!"
           from webhooks.events
           where ($1::text is null or provider = $1) and ($2::text is null or event_type = $2)
             and ($3::text is null or state = $3) and ($4::timestamptz is null or received_at >= $4)
             and ($5::timestamptz is null or received_at < $5) and ($6::uuid is null or id < $6)
           order by id desc limit $7"#,
        filter.provider,
        filter.event_type,
        filter.state,
        filter.since,
        filter.until,
        filter.before,
        filter.limit,
    );
    rows.fetch_all(pool).await
}

/// Where those of these events stand that ever came.
pub async fn states(
    pool: &Db,
    provider: &str,
    event_ids: &[&str],
) -> Result<HashMap<String, String>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select event_id, state::text as "state!" from webhooks.events where provider = $1 and event_id = any ($2)"#,
        provider,
        event_ids as &[&str],
    );
    let rows = rows.fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| (row.event_id, row.state)).collect())
}

/// The jobs of a kind that are not done, those that wait for a person too: what each is about, and where it stands.
pub async fn unfinished_jobs(pool: &Db, kind: &str) -> Result<Vec<(Value, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select payload as "payload!", state::text as "state!" from engine.jobs
           where kind = $1 and state in ('pending', 'processing', 'failed')
           union all
           select payload, state::text from engine.jobs where kind = $1 and state in ('parked', 'dead')"#,
        kind,
    );
    let rows = rows.fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| (row.payload, row.state)).collect())
}

/// The story of one event, by our id or by the provider's.
pub async fn show(pool: &Db, id: &str) -> Result<Option<Story>, sqlx::Error> {
    let event = sqlx::query_as!(
        Summary,
        r#"select id as "id!", provider as "provider!", event_id as "event_id!", event_type as "event_type!",
                  api_version, occurred_at, received_at as "received_at!", trust::text as "trust!",
                  state::text as "state!", attempts as "attempts!",
                  last_error, processed_at, encode(payload_sha256, 'hex') as "payload_sha256!",
                  payload is not null as "payload_kept!"
           from (select * from webhooks.events where event_id = $1
                 union all select * from webhooks.events where id = $2) as named
           order by received_at limit 1"#,
        id,
        id.parse::<Uuid>().ok(),
    );
    match event.fetch_optional(pool).await? {
        Some(event) => Ok(Some(Story {
            failed_attempts: failed_attempts(pool, event.id).await?,
            effects: effects(pool, event.id).await?,
            jobs: jobs(pool, event.id).await?,
            event,
        })),
        None => Ok(None),
    }
}

/// All that is known of one job.
#[derive(Debug, Clone)]
pub struct JobStory {
    /// Row of `engine.jobs`.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// What it is about: ids and codes.
    pub payload: Value,
    /// The event that caused it.
    pub cause: Option<Uuid>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// Where it stands.
    pub state: String,
    /// Claims so far.
    pub attempts: i32,
    /// When it is due, or was.
    pub run_at: DateTime<Utc>,
    /// Why it is not done.
    pub last_error: Option<String>,
    /// When it was done.
    pub processed_at: Option<DateTime<Utc>>,
    /// What failed before.
    pub failed_attempts: Vec<Attempt>,
}

/// The story of one job.
pub async fn job(pool: &Db, id: Uuid) -> Result<Option<JobStory>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select kind, payload, cause, created_at, state::text as "state!", attempts, run_at, last_error, processed_at
           from engine.jobs where id = $1"#,
        id
    );
    let Some(row) = row.fetch_optional(pool).await? else {
        return Ok(None);
    };
    Ok(Some(JobStory {
        id,
        kind: row.kind,
        payload: row.payload,
        cause: row.cause,
        created_at: row.created_at,
        state: row.state,
        attempts: row.attempts,
        run_at: row.run_at,
        last_error: row.last_error,
        processed_at: row.processed_at,
        failed_attempts: failed_attempts(pool, id).await?,
    }))
}

/// The bytes of an event as they came, while they are kept.
pub async fn payload(pool: &Db, event: Uuid) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let payload = sqlx::query_scalar!("select payload from webhooks.events where id = $1", event);
    Ok(payload.fetch_optional(pool).await?.flatten())
}

async fn failed_attempts(pool: &Db, event: Uuid) -> Result<Vec<Attempt>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Attempt,
        "select attempt, failed_at, error from engine.failures where row_id = $1 order by id",
        event
    );
    rows.fetch_all(pool).await
}

async fn effects(pool: &Db, event: Uuid) -> Result<Vec<Effect>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Effect,
        "select id, ocurrido_en as at, actor, accion as action, recurso_tipo as resource_type,
                recurso_id as resource_id, detalle as detail
         from logs_auditoria where evento_id = $1 order by id",
        event
    );
    rows.fetch_all(pool).await
}

async fn jobs(pool: &Db, event: Uuid) -> Result<Vec<Followup>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Followup,
        r#"select id, kind, state::text as "state!", attempts, last_error from engine.jobs
           where cause = $1 order by created_at, id"#,
        event
    );
    rows.fetch_all(pool).await
}

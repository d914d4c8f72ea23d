//! What a person decides about a row that no worker has in hand: an event is let be, a job is tried again.

use serde_json::json;
use uuid::Uuid;

use super::queue::Lane;
use super::work::Unit;
use super::{Engine, Failure};

/// The states of what waits for a person, or for its next attempt: it can be let be, or tried again.
pub const RETRIED: [&str; 3] = ["failed", "parked", "dead"];

/// Lets an event be that waits for a person or for its next attempt: `ignored`, with the reason, and an audit row by whom
/// `unit` names. What was wrong stays in its story, as a failed attempt. False when it stands otherwise by now.
pub async fn ignore(engine: &Engine, unit: Unit, event: Uuid, reason: &str) -> Result<bool, Failure> {
    // Its audit row belongs to the story of the event.
    let unit = Unit {
        cause: Some(event),
        ..unit
    };
    let mut work = engine.begin(unit).await?;
    let now = work.now();
    let before = sqlx::query_scalar!(
        r#"with chosen as (
               select id, state, attempts, processed_at, last_error from webhooks.events
               where id = $1 and state in ('failed', 'parked', 'dead') for update),
           told as (
               insert into engine.failures (row_id, attempt, failed_at, error)
               select id, attempts, coalesce(processed_at, $2), last_error from chosen
               where last_error is not null and state <> 'failed')
           update webhooks.events as event set state = 'ignored', processed_at = $2, last_error = $3
           from chosen where event.id = chosen.id
           returning chosen.state::text as "before!""#,
        event,
        now,
        reason,
    );
    let Some(before) = before.fetch_optional(work.connection()).await? else {
        return Ok(false);
    };
    let detail = json!({ "estado_anterior": before, "motivo": reason });
    work.audit("evento.ignorado", "eventos", event, detail);
    work.commit().await?;
    Ok(true)
}

/// Makes a job due that waits for a person or for its next attempt, its attempts counted anew, with an audit row by whom
/// `unit` names. False when it stands otherwise by now.
pub async fn retry_job(engine: &Engine, unit: Unit, job: Uuid) -> Result<bool, Failure> {
    let mut work = engine.begin(unit).await?;
    let now = work.now();
    let before = sqlx::query!(
        r#"with chosen as (
               select id, kind, state, attempts, processed_at, last_error from engine.jobs
               where id = $1 and state in ('failed', 'parked', 'dead') for update),
           told as (
               insert into engine.failures (row_id, attempt, failed_at, error)
               select id, attempts, coalesce(processed_at, $2), last_error from chosen
               where last_error is not null and state <> 'failed')
           update engine.jobs as job
           set state = 'pending', attempts = 0, run_at = $2, processed_at = null, last_error = null
           from chosen where job.id = chosen.id
           returning chosen.kind, chosen.state::text as "state!""#,
        job,
        now,
    );
    let Some(before) = before.fetch_optional(work.connection()).await? else {
        return Ok(false);
    };
    let detail = json!({ "tipo": before.kind, "estado_anterior": before.state });
    work.audit("trabajo.reintentado", "trabajos", job, detail);
    work.commit().await?;
    engine.wakers.wake(Lane::Jobs);
    Ok(true)
}

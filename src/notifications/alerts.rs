//! Incidents: one per cause, told to the team once, counted when it comes again.

use super::Notice;
use super::incidents::Incident;
use crate::engine::Failure;
use crate::engine::work::Work;

/// Opens the incident, or counts it when one of the same cause is open already.
pub async fn raise(work: &mut Work, incident: Incident) -> Result<(), Failure> {
    let Incident { cause, title, detail } = incident;
    let (id, now) = (work.new_id(), work.now());
    let detail = detail.replace('\0', "\u{fffd}");
    let raised = sqlx::query!(
        r#"insert into engine.alerts as alert (id, cause, title, detail, opened_at, last_seen_at)
           values ($1, $2, $3, $4, $5, $5)
           on conflict (cause) where resolved_at is null
           do update set times = alert.times + 1, last_seen_at = excluded.last_seen_at, detail = excluded.detail
           returning id, times"#,
        id,
        cause,
        title,
        detail,
        now,
    )
    .fetch_one(work.connection())
    .await?;
    if raised.times == 1 {
        Notice::Alert { alert: raised.id }.send(work)?;
    }
    Ok(())
}

/// Closes the incident when its cause is gone.
pub async fn resolve(work: &mut Work, cause: &str) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "update engine.alerts set resolved_at = $2 where cause = $1 and resolved_at is null",
        cause,
        now
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// What stands where somebody's words stood.
const ERASED: &str = "Suprimido a petición de la persona de la que trataba.";

/// Empties what was said in incidents of these causes, and in those that hold a text like one of these; how many.
pub async fn forget(work: &mut Work, causes: &[String], texts: &[String]) -> Result<u64, Failure> {
    let forgotten = sqlx::query!(
        "update engine.alerts set detail = $3 where (cause = any($1) or detail ilike any($2)) and detail <> $3",
        causes,
        texts,
        ERASED,
    );
    Ok(forgotten.execute(work.connection()).await?.rows_affected())
}

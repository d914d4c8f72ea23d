//! Incidents: one per cause, told to the team once, counted when it comes again.

mod list;

use serde_json::json;
use uuid::Uuid;

pub use list::{Alert, State, Unresolved, Which, list, one, unresolved};

use chrono::{DateTime, TimeDelta, Utc};

use super::Notice;
use super::incidents::{Incident, Kind};
use crate::engine::Failure;
use crate::engine::work::Work;

/// What stands before the cause of an incident that was opened to see whether alerts arrive.
pub const DRILL: &str = "simulacro:";
/// The longest note.
pub const LONGEST_NOTE: usize = 1000;

/// What passes by itself and comes back within this time is the same incident still, and its end was not told yet: what
/// comes and goes sends no mail each time.
pub const SETTLED: TimeDelta = TimeDelta::minutes(5);

/// Opens the incident, or counts it when one of the same cause is open already.
pub async fn raise(work: &mut Work, incident: Incident) -> Result<(), Failure> {
    let Incident { cause, title, detail } = incident;
    let detail = detail.replace('\0', "\u{fffd}");
    if passes(&cause) && reopen(work, &cause, &detail).await? {
        return Ok(());
    }
    open(work, &cause, title, &detail).await.map(drop)
}

/// Opens an incident of this kind to see whether it arrives, under a cause of its own; returns it.
pub async fn drill(work: &mut Work, kind: &Kind) -> Result<Uuid, Failure> {
    let Incident { title, detail, .. } = kind.sample();
    let cause = format!("{DRILL}{}:{}", kind.name, work.new_id());
    let title = format!("[SIMULACRO] {title}");
    let detail = format!("Esto es un simulacro: no pasó nada y no hay que hacer nada.\n{detail}");
    let id = open(work, &cause, &title, &detail).await?;
    work.audit("alerta.simulada", "alertas", id, json!({ "tipo": kind.name }));
    Ok(id)
}

/// Ends these drills, whatever became of them; how many were open.
pub async fn end_drills(work: &mut Work, ids: &[Uuid]) -> Result<u64, Failure> {
    let now = work.now();
    let ended = sqlx::query!(
        "update engine.alerts set resolved_at = $2
         where id = any($1) and resolved_at is null and cause like 'simulacro:%'",
        ids,
        now,
    );
    Ok(ended.execute(work.connection()).await?.rows_affected())
}

/// Ends drills that nobody ended, from before then.
pub async fn end_forgotten_drills(work: &mut Work, before: DateTime<Utc>) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "update engine.alerts set resolved_at = $2
         where opened_at < $1 and resolved_at is null and cause like 'simulacro:%'",
        before,
        now,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// Whether incidents of this cause come and go by themselves.
fn passes(cause: &str) -> bool {
    Kind::of(cause).is_some_and(|kind| kind.passes)
}

/// Goes on with one of the same cause that was over a moment ago.
async fn reopen(work: &mut Work, cause: &str, detail: &str) -> Result<bool, Failure> {
    let (now, since) = (work.now(), work.now() - SETTLED);
    let reopened = sqlx::query!(
        "update engine.alerts set resolved_at = null, times = times + 1, last_seen_at = $2, detail = $4
         where cause = $1 and resolved_at > $3
           and not exists (select from engine.alerts where cause = $1 and resolved_at is null)",
        cause,
        now,
        since,
        detail,
    );
    Ok(reopened.execute(work.connection()).await?.rows_affected() > 0)
}

async fn open(work: &mut Work, cause: &str, title: &str, detail: &str) -> Result<Uuid, Failure> {
    let (id, now) = (work.new_id(), work.now());
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
        let kind = Kind::of(cause.strip_prefix(DRILL).unwrap_or(cause)).map_or("other", |kind| kind.name);
        metrics::counter!("alerts_opened_total", "kind" => kind).increment(1);
    }
    Ok(raised.id)
}

/// Closes the incident when its cause is gone; of what passes by itself the team is told when it stays so.
pub async fn resolve(work: &mut Work, cause: &str) -> Result<(), Failure> {
    let now = work.now();
    let resolved = sqlx::query_scalar!(
        "update engine.alerts set resolved_at = $2 where cause = $1 and resolved_at is null returning id",
        cause,
        now
    );
    let resolved = resolved.fetch_optional(work.connection()).await?;
    match resolved {
        Some(alert) if passes(cause) => Notice::AlertOver { alert, at: now }.send_at(work, now + SETTLED),
        _ => Ok(()),
    }
}

/// What became of a word about an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is noted.
    Noted,
    /// The incident was over, or somebody had seen to it before.
    TooLate,
    /// There is none of this id.
    Unknown,
}

/// Somebody sees to the incident. It stays open, counts when its cause comes again, and tells nobody.
pub async fn acknowledge(work: &mut Work, id: Uuid, note: Option<&str>) -> Result<Seen, Failure> {
    let (by, now) = (work.actor().to_string(), work.now());
    let noted = sqlx::query!(
        "update engine.alerts set acknowledged_at = $2, acknowledged_by = $3, note = coalesce($4, note)
         where id = $1 and resolved_at is null and acknowledged_at is null",
        id,
        now,
        by,
        note.map(storable),
    );
    let rows = noted.execute(work.connection()).await?.rows_affected();
    seen(work, id, rows, "alerta.atendida").await
}

/// Somebody says that the incident is over: for those that do not see it by themselves.
pub async fn close(work: &mut Work, id: Uuid, note: Option<&str>) -> Result<Seen, Failure> {
    let (by, now) = (work.actor().to_string(), work.now());
    let noted = sqlx::query!(
        "update engine.alerts set resolved_at = $2, acknowledged_at = coalesce(acknowledged_at, $2),
             acknowledged_by = coalesce(acknowledged_by, $3), note = coalesce($4, note)
         where id = $1 and resolved_at is null",
        id,
        now,
        by,
        note.map(storable),
    );
    let rows = noted.execute(work.connection()).await?.rows_affected();
    seen(work, id, rows, "alerta.cerrada").await
}

async fn seen(work: &mut Work, id: Uuid, rows: u64, action: &'static str) -> Result<Seen, Failure> {
    if rows > 0 {
        work.audit(action, "alertas", id, json!({}));
        return Ok(Seen::Noted);
    }
    let known = sqlx::query_scalar!(
        r#"select exists (select from engine.alerts where id = $1) as "known!""#,
        id
    );
    let known = known.fetch_one(work.connection()).await?;
    Ok(if known { Seen::TooLate } else { Seen::Unknown })
}

fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
        .chars()
        .take(LONGEST_NOTE)
        .collect()
}

/// What stands where somebody's words stood.
const ERASED: &str = "Suprimido a petición de la persona de la que trataba.";

/// Empties what was said in incidents of these causes, and in those that hold a text like one of these; how many.
pub async fn forget(work: &mut Work, causes: &[String], texts: &[String]) -> Result<u64, Failure> {
    let forgotten = sqlx::query!(
        "update engine.alerts set detail = $3, note = null
         where (cause = any($1) or detail ilike any($2) or note ilike any($2)) and (detail <> $3 or note is not null)",
        causes,
        texts,
        ERASED,
    );
    Ok(forgotten.execute(work.connection()).await?.rows_affected())
}

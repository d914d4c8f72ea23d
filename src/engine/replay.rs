//! Handling events again: finished rows go back to `pending`, and a worker takes them as if they had just come.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::work::{Unit, Work};
use super::{Engine, Failure, retention};
use crate::tools::db::{Db, Transaction};

/// Finished events of a time, a provider, a type, a state; what is left open matches all.
#[derive(Debug, Clone, Default)]
pub struct Range {
    /// Of one provider.
    pub provider: Option<String>,
    /// Of one type.
    pub event_type: Option<String>,
    /// In one of the finished states.
    pub state: Option<String>,
    /// Received since.
    pub since: Option<DateTime<Utc>>,
    /// Received before.
    pub until: Option<DateTime<Utc>>,
}

/// An event that might be handled again, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Our id.
    pub id: Uuid,
    /// Who sent it.
    pub provider: String,
    /// The provider's id.
    pub event_id: String,
    /// What happened.
    pub event_type: String,
    /// Where it stands.
    pub state: String,
    /// Why it is not processed, or was not at first.
    pub last_error: Option<String>,
    /// Whether its bytes are there still.
    pub payload_kept: bool,
}

impl Candidate {
    /// Why it cannot be handled again, if so.
    pub fn refusal(&self) -> Option<&'static str> {
        if !self.payload_kept {
            Some("its payload was removed when its retention time ended; the provider may still show it")
        } else if self.is_finished() {
            None
        } else {
            Some("it is not finished: a worker handles it by itself")
        }
    }

    /// Whether nobody works on it any more.
    pub fn is_finished(&self) -> bool {
        FINISHED.contains(&self.state.as_str())
    }
}

/// The states that an event stays in.
pub const FINISHED: [&str; 4] = ["processed", "ignored", "parked", "dead"];

/// So many events at a time are put back and looked at.
pub const PAGE: i64 = 256;

/// How many events the range holds, and how many of them have no payload any more.
pub async fn count(pool: &Db, range: &Range) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query!(
        r#"select count(*) as "all!", count(*) filter (where payload is null) as "emptied!" from webhooks.events
           where state in ('processed', 'ignored', 'parked', 'dead')
             and ($1::text is null or provider = $1) and ($2::text is null or event_type = $2)
             and ($3::text is null or state = $3)
             and ($4::timestamptz is null or received_at >= $4) and ($5::timestamptz is null or received_at < $5)"#,
        range.provider,
        range.event_type,
        range.state,
        range.since,
        range.until,
    );
    let row = row.fetch_one(pool).await?;
    Ok((row.all, row.emptied))
}

/// The next events of the range that have their payload, in the order in which they came.
pub async fn page(pool: &Db, range: &Range, after: Uuid) -> Result<Vec<Candidate>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Candidate,
        r#"select id, provider, event_id, event_type, state::text as "state!", last_error, true as "payload_kept!"
           from webhooks.events
           where id > $6 and payload is not null and state in ('processed', 'ignored', 'parked', 'dead')
             and ($1::text is null or provider = $1) and ($2::text is null or event_type = $2)
             and ($3::text is null or state = $3)
             and ($4::timestamptz is null or received_at >= $4) and ($5::timestamptz is null or received_at < $5)
           order by id limit $7"#,
        range.provider,
        range.event_type,
        range.state,
        range.since,
        range.until,
        after,
        PAGE,
    );
    rows.fetch_all(pool).await
}

/// The events with these ids, ours or the provider's, in the order in which they came.
pub async fn named(pool: &Db, ids: &[String]) -> Result<Vec<Candidate>, sqlx::Error> {
    let ours: Vec<Uuid> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let rows = sqlx::query_as!(
        Candidate,
        r#"select id as "id!", provider as "provider!", event_id as "event_id!", event_type as "event_type!",
                  state::text as "state!", last_error, payload is not null as "payload_kept!"
           from (select * from webhooks.events where event_id = any($1)
                 union all
                 select * from webhooks.events where id = any($2) and event_id <> all($1)) as named
           order by id"#,
        ids,
        &ours,
    );
    rows.fetch_all(pool).await
}

/// How these events stand now.
pub async fn standing(pool: &Db, ids: &[Uuid]) -> Result<Vec<Candidate>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Candidate,
        r#"select id, provider, event_id, event_type, state::text as "state!", last_error,
                  payload is not null as "payload_kept!"
           from webhooks.events where id = any($1) order by id"#,
        ids,
    );
    rows.fetch_all(pool).await
}

/// Makes the events due, with an audit row each by whom `unit` names; returns which. One that is not finished, or holds no payload any more,
/// is left alone.
pub async fn put_back(engine: &Engine, unit: &Unit, events: &[Uuid]) -> Result<Vec<Uuid>, Failure> {
    let mut work = engine.begin(unit.clone()).await?;
    let now = work.now();
    let back = make_due(work.connection(), events, now).await?;
    let ids: Vec<Uuid> = back.iter().map(|event| event.id).collect();
    retention::look_again(work.connection(), &ids, now).await?;
    for event in back {
        note(&mut work, unit, event).await?;
    }
    work.commit().await?;
    engine.wakers.wake(super::queue::Lane::Events);
    Ok(ids)
}

async fn note(work: &mut Work, unit: &Unit, event: Back) -> Result<(), Failure> {
    let unit = Unit {
        cause: Some(event.id),
        context: vec![("evento", event.event_id)],
        ..unit.clone()
    };
    work.turn(unit).await?;
    let before = json!({ "estado_anterior": event.before });
    work.audit("evento.reprocesado", "eventos", event.id, before);
    Ok(())
}

struct Back {
    id: Uuid,
    event_id: String,
    before: String,
}

/// Attempts are counted anew; what was wrong before stays in the story of the event, as a failed attempt.
async fn make_due(
    connection: &mut Transaction,
    events: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<Back>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Back,
        r#"with chosen as (
               select id, state, attempts, processed_at, last_error from webhooks.events
               where id = any($1) and payload is not null and state in ('processed', 'ignored', 'parked', 'dead')
               order by id for update),
           told as (
               insert into engine.failures (row_id, attempt, failed_at, error)
               select id, attempts, coalesce(processed_at, $2), last_error from chosen where last_error is not null
               order by id)
           update webhooks.events as event
           set state = 'pending', attempts = 0, run_at = $2, processed_at = null, last_error = null
           from chosen where event.id = chosen.id
           returning event.id, event.event_id, chosen.state::text as "before!""#,
        events,
        now,
    );
    rows.fetch_all(connection).await
}

//! How the machine stands: its inbox, its jobs, its alerts, what it stored.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::period::Period;
use super::super::{amounts, words};
use crate::ground::clock::Clock;
use crate::tools::db::Db;

/// What waits, fails, or waits for a person: few rows, each found by an index on its state.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Unfinished {
    pub(in super::super) waiting: i64,
    pub(in super::super) failing: i64,
    pub(in super::super) parked: i64,
    pub(in super::super) dead: i64,
    /// How long the oldest that waits or fails has been there, in seconds.
    pub(in super::super) oldest: Option<i64>,
}

impl Unfinished {
    pub(in super::super) fn oldest_for(&self) -> Option<String> {
        self.oldest.map(amounts::lasting)
    }
}

/// Events that are not finished.
pub(in super::super) async fn events(db: &Db, now: DateTime<Utc>) -> Result<Unfinished, sqlx::Error> {
    let row = sqlx::query_as!(
        Unfinished,
        r#"select due.waiting as "waiting!", due.failing as "failing!", kept.parked as "parked!", kept.dead as "dead!",
                  extract(epoch from $1 - due.oldest)::bigint as oldest
           from (select count(*) filter (where state <> 'failed') as waiting,
                        count(*) filter (where state = 'failed') as failing, min(received_at) as oldest
                 from webhooks.events where state in ('pending', 'processing', 'failed')) as due,
                (select count(*) filter (where state = 'parked') as parked,
                        count(*) filter (where state = 'dead') as dead
                 from webhooks.events where state in ('dead', 'parked')) as kept"#,
        now,
    );
    row.fetch_one(db).await
}

/// Jobs that are not finished; one that is asked for later is not late before then.
pub(in super::super) async fn jobs(db: &Db, now: DateTime<Utc>) -> Result<Unfinished, sqlx::Error> {
    let row = sqlx::query_as!(
        Unfinished,
        r#"select due.waiting as "waiting!", due.failing as "failing!", kept.parked as "parked!", kept.dead as "dead!",
                  extract(epoch from $1 - due.oldest)::bigint as oldest
           from (select count(*) filter (where state <> 'failed') as waiting,
                        count(*) filter (where state = 'failed') as failing,
                        min(run_at) filter (where run_at <= $1) as oldest
                 from engine.jobs where state in ('pending', 'processing', 'failed')) as due,
                (select count(*) filter (where state = 'parked') as parked,
                        count(*) filter (where state = 'dead') as dead
                 from engine.jobs where state in ('parked', 'dead')) as kept"#,
        now,
    );
    row.fetch_one(db).await
}

/// The events that came today.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Today {
    pub(in super::super) received: i64,
    /// Of those, the ones that are done, with or without an effect.
    pub(in super::super) processed: i64,
}

/// How many came today. Ids are made of the time, so the primary key has them together.
pub(in super::super) async fn today(db: &Db, today: &Period) -> Result<Today, sqlx::Error> {
    let row = sqlx::query_as!(
        Today,
        r#"select count(*) as "received!", count(*) filter (where state in ('processed', 'ignored')) as "processed!"
           from webhooks.events where id >= $1 and id < $2"#,
        Clock::first_id_of(today.start()),
        Clock::first_id_of(today.end()),
    );
    row.fetch_one(db).await
}

/// An alert, as the first page shows it.
pub(in super::super) struct Alert {
    pub(in super::super) id: Uuid,
    pub(in super::super) title: String,
    opened_at: DateTime<Utc>,
    pub(in super::super) times: i32,
    pub(in super::super) acknowledged: bool,
}

impl Alert {
    pub(in super::super) fn opened(&self) -> String {
        words::time(self.opened_at)
    }
}

/// How many alerts are open, and the first five: those that nobody attends to, the oldest first.
pub(in super::super) async fn alerts(db: &Db) -> Result<(i64, Vec<Alert>), sqlx::Error> {
    let count =
        sqlx::query_scalar!(r#"select count(*) as "count!" from engine.alerts where resolved_at is null"#);
    let first = sqlx::query_as!(
        Alert,
        r#"select id, title, opened_at, times, acknowledged_at is not null as "acknowledged!" from engine.alerts
           where resolved_at is null order by acknowledged_at is not null, opened_at, id limit 5"#
    );
    Ok((count.fetch_one(db).await?, first.fetch_all(db).await?))
}

/// What is in the store of documents.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Stored {
    pub(in super::super) count: i64,
    pub(in super::super) bytes: i64,
}

/// Objects that were stored from then to before then.
pub(in super::super) async fn stored(
    db: &Db,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Stored, sqlx::Error> {
    let row = sqlx::query_as!(
        Stored,
        r#"select count(*) as "count!", coalesce(sum(bytes), 0)::bigint as "bytes!" from documents.objects
           where stored_at >= $1 and stored_at < $2"#,
        from,
        until,
    );
    row.fetch_one(db).await
}

/// Objects that are not as they should be.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Faulty {
    pub(in super::super) missing: i64,
    pub(in super::super) altered: i64,
}

/// How many there are of them.
pub(in super::super) async fn faulty(db: &Db) -> Result<Faulty, sqlx::Error> {
    let row = sqlx::query_as!(
        Faulty,
        r#"select count(*) filter (where fault = 'missing') as "missing!",
                  count(*) filter (where fault = 'different') as "altered!" from documents.faults"#
    );
    row.fetch_one(db).await
}

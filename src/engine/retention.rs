//! Retention: the bytes of an event are personal data and are emptied when their time is over. Its row, hash and
//! outcome stay, and a duplicate is known as one for ever.
//!
//! Ids are made of the time, so the events whose time is over are found by walking the primary key on from where the
//! walk before ended: the cost is that of what is emptied, however many rows there are. What the walk must leave as
//! it is (not finished, waiting for a person) goes into `engine.kept_payloads` and is looked at again from there.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::inbox::Inbox;
use super::job::{Job, NewJob, Task};
use super::schedule::Schedule;
use super::work::Work;
use super::{Engine, Failure};
use crate::ground::clock::Clock;
use crate::ground::config;
use crate::tools::db::{Db, Transaction};

const KIND: &str = "vaciar_eventos";

/// A job ends after about so long, and asks for another one when there is more to do: a stop need not wait for it.
const LONGEST: Duration = Duration::from_secs(20);

/// An event that is not finished, or is just being handled again, is looked at again after this.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);

/// How long acceptance may hold a batch up.
const GIVE_WAY: Duration = Duration::from_secs(1);

/// The job that empties payloads and removes what is only history.
pub struct Retention {
    pool: Db,
    inbox: Inbox,
    clock: Clock,
    settings: config::Retention,
}

/// Whether it came to the end of what there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Nothing more is over its time.
    All,
    /// There is more.
    Part,
}

impl Retention {
    /// For the inbox of `engine`.
    pub fn new(engine: &Engine, settings: &config::Retention) -> Self {
        Self {
            pool: engine.pool.clone(),
            inbox: engine.inbox.clone(),
            clock: engine.clock.clone(),
            settings: settings.clone(),
        }
    }

    /// When it comes.
    pub fn schedule() -> Schedule {
        Schedule {
            kind: KIND,
            every: TimeDelta::hours(1),
        }
    }

    /// Each batch is one statement, and so a transaction of its own: a row is locked for milliseconds, and what a kill
    /// interrupts is done again.
    async fn sweep(&self) -> Result<Done, Failure> {
        let started = Instant::now();
        let mut steps = [Step::Walk, Step::Kept, Step::Jobs, Step::Failures].into_iter();
        let mut step = steps.next();
        while let Some(now) = step {
            self.inbox.give_way(GIVE_WAY).await;
            let begun = Instant::now();
            let rows = self.batch(now).await?;
            // Nobody waits for this: half of the time is left to those that somebody waits for.
            tokio::time::sleep(begun.elapsed()).await;
            if rows < self.settings.batch_rows {
                step = steps.next();
            }
            if step.is_some() && started.elapsed() > LONGEST {
                return Ok(Done::Part);
            }
        }
        Ok(Done::All)
    }

    /// How many rows the batch came across.
    async fn batch(&self, step: Step) -> Result<i64, sqlx::Error> {
        let (settings, now) = (&self.settings, self.clock.now());
        let before = |days: u16| now - TimeDelta::days(i64::from(days));
        let (handled, unresolved) = (
            before(settings.payload_days),
            before(settings.unresolved_payload_days),
        );
        match step {
            Step::Walk => walk(&self.pool, settings, handled, now).await,
            Step::Kept => look_at_kept(&self.pool, settings, unresolved, now).await,
            Step::Jobs => forget_ticks(&self.pool, before(settings.jobs_days), settings.batch_rows).await,
            Step::Failures => {
                forget_failures(&self.pool, before(settings.failures_days), settings.batch_rows).await
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Walk,
    Kept,
    Jobs,
    Failures,
}

impl Job for Retention {
    type Done = Done;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Done, Failure> {
        self.sweep().await
    }

    async fn record(&self, _task: &Task, done: Done, work: &mut Work) -> Result<(), Failure> {
        if done == Done::Part {
            let more = NewJob::now(work, KIND, &json!({}))?;
            work.enqueue(more);
        }
        Ok(())
    }
}

fn count_emptied(rows: i64) {
    metrics::counter!("payloads_emptied_total").increment(u64::try_from(rows).unwrap_or(0));
}

/// One batch of the walk: empties what is handled, notes what holds its payload still, and moves on. A row that
/// changed its state meanwhile counts as the latter.
async fn walk(
    pool: &Db,
    settings: &config::Retention,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    let row = sqlx::query!(
        r#"with step as (
               select id, state, received_at, payload is not null as full from webhooks.events
               where id > (select emptied_up_to from engine.retention) and id < $1 order by id limit $2),
           emptied as (
               update webhooks.events as event set payload = null from step
               where event.id = step.id and step.full and event.state in ('processed', 'ignored')
               returning event.id),
           kept as (
               insert into engine.kept_payloads (event_id, look_at)
               select id, case when state in ('parked', 'dead') then greatest(received_at + make_interval(days => $3), $4) else $4 end
               from step where step.full and id not in (select id from emptied)
               on conflict (event_id) do nothing),
           moved as (
               update engine.retention set emptied_up_to = greatest(emptied_up_to, (select id from step order by id desc limit 1))
               where exists (select from step))
           select (select count(*) from step) as "rows!", (select count(*) from emptied) as "emptied!""#,
        Clock::first_id_of(before),
        settings.batch_rows,
        i32::from(settings.unresolved_payload_days),
        now + LOOK_AGAIN,
    );
    let row = row.fetch_one(pool).await?;
    count_emptied(row.emptied);
    Ok(row.rows)
}

/// One batch of those that the walk passed by. One that is finished by now is emptied, and one that nobody resolved
/// when the longer time for those is over; the others are looked at again.
async fn look_at_kept(
    pool: &Db,
    settings: &config::Retention,
    unresolved: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    let row = sqlx::query!(
        r#"with due as (
               select event_id from engine.kept_payloads where look_at <= $1 order by look_at limit $2),
           emptied as (
               update webhooks.events as event set payload = null from due
               where event.id = due.event_id and event.payload is not null
                 and (event.state in ('processed', 'ignored')
                      or event.state in ('parked', 'dead') and event.received_at < $3)
               returning event.id),
           left_over as (
               select event.id, event.state, event.received_at from due join webhooks.events as event on event.id = due.event_id
               where event.payload is not null and event.id not in (select id from emptied)),
           later as (
               update engine.kept_payloads as kept
               set look_at = case when state in ('parked', 'dead')
                                  then greatest(received_at + make_interval(days => $4), $5) else $5 end
               from left_over where kept.event_id = left_over.id),
           done as (
               delete from engine.kept_payloads as kept using due
               where kept.event_id = due.event_id and kept.event_id not in (select id from left_over))
           select (select count(*) from due) as "rows!", (select count(*) from emptied) as "emptied!""#,
        now,
        settings.batch_rows,
        unresolved,
        i32::from(settings.unresolved_payload_days),
        now + LOOK_AGAIN,
    );
    let row = row.fetch_one(pool).await?;
    count_emptied(row.emptied);
    Ok(row.rows)
}

/// Events that are handled again: those whose time is over already must not keep their payload for ever.
pub(super) async fn look_again(
    connection: &mut Transaction,
    events: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into engine.kept_payloads (event_id, look_at)
         select id, $2 from unnest($1::uuid[]) as event (id)
         where id <= (select emptied_up_to from engine.retention)
         order by id
         on conflict (event_id) do update set look_at = excluded.look_at",
        events,
        now + LOOK_AGAIN,
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Scheduled jobs that are done. The latest of each kind stays: it says that its tick was had.
async fn forget_ticks(pool: &Db, before: DateTime<Utc>, rows: i64) -> Result<i64, sqlx::Error> {
    let deleted = sqlx::query!(
        "delete from engine.jobs where id = any (array (
             select id from engine.jobs as old
             where tick < $1 and state in ('processed', 'ignored')
               and tick < (select max(tick) from engine.jobs as latest where latest.kind = old.kind)
             order by tick limit $2))",
        before,
        rows,
    );
    Ok(count(deleted.execute(pool).await?.rows_affected()))
}

/// The oldest failed attempts: their ids are in the order of time, so only the first ones are read.
async fn forget_failures(pool: &Db, before: DateTime<Utc>, rows: i64) -> Result<i64, sqlx::Error> {
    let deleted = sqlx::query!(
        "delete from engine.failures where id = any (array (
             select id from (select id, failed_at from engine.failures order by id limit $2) as oldest
             where failed_at < $1))",
        before,
        rows,
    );
    Ok(count(deleted.execute(pool).await?.rows_affected()))
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

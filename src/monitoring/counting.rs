//! Counts the webhooks of hours that are over, once each; after an outage, those that were left out.

use chrono::{DateTime, TimeDelta, Utc};

use super::store::{self, Counted};
use super::traffic::hour_of;
use crate::engine::Failure;
use crate::engine::job::{Job, Task};
use crate::engine::schedule::Schedule;
use crate::engine::work::Work;
use crate::ground::clock::Clock;
use crate::tools::db::Db;

const KIND: &str = "contar_avisos";
/// So long after its end an hour is counted: what came in it is stored by then, and most first attempts are over.
const SETTLED: TimeDelta = TimeDelta::minutes(5);
/// Nothing older is asked for: four weeks say what is usual.
const OLDEST: TimeDelta = TimeDelta::weeks(5);
/// At most so many hours in a run: a week.
const AT_ONCE: usize = 168;

/// The job that counts.
pub struct Count {
    pool: Db,
    clock: Clock,
}

/// Hours that are over, with what came in each.
pub struct Hours(Vec<(DateTime<Utc>, Vec<Counted>)>);

impl Count {
    /// Counts the inbox of `pool`.
    pub fn new(pool: Db, clock: Clock) -> Self {
        Self { pool, clock }
    }

    /// When it counts.
    pub fn schedule(every: TimeDelta) -> Schedule {
        Schedule { kind: KIND, every }
    }

    /// The first hour that is not counted; none as long as nothing ever came.
    async fn next(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        if let Some((_, up_to)) = store::counted(&self.pool).await? {
            return Ok(Some(up_to));
        }
        let first = store::first_event(&self.pool).await?;
        Ok(first.map(|first| hour_of(first).max(hour_of(now - OLDEST))))
    }
}

impl Job for Count {
    type Done = Hours;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Hours, Failure> {
        let now = self.clock.now();
        let mut hours = Vec::new();
        let Some(mut hour) = self.next(now).await? else {
            return Ok(Hours(hours));
        };
        while hours.len() < AT_ONCE && hour + TimeDelta::hours(1) + SETTLED <= now {
            hours.push((hour, store::count(&self.pool, hour).await?));
            hour += TimeDelta::hours(1);
        }
        Ok(Hours(hours))
    }

    async fn record(&self, _task: &Task, Hours(hours): Hours, work: &mut Work) -> Result<(), Failure> {
        for (hour, counted) in &hours {
            store::close(work, *hour, counted).await?;
        }
        Ok(())
    }
}

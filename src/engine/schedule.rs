//! Jobs that come by themselves: one row per kind and tick, however many replicas there are.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::queue::Lane;

/// A job that comes at every multiple of a period.
pub struct Schedule {
    /// The kind of job.
    pub kind: &'static str,
    /// The period.
    pub every: TimeDelta,
}

impl Schedule {
    /// The latest multiple of the period; the same for all replicas.
    fn tick(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let period = self.every.num_seconds().max(1);
        let seconds = now.timestamp().div_euclid(period) * period;
        DateTime::from_timestamp(seconds, 0).unwrap_or(now)
    }
}

/// Puts every due tick into the job table, until the stop.
pub(super) async fn keep(engine: Arc<Engine>, stop: CancellationToken) {
    let mut done: Vec<Option<DateTime<Utc>>> = vec![None; engine.schedule.len()];
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = second.tick() => {}
        }
        for (schedule, done) in engine.schedule.iter().zip(&mut done) {
            let tick = schedule.tick(engine.clock.now());
            if *done == Some(tick) {
                continue;
            }
            match insert(&engine, schedule.kind, tick).await {
                Ok(()) => *done = Some(tick),
                Err(error) => {
                    tracing::warn!(%error, kind = schedule.kind, "a scheduled job could not be noted; again in a second");
                }
            }
        }
    }
}

/// Notes one tick; a second replica, or a second call, finds it there.
async fn insert(engine: &Engine, kind: &'static str, tick: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let now = engine.clock.now();
    let noted = sqlx::query!(
        "insert into engine.jobs (id, kind, payload, tick, created_at, run_at)
         values ($1, $2, '{}', $3, $4, $4) on conflict (kind, tick) do nothing",
        engine.clock.new_id(),
        kind,
        tick,
        now,
    )
    .execute(&engine.pool)
    .await?;
    if noted.rows_affected() > 0 {
        engine.wakers.wake(Lane::Jobs);
    }
    Ok(())
}

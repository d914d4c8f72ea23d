//! Webhooks by the hour: what came, how late, what failed, what was refused, and what usually comes.
//!
//! Closed hours are counted once and kept; the running one is counted when somebody asks. The ids of the inbox are made of
//! the time, so an hour is a range of its primary key.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::Serialize;

use super::store;
use crate::engine::Engine;
use crate::ground::clock::BUSINESS_ZONE;

/// So many of the latest hours are counted when somebody asks, where the job that counts is behind.
const LIVE_HOURS: i32 = 3;

/// What a provider brought in an hour.
#[derive(Debug, Clone, Serialize)]
pub struct Hour {
    /// Who.
    pub provider: String,
    /// When it began. The last one is running still.
    pub hour: DateTime<Utc>,
    /// Webhooks that came and were who they said.
    pub received: i64,
    /// Of them, those with a failed attempt.
    pub failed: i64,
    /// Webhooks that were refused.
    pub refused: i64,
    /// How late they came: half of them within so many milliseconds.
    pub lag_p50_ms: Option<i64>,
    /// And nineteen of twenty.
    pub lag_p95_ms: Option<i64>,
    /// How many usually come: the mean of the same hour of the same weekday of the last four weeks, in Nuevo Laredo, as
    /// far as they were counted.
    pub usual: Option<f64>,
}

/// The hour that `at` is in.
pub fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}

/// The last `count` hours of every provider, the running one included, by provider and hour.
pub async fn hours(engine: &Engine, count: u16) -> Result<Vec<Hour>, sqlx::Error> {
    let running = hour_of(engine.clock.now());
    let first = running - TimeDelta::hours(i64::from(count.max(1)) - 1);
    let pool = &engine.pool;
    let rows = sqlx::query_as!(
        Hour,
        r#"select provider as "provider!", hour as "hour!", coalesce(received, 0) as "received!",
                  coalesce(failed, 0) as "failed!", coalesce(refused, 0) as "refused!",
                  lag_p50_ms as "lag_p50_ms?", lag_p95_ms as "lag_p95_ms?", usual as "usual?"
           from (select unnest($1::text[]) union select provider from monitoring.traffic where hour between $2 and $3)
                    as known (provider)
           cross join generate_series($2::timestamptz, $3::timestamptz, interval '1 hour') as hour
           left join monitoring.traffic using (provider, hour)
           left join monitoring.refusals using (provider, hour)
           left join lateral (
               select avg(coalesce(earlier.received, 0))::float8 as usual
               from generate_series(1, 4) as weeks
               cross join lateral (select (hour at time zone $4 - make_interval(weeks => weeks)) at time zone $4 as past)
                   as before
               join monitoring.counted on past >= since and past < up_to
               left join monitoring.traffic as earlier on earlier.provider = known.provider and earlier.hour = past)
               as usual on true
           order by provider, hour"#,
        &engine.providers() as &[&str],
        first,
        running,
        BUSINESS_ZONE.name(),
    );
    let mut rows = rows.fetch_all(pool).await?;
    let counted = store::counted(pool).await?.map(|(_, up_to)| up_to);
    for back in 0..LIVE_HOURS {
        let hour = running - TimeDelta::hours(i64::from(back));
        if hour < first || counted.is_some_and(|up_to| hour < up_to) {
            break;
        }
        for live in store::count(pool, hour).await? {
            let shown = rows
                .iter_mut()
                .find(|row| row.provider == live.provider && row.hour == hour);
            if let Some(row) = shown {
                row.received = live.received;
                row.failed = live.failed;
                row.lag_p50_ms = live.lag_p50_ms;
                row.lag_p95_ms = live.lag_p95_ms;
            }
        }
    }
    Ok(rows)
}

//! The tables of `monitoring`: this file alone writes them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::clock::Clock;
use crate::tools::db::Db;

/// What a provider brought in an hour, as it is kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    pub provider: String,
    pub received: i64,
    pub failed: i64,
    pub lag_p50_ms: Option<i64>,
    pub lag_p95_ms: Option<i64>,
}

/// From which hour to which (the latter not included) traffic is counted, once it is.
pub async fn counted(pool: &Db) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, sqlx::Error> {
    let row = sqlx::query!("select since, up_to from monitoring.counted").fetch_optional(pool);
    Ok(row.await?.map(|row| (row.since, row.up_to)))
}

/// Counts the webhooks of an hour: those whose ids were made in it. What we asked for ourselves nobody brought.
pub async fn count(pool: &Db, hour: DateTime<Utc>) -> Result<Vec<Counted>, sqlx::Error> {
    sqlx::query_as!(
        Counted,
        r#"select provider, count(*) as "received!",
                  count(*) filter (where exists (select from engine.failures where row_id = events.id)) as "failed!",
                  percentile_disc(0.5) within group (order by lag_ms) as lag_p50_ms,
                  percentile_disc(0.95) within group (order by lag_ms) as lag_p95_ms
           from (select id, provider,
                        greatest((extract(epoch from received_at - occurred_at) * 1000)::bigint, 0) as lag_ms
                 from webhooks.events where id >= $1 and id < $2 and trust <> 'reconcile') as events
           group by provider order by provider"#,
        Clock::first_id_of(hour),
        Clock::first_id_of(hour + TimeDelta::hours(1)),
    )
    .fetch_all(pool)
    .await
}

/// The oldest event's time, where there is one.
pub async fn first_event(pool: &Db) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let first = sqlx::query_scalar!("select received_at from webhooks.events order by id limit 1");
    first.fetch_optional(pool).await
}

/// Keeps what came in an hour, which is counted now.
pub async fn close(work: &mut Work, hour: DateTime<Utc>, rows: &[Counted]) -> Result<(), Failure> {
    let column = |of: fn(&Counted) -> i64| rows.iter().map(of).collect::<Vec<_>>();
    let lags = |of: fn(&Counted) -> Option<i64>| rows.iter().map(of).collect::<Vec<_>>();
    sqlx::query!(
        "insert into monitoring.traffic (provider, hour, received, failed, lag_p50_ms, lag_p95_ms)
         select provider, $1, received, failed, p50, p95
         from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
              as counted (provider, received, failed, p50, p95)
         on conflict (provider, hour) do update set received = excluded.received, failed = excluded.failed,
             lag_p50_ms = excluded.lag_p50_ms, lag_p95_ms = excluded.lag_p95_ms",
        hour,
        &rows.iter().map(|row| row.provider.as_str()).collect::<Vec<_>>()[..] as &[&str],
        &column(|row| row.received)[..],
        &column(|row| row.failed)[..],
        &lags(|row| row.lag_p50_ms)[..] as &[Option<i64>],
        &lags(|row| row.lag_p95_ms)[..] as &[Option<i64>],
    )
    .execute(work.connection())
    .await?;
    sqlx::query!(
        "insert into monitoring.counted (since, up_to) values ($1, $2)
         on conflict (only_row) do update set up_to = greatest(counted.up_to, excluded.up_to)",
        hour,
        hour + TimeDelta::hours(1),
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

//! The tables of `monitoring`: this file alone writes them.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::availability::DOWN_AFTER;
use super::traffic::hour_of;
use crate::engine::Failure;
use crate::engine::refusals::Refused;
use crate::engine::work::Work;
use crate::ground::clock::{BUSINESS_ZONE, Clock};
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

/// What a probe found.
#[derive(Debug, Clone)]
pub struct Probed {
    pub service: &'static str,
    pub at: DateTime<Utc>,
    pub took_ms: i64,
    pub error: Option<String>,
}

/// What it means for the service.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    /// It has not answered since then.
    Down(DateTime<Utc>),
    /// It answers again.
    Up,
}

/// Keeps what a probe found.
pub async fn probed(work: &mut Work, probed: &Probed, hour: DateTime<Utc>) -> Result<Told, Failure> {
    let failed = probed.error.is_some();
    sqlx::query!(
        "insert into monitoring.availability as kept (service, hour, probes, failed, total_ms, max_ms)
         values ($1, $2, 1, $3, $4, $4)
         on conflict (service, hour) do update set probes = kept.probes + 1, failed = kept.failed + excluded.failed,
             total_ms = kept.total_ms + excluded.total_ms, max_ms = greatest(kept.max_ms, excluded.max_ms)",
        probed.service,
        hour,
        i32::from(failed),
        probed.took_ms,
    )
    .execute(work.connection())
    .await?;
    // One that was asked before and written later says nothing new.
    let standing = sqlx::query!(
        r#"insert into monitoring.services as kept
               (service, probed_at, answered_at, took_ms, failed_in_row, failing_since, last_error)
           values ($1, $2, case when $4::text is null then $2::timestamptz end, $3, case when $4::text is null then 0 else 1 end,
                   case when $4::text is null then null else $2::timestamptz end, $4::text)
           on conflict (service) do update set probed_at = excluded.probed_at,
               answered_at = coalesce(excluded.answered_at, kept.answered_at), took_ms = excluded.took_ms,
               failed_in_row = case when $4::text is null then 0 else kept.failed_in_row + 1 end,
               failing_since = case when $4::text is null then null else coalesce(kept.failing_since, $2) end,
               last_error = coalesce($4::text, kept.last_error)
           where kept.probed_at < excluded.probed_at
           returning failed_in_row, failing_since"#,
        probed.service,
        probed.at,
        probed.took_ms,
        probed.error,
    );
    let Some(standing) = standing.fetch_optional(work.connection()).await? else {
        return Ok(Told::Nothing);
    };
    match (&probed.error, standing.failing_since) {
        (Some(reason), Some(since)) if standing.failed_in_row >= DOWN_AFTER => {
            began(work, probed.service, since, reason).await?;
            Ok(Told::Down(since))
        }
        (Some(_), _) => Ok(Told::Nothing),
        (None, _) => ended(work, probed).await,
    }
}

async fn began(work: &mut Work, service: &str, since: DateTime<Utc>, reason: &str) -> Result<(), Failure> {
    let id: Uuid = work.new_id();
    sqlx::query!(
        "insert into monitoring.outages (id, service, began_at, reason) values ($1, $2, $3, $4)
         on conflict (service) where ended_at is null do nothing",
        id,
        service,
        since,
        reason,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

async fn ended(work: &mut Work, probed: &Probed) -> Result<Told, Failure> {
    let ended = sqlx::query!(
        "update monitoring.outages set ended_at = $2 where service = $1 and ended_at is null",
        probed.service,
        probed.at,
    );
    let ended = ended.execute(work.connection()).await?.rows_affected();
    Ok(if ended > 0 { Told::Up } else { Told::Nothing })
}

/// Since when the oldest event and the oldest job are due.
#[derive(Debug)]
pub struct Due {
    pub event: Option<DateTime<Utc>>,
    pub job: Option<DateTime<Utc>>,
}

/// Looks at both queues.
pub async fn due(pool: &Db, now: DateTime<Utc>) -> Result<Due, sqlx::Error> {
    sqlx::query_as!(
        Due,
        "select (select run_at from webhooks.events where state in ('pending', 'processing', 'failed') and run_at <= $1
                 order by run_at limit 1) as event,
                (select run_at from engine.jobs where state in ('pending', 'processing', 'failed') and run_at <= $1
                 order by run_at limit 1) as job",
        now,
    )
    .fetch_one(pool)
    .await
}

/// When a provider was heard last: to the end of an hour where that hour is counted already.
pub async fn heard(
    pool: &Db,
    provider: &str,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let open = counted(pool)
        .await?
        .map_or(hour_of(now) - TimeDelta::hours(2), |(_, up_to)| up_to);
    sqlx::query_scalar!(
        r#"select greatest(
               (select max(received_at) from webhooks.events where id >= $2 and provider = $1 and trust <> 'reconcile'),
               (select max(hour) + interval '1 hour' from monitoring.traffic where provider = $1 and received > 0))"#,
        provider,
        Clock::first_id_of(open),
    )
    .fetch_one(pool)
    .await
}

/// What usually comes of a provider in each hour from this one on, as far as it is known.
pub async fn usual(
    pool: &Db,
    provider: &str,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<(DateTime<Utc>, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select before.hour as "hour!", percentile_disc(0.5) within group (order by coalesce(received, 0)) as "usual!"
           from (select hour, (hour at time zone $4 - make_interval(weeks => weeks)) at time zone $4 as past
                 from generate_series($2::timestamptz, $3::timestamptz, interval '1 hour') as hour
                 cross join generate_series(1, 4) as weeks) as before
           join monitoring.counted on past >= since and past < up_to
           left join monitoring.traffic as earlier on earlier.provider = $1 and earlier.hour = past
           group by before.hour order by before.hour"#,
        provider,
        from,
        until,
        BUSINESS_ZONE.name(),
    );
    let rows = rows.fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| (row.hour, row.usual)).collect())
}

/// What a provider's doors refused last.
#[derive(Debug)]
pub struct Door {
    pub provider: String,
    pub refused_in_row: i64,
    pub refused_since: Option<DateTime<Utc>>,
    pub last_refused_at: Option<DateTime<Utc>>,
}

/// Those that ever refused one.
pub async fn doors(pool: &Db) -> Result<Vec<Door>, sqlx::Error> {
    sqlx::query_as!(
        Door,
        "select provider, refused_in_row, refused_since, last_refused_at from monitoring.doors
         where last_refused_at is not null order by provider",
    )
    .fetch_all(pool)
    .await
}

/// Adds what a provider's doors refused.
pub async fn refused(work: &mut Work, provider: &str, refused: &Refused) -> Result<(), Failure> {
    let now = work.now();
    if refused.count > 0 {
        sqlx::query!(
            "insert into monitoring.refusals as kept (provider, hour, refused) values ($1, $2, $3)
             on conflict (provider, hour) do update set refused = kept.refused + excluded.refused",
            provider,
            hour_of(refused.last_at.unwrap_or(now)),
            refused.count,
        )
        .execute(work.connection())
        .await?;
    }
    sqlx::query!(
        "insert into monitoring.doors as kept (provider, refused_in_row, refused_since, last_refused_at, last_good_at)
         values ($1, $2, $3, $4, $5)
         on conflict (provider) do update set
             refused_in_row = excluded.refused_in_row
                 + case when excluded.last_good_at is null then kept.refused_in_row else 0 end,
             refused_since = case when excluded.last_good_at is null
                 then coalesce(kept.refused_since, excluded.refused_since) else excluded.refused_since end,
             last_refused_at = greatest(kept.last_refused_at, excluded.last_refused_at),
             last_good_at = greatest(kept.last_good_at, excluded.last_good_at)",
        provider,
        refused.in_row,
        refused.since,
        refused.last_at,
        refused.good_at,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

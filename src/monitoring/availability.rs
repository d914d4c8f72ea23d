//! Whether the services that we need answer, by the hour, day and month, and when they did not.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::ground::clock::BUSINESS_ZONE;
use crate::tools::db::Db;

/// How often a service answered in a day or a month of Nuevo Laredo.
#[derive(Debug, Clone, Serialize)]
pub struct Share {
    /// Which service.
    pub service: String,
    /// The day, or the first one of the month.
    pub period: NaiveDate,
    /// How often it was asked.
    pub probes: i64,
    /// How often it did not answer as it should.
    pub failed: i64,
    /// How long it took on average.
    pub mean_ms: i64,
    /// How long it took at most.
    pub max_ms: i64,
}

impl Share {
    /// Of a hundred questions, how many were answered, cut off after two decimals: one failure is never 100.
    pub fn percent(&self) -> f64 {
        let answered = (self.probes - self.failed).max(0);
        #[allow(clippy::cast_precision_loss)] // at most 10000
        let percent = (answered * 10_000 / self.probes.max(1)) as f64 / 100.0;
        percent
    }
}

/// Day by day since then, of this service or of all.
pub async fn days(pool: &Db, service: Option<&str>, since: DateTime<Utc>) -> Result<Vec<Share>, sqlx::Error> {
    shares(pool, "day", service, since).await
}

/// Month by month since the month of then.
pub async fn months(
    pool: &Db,
    service: Option<&str>,
    since: DateTime<Utc>,
) -> Result<Vec<Share>, sqlx::Error> {
    shares(pool, "month", service, since).await
}

/// Whole days and months: the first one is not cut.
async fn shares(
    pool: &Db,
    unit: &str,
    service: Option<&str>,
    since: DateTime<Utc>,
) -> Result<Vec<Share>, sqlx::Error> {
    sqlx::query_as!(
        Share,
        r#"select service, date_trunc($1, hour at time zone $2)::date as "period!", sum(probes)::bigint as "probes!",
                  sum(failed)::bigint as "failed!", (sum(total_ms) / greatest(sum(probes), 1))::bigint as "mean_ms!",
                  max(max_ms) as "max_ms!"
           from monitoring.availability
           where hour >= date_trunc($1, $3::timestamptz at time zone $2) at time zone $2
             and ($4::text is null or service = $4)
           group by service, 2 order by service, 2"#,
        unit,
        BUSINESS_ZONE.name(),
        since,
        service,
    )
    .fetch_all(pool)
    .await
}

/// What is known of a service now.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// Which.
    pub service: String,
    /// When it was asked last.
    pub probed_at: DateTime<Utc>,
    /// When it answered last as it should.
    pub answered_at: Option<DateTime<Utc>>,
    /// How long the last answer took.
    pub took_ms: i64,
    /// How often in a row it did not; from three on it counts as down.
    pub failed_in_row: i32,
    /// Since when.
    pub failing_since: Option<DateTime<Utc>>,
    /// What it said, in Spanish.
    pub last_error: Option<String>,
}

/// From so many failed probes in a row on, a service counts as down.
pub const DOWN_AFTER: i32 = 3;

impl Standing {
    /// Whether it counts as down.
    pub fn is_down(&self) -> bool {
        self.failed_in_row >= DOWN_AFTER
    }
}

/// How each service stands that was ever asked.
pub async fn services(pool: &Db) -> Result<Vec<Standing>, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        "select service, probed_at, answered_at, took_ms, failed_in_row, failing_since, last_error
         from monitoring.services order by service",
    )
    .fetch_all(pool)
    .await
}

/// A time in which a service did not answer.
#[derive(Debug, Clone, Serialize)]
pub struct Outage {
    /// Its id.
    pub id: Uuid,
    /// Which service.
    pub service: String,
    /// From the first failed probe ...
    pub began_at: DateTime<Utc>,
    /// ... to the next good one.
    pub ended_at: Option<DateTime<Utc>>,
    /// What it said, in Spanish.
    pub reason: String,
}

/// Those that lasted beyond then, the latest first, of this service or of all; at most `limit`.
pub async fn outages(
    pool: &Db,
    service: Option<&str>,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Outage>, sqlx::Error> {
    sqlx::query_as!(
        Outage,
        "select id, service, began_at, ended_at, reason from monitoring.outages
         where coalesce(ended_at, 'infinity') >= $1 and ($2::text is null or service = $2)
         order by began_at desc, id desc limit $3",
        since,
        service,
        limit,
    )
    .fetch_all(pool)
    .await
}

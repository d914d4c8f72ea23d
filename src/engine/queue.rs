//! Claims: which rows are whose, until when. One set of statements for both tables of work.
//!
//! `run_at` is when a row may be claimed, and for a claimed row when the claim ends. `attempts` is counted at the
//! claim, also for a row that kills its process, and is the fencing token: whoever writes must still hold it.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow, PgExecutor};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::ground::config;
use crate::tools::db::Db;

/// The two tables of work. They are claimed apart, so that a storm of webhooks cannot starve the jobs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Lane {
    /// `webhooks.events`
    Events,
    /// `engine.jobs`
    Jobs,
}

/// The statements of one lane.
pub(super) struct Statements {
    pub(super) claim: String,
    pub(super) claim_silent: String,
    pub(super) renew: String,
    pub(super) give_back: String,
    pub(super) fail: String,
    pub(super) finish: String,
}

static EVENTS: LazyLock<Statements> = LazyLock::new(|| {
    let columns = "provider, event_id, event_type, occurred_at, received_at, payload, trust";
    Statements::of("webhooks.events", columns)
});
static JOBS: LazyLock<Statements> =
    LazyLock::new(|| Statements::of("engine.jobs", "kind, payload, cause, created_at"));

impl Lane {
    pub(super) fn statements(self) -> &'static Statements {
        match self {
            Self::Events => &EVENTS,
            Self::Jobs => &JOBS,
        }
    }
}

impl Statements {
    /// Plain portable SQL on purpose (no plpgsql, no advisory lock, no NOTIFY): docs/decisions/0002.
    fn of(table: &str, columns: &str) -> Self {
        // A success of the events' lane ends what failed of its provider before.
        let recovers = if table == "webhooks.events" {
            "held as (
                 select provider, in_row from engine.webhook_failures
                 where in_row > 0 and provider = any ($14::text[]) order by provider for update),
             recovered as (
                 update engine.webhook_failures as kept set in_row = 0 from held where kept.provider = held.provider
                 returning kept.provider)"
        } else {
            "recovered as (select unnest($14::text[]) as provider where false)"
        };
        Self {
            claim: Self::claim(table, columns, "state in ('pending', 'failed')"),
            claim_silent: Self::claim(table, columns, "state = 'processing'"),
            renew: format!(
                "update {table} as row set run_at = $1
                 from unnest($2::uuid[], $3::int[]) as mine (id, attempts)
                 where row.id = mine.id and row.attempts = mine.attempts and row.state = 'processing'"
            ),
            give_back: format!(
                "update {table} as row set state = 'pending', attempts = row.attempts - 1, run_at = $1
                 from unnest($2::uuid[], $3::int[]) as mine (id, attempts)
                 where row.id = mine.id and row.attempts = mine.attempts and row.state = 'processing'"
            ),
            fail: format!(
                "with failed as (
                     update {table} set state = 'failed', run_at = $3, last_error = $4
                     where id = $1 and attempts = $2 and state = 'processing' returning id)
                 insert into engine.failures (row_id, attempt, failed_at, error) select id, $2, $5, $4 from failed"
            ),
            finish: Self::finish(table, recovers),
        }
    }

    fn claim(table: &str, columns: &str, states: &str) -> String {
        format!(
            "update {table} set state = 'processing', attempts = attempts + 1, run_at = $1 + $2
             where id = any (array (
                 select id from {table} where {states} and run_at <= $1
                 order by run_at limit $3 for update skip locked))
             returning id, attempts, last_error, {columns}"
        )
    }

    /// The marks and the audit rows in one statement; no audit row unless every mark was ours to set. Returns how many
    /// were, and the providers that had failed before.
    fn finish(table: &str, recovers: &str) -> String {
        format!(
            "with mark as (
                 update {table} as row set state = done.state, processed_at = $5, last_error = done.error
                 from unnest($1::uuid[], $2::int[], $3::text[], $4::text[]) as done (id, attempts, state, error)
                 where row.id = done.id and row.attempts = done.attempts and row.state = 'processing'
                 returning row.id),
             logged as (
                 insert into logs_auditoria
                     (ocurrido_en, actor, accion, recurso_tipo, recurso_id, detalle, evento_id, trabajo_id, ip)
                 select $5, actor, action, kind, resource, detail, event, job, ip::inet
                 from unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::jsonb[], $11::uuid[], $12::uuid[],
                             $13::text[])
                      with ordinality as entry (actor, action, kind, resource, detail, event, job, ip, n)
                 where (select count(*) from mark) = cardinality($1) order by n),
             {recovers}
             select (select count(*) from mark), array (select provider from recovered)"
        )
    }
}

/// A row that this worker holds, and the number that proves it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    /// Which table.
    pub lane: Lane,
    /// Which row.
    pub id: Uuid,
    /// The fencing token.
    pub attempt: i32,
}

/// A claimed row with the columns of its lane.
pub(super) struct Claimed<R> {
    pub(super) claim: Claim,
    /// What the attempt before left behind; a row that killed its process left nothing new.
    pub(super) last_error: Option<String>,
    pub(super) row: R,
}

/// The in-process wake-up of each lane; other replicas' rows are found by the poll.
#[derive(Clone, Default)]
pub struct Wakers {
    events: Arc<Notify>,
    jobs: Arc<Notify>,
}

impl Wakers {
    pub(super) fn wake(&self, lane: Lane) {
        self.of(lane).notify_one();
    }

    pub(super) fn of(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::Events => &self.events,
            Lane::Jobs => &self.jobs,
        }
    }
}

/// Which rows to claim.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// Those that are due, oldest first, up to so many.
    Due(usize),
    /// One whose last claim ended without a word: its worker was killed, perhaps by this very row.
    Silent,
}

/// Claims rows for `lease`.
pub(super) async fn claim<R>(
    pool: &Db,
    lane: Lane,
    pick: Pick,
    now: DateTime<Utc>,
    lease: Duration,
) -> Result<Vec<Claimed<R>>, sqlx::Error>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let (sql, limit) = match pick {
        Pick::Due(limit) => (&lane.statements().claim, limit),
        Pick::Silent => (&lane.statements().claim_silent, 1),
    };
    let rows: Vec<PgRow> = sqlx::query(AssertSqlSafe(sql.as_str()))
        .bind(now)
        .bind(TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    rows.iter().map(|row| claimed(lane, row)).collect()
}

fn claimed<R: for<'r> FromRow<'r, PgRow>>(lane: Lane, row: &PgRow) -> Result<Claimed<R>, sqlx::Error> {
    use sqlx::Row;
    let claim = Claim {
        lane,
        id: row.try_get("id")?,
        attempt: row.try_get("attempts")?,
    };
    Ok(Claimed {
        claim,
        last_error: row.try_get("last_error")?,
        row: R::from_row(row)?,
    })
}

/// Notes a failed attempt and when to try again. A lost lease changes nothing: the row is another's now, and the answer
/// says so.
pub(super) async fn fail(
    database: impl PgExecutor<'_>,
    claim: Claim,
    error: &str,
    retry_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    sqlx::query(AssertSqlSafe(claim.lane.statements().fail.as_str()))
        .bind(claim.id)
        .bind(claim.attempt)
        .bind(retry_at)
        .bind(error)
        .bind(now)
        .execute(database)
        .await
        .map(|noted| noted.rows_affected() > 0)
}

/// How long to wait before the next attempt: doubling, bounded, with up to half of it added by chance, so that
/// a thousand events that failed together do not come back together.
pub(super) fn backoff(settings: &config::Worker, attempt: i32) -> TimeDelta {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(30);
    let seconds = u64::from(settings.backoff_first_seconds) << doublings;
    let seconds = seconds.min(u64::from(settings.backoff_longest_seconds));
    let millis = i64::try_from(seconds * 1000).unwrap_or(i64::MAX);
    TimeDelta::milliseconds(millis + rand::rng().random_range(0..=millis / 2))
}

/// The claims that this process holds now; they are renewed together.
#[derive(Clone, Default)]
pub(super) struct Leases(Arc<Mutex<HashSet<Claim>>>);

/// Claims that are held until this is dropped, in whatever way the work on them ends.
pub(super) struct Held {
    leases: Leases,
    claims: Vec<Claim>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.leases.lock();
        for claim in &self.claims {
            held.remove(claim);
        }
    }
}

impl Leases {
    pub(super) fn hold(&self, claims: impl IntoIterator<Item = Claim>) -> Held {
        let claims: Vec<Claim> = claims.into_iter().collect();
        self.lock().extend(&claims);
        Held {
            leases: self.clone(),
            claims,
        }
    }

    /// Pushes the end of every claim on, so that nobody takes over what is still being worked on.
    pub(super) async fn renew(&self, pool: &Db, until: DateTime<Utc>) -> Result<(), sqlx::Error> {
        for lane in [Lane::Events, Lane::Jobs] {
            let mine: Vec<Claim> = self
                .lock()
                .iter()
                .filter(|claim| claim.lane == lane)
                .copied()
                .collect();
            write_claims(pool, &lane.statements().renew, &mine, until).await?;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Claim>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives back rows that were claimed and not begun: another worker may take them at once.
pub(super) async fn give_back(
    pool: &Db,
    lane: Lane,
    claims: &[Claim],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    write_claims(pool, &lane.statements().give_back, claims, now).await
}

async fn write_claims(
    pool: &Db,
    sql: &'static str,
    claims: &[Claim],
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if claims.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.id).collect();
    let attempts: Vec<i32> = claims.iter().map(|claim| claim.attempt).collect();
    sqlx::query(AssertSqlSafe(sql))
        .bind(at)
        .bind(&ids[..])
        .bind(&attempts[..])
        .execute(pool)
        .await
        .map(drop)
}

/// How many events wait, counted up to 10,000 so that a storm does not make the question dear, and how many seconds
/// the oldest has been due.
pub(super) async fn backlog(pool: &Db, now: DateTime<Utc>) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query!(
        r#"select count(*) as "waiting!", greatest(coalesce(extract(epoch from $1 - min(run_at)), 0), 0)::bigint as "seconds!"
           from (select run_at from webhooks.events where state in ('pending', 'processing', 'failed')
                 order by run_at limit 10000) as waiting"#,
        now,
    );
    let row = row.fetch_one(pool).await?;
    Ok((row.waiting, row.seconds))
}

#[cfg(test)]
mod tests {
    use super::backoff;
    use crate::ground::config::File;

    #[test]
    fn the_wait_doubles_up_to_its_bound_with_at_most_half_of_jitter() {
        let settings = File::embedded().worker;
        for (attempt, seconds) in [(1, 2), (2, 4), (5, 32), (40, 21_600), (i32::MAX, 21_600)] {
            let wait = backoff(&settings, attempt).num_milliseconds();
            assert!(
                (seconds * 1000..=seconds * 1500).contains(&wait),
                "attempt {attempt}: {wait} ms"
            );
        }
    }
}

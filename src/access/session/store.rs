//! The rows of `access.sessions`.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::cookie::Digest;
use crate::engine::work::Work;
use crate::tools::db::Db;

/// A session in use is noted as such no more often than this: a look at a page writes nothing.
const NOTED_AFTER: TimeDelta = TimeDelta::minutes(1);

pub(super) async fn insert(
    work: &mut Work,
    digest: Digest,
    user: Uuid,
    ends_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let now = work.now();
    sqlx::query!(
        "insert into access.sessions (digest, user_id, opened_at, seen_at, ends_at) values ($1, $2, $3, $3, $4)",
        &digest.0[..],
        user,
        now,
        ends_at,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// Removes those that are over: nobody needs them, and whoever signs in next sweeps.
pub(super) async fn forget(work: &mut Work, idle_since: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let now = work.now();
    sqlx::query!(
        "delete from access.sessions where ends_at <= $1 or seen_at <= $2",
        now,
        idle_since,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// Whose it is, if it is good; it is in use then.
pub(super) async fn find(
    db: &Db,
    digest: Digest,
    now: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "with good as (
             select digest, user_id, seen_at from access.sessions
             where digest = $1 and ends_at > $2 and seen_at > $3),
         noted as (
             update access.sessions as session set seen_at = $2 from good
             where session.digest = good.digest and good.seen_at < $4)
         select user_id from good",
        &digest.0[..],
        now,
        idle_since,
        now - NOTED_AFTER,
    )
    .fetch_optional(db)
    .await
}

/// Whether it was there.
pub(super) async fn remove(work: &mut Work, digest: Digest) -> Result<bool, sqlx::Error> {
    let removed = sqlx::query!("delete from access.sessions where digest = $1", &digest.0[..])
        .execute(work.connection())
        .await?;
    Ok(removed.rows_affected() > 0)
}

//! The only writer of `edge.*`: what is to be told, and how telling goes. Each statement stands for itself: a kill between
//! two of them means that something is told again, which changes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::metadata::{RESOURCES, Resource, Told};
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::tools::db::Db;

/// Who was not at it for so long was switched off: what waited meanwhile is not late.
const AWAY: TimeDelta = TimeDelta::hours(1);
/// Documents marked in one statement.
const MARKS_AT_ONCE: i64 = 1000;

/// Marks a document: in the transaction of what changed it.
pub async fn mark(work: &mut Work, resource: &'static str, id: Uuid) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "insert into edge.marks as kept (resource, id, version, marked_at) values ($1, $2, $3, $4)
         on conflict (resource, id) do update set
             version = greatest(kept.version + 1, excluded.version),
             marked_at = case when kept.version > kept.mirrored then kept.marked_at else excluded.marked_at end",
        resource,
        id,
        now.timestamp_micros(),
        now,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// A turn at telling a store.
pub struct Turn {
    /// Whether it holds nothing yet, as far as we know: another database than the one that was told before.
    pub is_new: bool,
}

/// Takes the turn, unless another replica has it or the store is not to be asked yet.
pub async fn begin(
    pool: &Db,
    store: &str,
    target: &str,
    now: DateTime<Utc>,
    longest: TimeDelta,
) -> Result<Option<Turn>, Failure> {
    sqlx::query!(
        "insert into edge.stores (store, busy_until, retry_at, since, seen_at) values ($1, $2, $2, $2, $2)
         on conflict (store) do update set seen_at = $2,
             since = case when stores.seen_at < $3 then $2 else stores.since end",
        store,
        now,
        now - AWAY,
    )
    .execute(pool)
    .await?;
    let turn = sqlx::query_scalar!(
        r#"update edge.stores set busy_until = $2 where store = $1 and busy_until <= $3 and retry_at <= $3
           returning target is distinct from $4 as "is_new!""#,
        store,
        now + longest,
        now,
        target,
    );
    let turn = turn.fetch_optional(pool).await?;
    Ok(turn.map(|is_new| Turn { is_new }))
}

/// What is marked from now on is told to this one.
pub async fn adopt(pool: &Db, store: &str, target: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    let adopted = sqlx::query!(
        "update edge.stores set target = $2, since = $3 where store = $1",
        store,
        target,
        now
    );
    adopted.execute(pool).await?;
    Ok(())
}

/// Ends the turn: well, or with when to ask again and why not before.
pub async fn end(
    work: &mut Work,
    store: &str,
    trouble: Option<(DateTime<Utc>, &str)>,
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "update edge.stores set busy_until = $2, retry_at = coalesce($3::timestamptz, $2), last_error = $4,
             failures = case when $4::text is null then 0 else failures + 1 end
         where store = $1",
        store,
        now,
        trouble.map(|(retry_at, _)| retry_at),
        trouble.map(|(_, reason)| reason),
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// How telling a store goes.
#[derive(Debug, Default)]
pub struct Standing {
    /// Failures in a row.
    pub failures: i32,
    /// The last of them.
    pub last_error: Option<String>,
    /// When it is asked again.
    pub retry_at: Option<DateTime<Utc>>,
}

/// How telling a store goes; nothing is known of one that was never told.
pub async fn standing(pool: &Db, store: &str) -> Result<Standing, Failure> {
    let row = sqlx::query!(
        "select failures, last_error, retry_at from edge.stores where store = $1",
        store
    );
    let row = row.fetch_optional(pool).await?;
    Ok(row.map_or_else(Standing::default, |row| Standing {
        failures: row.failures,
        last_error: row.last_error,
        retry_at: Some(row.retry_at),
    }))
}

/// A document that waits to be told.
#[derive(Debug)]
pub struct Mark {
    /// Which kind.
    pub resource: String,
    /// Which one.
    pub id: Uuid,
    /// As of which change.
    pub version: i64,
}

/// Those that have waited longest.
pub async fn waiting(pool: &Db, resources: &[&str], limit: i64) -> Result<Vec<Mark>, Failure> {
    let marks = sqlx::query_as!(
        Mark,
        "select resource, id, version from edge.marks
         where version > mirrored and resource = any($1::text[]) order by marked_at limit $2",
        resources as &[&str],
        limit,
    );
    Ok(marks.fetch_all(pool).await?)
}

/// These were told as of the version that was read. A change in between has a higher one, and waits since then. Rows that
/// are just being changed are left: they will wait anyway, and nobody has to wait for them here.
pub async fn told(pool: &Db, marks: &[Mark], read_at: DateTime<Utc>) -> Result<(), Failure> {
    sqlx::query!(
        "with mine as (
             select kept.resource, kept.id, told.version from edge.marks as kept
             join unnest($1::text[], $2::uuid[], $3::bigint[]) as told (resource, id, version)
               on kept.resource = told.resource and kept.id = told.id
             order by kept.resource, kept.id for update of kept skip locked)
         update edge.marks as kept set mirrored = greatest(kept.mirrored, mine.version), marked_at = $4
         from mine where kept.resource = mine.resource and kept.id = mine.id",
        &marks.iter().map(|mark| &*mark.resource).collect::<Vec<_>>() as &[&str],
        &marks.iter().map(|mark| mark.id).collect::<Vec<_>>(),
        &marks.iter().map(|mark| mark.version).collect::<Vec<_>>(),
        read_at,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The marked documents as they are now, which is at least as new as their marks.
pub async fn present(pool: &Db, marks: &[Mark]) -> Result<Vec<Told>, Failure> {
    let mut told = Vec::with_capacity(marks.len());
    for resource in RESOURCES {
        let marks: Vec<&Mark> = marks
            .iter()
            .filter(|mark| mark.resource == resource.name)
            .collect();
        let ids: Vec<Uuid> = marks.iter().map(|mark| mark.id).collect();
        let question = resource.question();
        let rows =
            sqlx::query_as::<_, (Uuid, sqlx::types::Json<Map<String, Value>>)>(AssertSqlSafe(question));
        let rows = rows.bind(&ids[..]).fetch_all(pool).await?;
        let mut rows: std::collections::HashMap<_, _> =
            rows.into_iter().map(|(id, columns)| (id, columns.0)).collect();
        told.extend(marks.into_iter().map(|mark| Told {
            resource: resource.name,
            id: mark.id,
            version: mark.version,
            columns: rows.remove(&mark.id),
        }));
    }
    Ok(told)
}

/// How much waits, and since when: not before the store was watched.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Documents, counted up to 100,000.
    pub documents: i64,
    /// Since when the first of them waits.
    pub since: Option<DateTime<Utc>>,
}

/// What waits of these resources for a store.
pub async fn backlog(pool: &Db, store: &str, resources: &[&str]) -> Result<Backlog, Failure> {
    let row = sqlx::query!(
        r#"select count(*) as "documents!",
                  greatest(min(marked_at), (select since from edge.stores where store = $1)) as since,
                  min(marked_at) as first
           from (select marked_at from edge.marks where version > mirrored and resource = any($2::text[])
                 order by marked_at limit 100000) as waiting"#,
        store,
        resources as &[&str],
    );
    let row = row.fetch_one(pool).await?;
    Ok(Backlog {
        documents: row.documents,
        since: row.first.and(row.since),
    })
}

/// Marks every document of a resource, in batches by id; returns how many. A document that is gone is marked when it was
/// known: it is taken out where it is still shown.
pub async fn mark_all(pool: &Db, resource: &Resource, now: DateTime<Utc>) -> Result<u64, Failure> {
    let batch = format!(
        "with page as (
             (select id from {table} where id > $2 order by id limit $4)
             union (select id from edge.marks where resource = $1 and id > $2 order by id limit $4)
             order by id limit $4),
         marked as (
             insert into edge.marks as kept (resource, id, version, marked_at)
             select $1, id, $3, $5 from page order by id
             on conflict (resource, id) do update set
                 version = greatest(kept.version + 1, excluded.version),
                 marked_at = case when kept.version > kept.mirrored then kept.marked_at else excluded.marked_at end)
         select count(*), (select id from page order by id desc limit 1) from page",
        table = resource.table,
    );
    let (mut after, mut all) = (Uuid::nil(), 0);
    loop {
        let marked = sqlx::query_as::<_, (i64, Option<Uuid>)>(AssertSqlSafe(batch.as_str()))
            .bind(resource.name)
            .bind(after)
            .bind(now.timestamp_micros())
            .bind(MARKS_AT_ONCE)
            .bind(now)
            .fetch_one(pool)
            .await
            .map_err(Failure::from);
        match marked {
            // Nothing was changed, and it may be tried again at once.
            Err(failure) if failure.is_overtaken() => {}
            Err(failure) => return Err(failure),
            Ok((_, None)) => return Ok(all),
            Ok((count, Some(last))) => {
                all += count.unsigned_abs();
                after = last;
            }
        }
    }
}

/// A session of the panel that KV is to be told of.
pub struct Session {
    /// SHA-256 of its cookie's secret, in hexadecimal.
    pub digest: String,
    /// When it is over at the latest.
    pub ends_at: DateTime<Utc>,
    /// Whether it is over already.
    pub ended: bool,
}

/// A session was opened. Those that are over are forgotten, so that none pile up where there is no KV.
pub async fn session_opened(work: &mut Work, digest: &str, ends_at: DateTime<Utc>) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!("delete from edge.sessions where ends_at <= $1", now)
        .execute(work.connection())
        .await?;
    sqlx::query!(
        "insert into edge.sessions (digest, ends_at) values ($1, $2) on conflict (digest) do nothing",
        digest,
        ends_at,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// It ended before its time.
pub async fn session_ended(work: &mut Work, digest: &str) -> Result<(), Failure> {
    sqlx::query!(
        "update edge.sessions set ended = true, told = false where digest = $1",
        digest
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// Another KV knows none of them.
pub async fn forget_told_sessions(pool: &Db) -> Result<(), Failure> {
    let forget = sqlx::query!("update edge.sessions set told = false where told");
    forget.execute(pool).await?;
    Ok(())
}

/// Those that KV is to be told of; those whose time is over it forgets by itself.
pub async fn sessions(pool: &Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<Session>, Failure> {
    let sessions = sqlx::query_as!(
        Session,
        "select digest, ends_at, ended from edge.sessions where not told and ends_at > $1 order by digest limit $2",
        now,
        limit,
    );
    Ok(sessions.fetch_all(pool).await?)
}

/// KV was told of these, as they were; one that ended meanwhile waits on.
pub async fn told_sessions(pool: &Db, told: impl Iterator<Item = &Session>) -> Result<(), Failure> {
    let (digests, ended): (Vec<&str>, Vec<bool>) = told.map(|told| (&*told.digest, told.ended)).unzip();
    sqlx::query!(
        "update edge.sessions as session set told = true
         from unnest($1::text[], $2::bool[]) as told (digest, ended)
         where session.digest = told.digest and session.ended = told.ended",
        &digests as &[&str],
        &ended,
    )
    .execute(pool)
    .await?;
    Ok(())
}

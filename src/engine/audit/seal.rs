//! Sealing: giving new rows their place in the chain, in the order of their ids.
//!
//! An id is drawn before its row is committed, so a row with a smaller id may appear after one with a larger id.
//! A row is sealed only when that cannot happen any more: we note the highest id drawn, then who is writing to the
//! log at that moment, and wait until each of those transactions has ended.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use tokio_util::sync::CancellationToken;

use super::chain::{COLUMNS, Link};
use crate::engine::work::transaction;
use crate::tools::db::{Db, Transaction};

const EVERY: Duration = Duration::from_secs(1);
const BATCH: i64 = 500;

/// Seals what can be sealed, every second until the stop, and once more then.
pub async fn keep_sealing(pool: Db, stop: CancellationToken) {
    let mut horizon = None;
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = step(&pool, &mut horizon).await {
            tracing::warn!(%error, "the audit chain could not be sealed; it is tried again");
        }
    }
}

/// Seals every row that was committed before the call; waits for the transactions that write just now.
pub async fn seal(pool: &Db) -> Result<(), sqlx::Error> {
    let mut horizon = Some(Horizon::now(pool).await?);
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    while horizon.is_some() {
        pause.tick().await;
        if let Some(passed) = &horizon
            && passed.reached(pool).await?
        {
            seal_up_to(pool, passed.last_id).await?;
            horizon = None;
        }
    }
    Ok(())
}

/// Either the horizon of the step before is reached and its rows are sealed, or it is waited for once more.
async fn step(pool: &Db, horizon: &mut Option<Horizon>) -> Result<(), sqlx::Error> {
    let noted = match horizon.take() {
        Some(noted) => noted,
        None => Horizon::now(pool).await?,
    };
    if noted.reached(pool).await? {
        seal_up_to(pool, noted.last_id).await
    } else {
        *horizon = Some(noted);
        Ok(())
    }
}

/// All ids up to `last_id` were drawn by transactions that had ended, or by `writers`.
struct Horizon {
    last_id: i64,
    writers: HashSet<String>,
}

impl Horizon {
    async fn now(pool: &Db) -> Result<Self, sqlx::Error> {
        // In this order: whoever drew an id up to last_id had locked the table before, and shows up as a writer.
        let last_id = sqlx::query_scalar!(
            r#"select case when is_called then last_value else 0 end as "last_id!" from logs_auditoria_id_seq"#
        )
        .fetch_one(pool)
        .await?;
        Ok(Self {
            last_id,
            writers: writers(pool).await?,
        })
    }

    async fn reached(&self, pool: &Db) -> Result<bool, sqlx::Error> {
        Ok(self.writers.is_empty() || self.writers.is_disjoint(&writers(pool).await?))
    }
}

/// The transactions that hold the lock which every insert takes first.
async fn writers(pool: &Db) -> Result<HashSet<String>, sqlx::Error> {
    let writers = sqlx::query_scalar!(
        r#"select virtualtransaction as "id!" from pg_locks
           where relation = 'public.logs_auditoria'::regclass and mode = 'RowExclusiveLock' and granted
             and database = (select oid from pg_database where datname = current_database())"#
    );
    Ok(writers.fetch_all(pool).await?.into_iter().collect())
}

async fn seal_up_to(pool: &Db, last_id: i64) -> Result<(), sqlx::Error> {
    while seal_batch(pool, last_id).await? == BATCH {}
    Ok(())
}

/// Seals one batch under the lock of the chain's head, so that two replicas do not fork it.
async fn seal_batch(pool: &Db, last_id: i64) -> Result<i64, sqlx::Error> {
    let mut work = transaction(pool).await?;
    let head = sqlx::query!("select last_id, last_hash from engine.audit_head for update")
        .fetch_one(&mut work)
        .await?;
    let sql = format!("select {COLUMNS} from logs_auditoria where id > $1 and id <= $2 order by id limit $3");
    let links: Vec<Link> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(head.last_id)
        .bind(last_id)
        .bind(BATCH)
        .fetch_all(&mut work)
        .await?;
    if let Some(last) = links.last() {
        let last_id = last.id;
        let last_hash = write(&mut work, &links, head.last_hash).await?;
        sqlx::query!(
            "update engine.audit_head set last_id = $1, last_hash = $2",
            last_id,
            last_hash
        )
        .execute(&mut work)
        .await?;
    }
    work.commit().await?;
    Ok(i64::try_from(links.len()).unwrap_or(BATCH))
}

async fn write(
    connection: &mut Transaction,
    links: &[Link],
    mut before: String,
) -> Result<String, sqlx::Error> {
    let (mut ids, mut befores, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for link in links {
        let hash = link.digest(&before);
        ids.push(link.id);
        befores.push(std::mem::replace(&mut before, hash.clone()));
        hashes.push(hash);
    }
    sqlx::query!(
        "update logs_auditoria as row set hash_anterior = link.before, hash = link.hash
         from unnest($1::bigint[], $2::text[], $3::text[]) as link (id, before, hash) where row.id = link.id",
        &ids[..],
        &befores[..],
        &hashes[..],
    )
    .execute(connection)
    .await?;
    Ok(before)
}

//! Verifying: reading the whole chain and computing every hash again.

use sqlx::AssertSqlSafe;

use super::chain::{COLUMNS, GENESIS, Link};
use super::sign::REWRITTEN;
use crate::tools::db::Db;

/// The chain holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Intact {
    /// How many rows were checked.
    pub rows: u64,
    /// The last sealed row.
    pub last_id: i64,
    /// Its hash: note it elsewhere, and nobody can rewrite the log before it unseen.
    pub last_hash: String,
}

/// The chain is broken, and where.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Broken {
    /// The first row that does not fit.
    pub id: i64,
    /// What does not fit about it.
    pub reason: &'static str,
}

/// So many rows are read at a time: neither memory nor the time of one statement grows with the log.
const PIECE: i64 = 10_000;

impl Intact {
    /// Where every log begins.
    pub(super) fn nothing() -> Self {
        Self {
            rows: 0,
            last_id: 0,
            last_hash: GENESIS.to_owned(),
        }
    }
}

/// Reads all sealed rows in order.
pub async fn verify(pool: &Db) -> Result<Result<Intact, Broken>, sqlx::Error> {
    verify_from(pool, Intact::nothing()).await
}

/// Reads the sealed rows after those that were proven before, whose last one must still be as it was.
pub(super) async fn verify_from(
    pool: &Db,
    mut intact: Intact,
) -> Result<Result<Intact, Broken>, sqlx::Error> {
    let id = intact.last_id;
    if id > 0 && !is_still(pool, &intact).await? {
        return Ok(Err(Broken {
            id,
            reason: REWRITTEN,
        }));
    }
    let head = sqlx::query!("select last_id, last_hash from engine.audit_head")
        .fetch_one(pool)
        .await?;
    let sql = format!("select {COLUMNS} from logs_auditoria where id > $1 and id <= $2 order by id limit $3");
    loop {
        let links = sqlx::query_as(AssertSqlSafe(sql.clone()))
            .bind(intact.last_id)
            .bind(head.last_id)
            .bind(PIECE);
        let links: Vec<Link> = links.fetch_all(pool).await?;
        if links.is_empty() {
            break;
        }
        for link in links {
            if let Some(reason) = fault(&link, &intact.last_hash) {
                return Ok(Err(Broken { id: link.id, reason }));
            }
            let last_hash = link.hash.unwrap_or_default();
            intact = Intact {
                rows: intact.rows + 1,
                last_id: link.id,
                last_hash,
            };
        }
    }
    if (intact.last_id, &intact.last_hash) != (head.last_id, &head.last_hash) {
        return Ok(Err(Broken {
            id: head.last_id,
            reason: "the rows at the end of the sealed chain are missing",
        }));
    }
    Ok(Ok(intact))
}

/// Whether the last row that was proven is there, and has that hash and its content.
async fn is_still(pool: &Db, proven: &Intact) -> Result<bool, sqlx::Error> {
    let sql = format!("select {COLUMNS} from logs_auditoria where id = $1");
    let link = sqlx::query_as(AssertSqlSafe(sql)).bind(proven.last_id);
    let link: Option<Link> = link.fetch_optional(pool).await?;
    Ok(link.is_some_and(|link| {
        let before = link.hash_anterior.as_deref().unwrap_or_default();
        link.hash.as_ref() == Some(&proven.last_hash) && link.digest(before) == proven.last_hash
    }))
}

fn fault(link: &Link, before: &str) -> Option<&'static str> {
    if link.hash_anterior.is_none() || link.hash.is_none() {
        Some("it is not sealed although rows after it are: it was put in later")
    } else if link.hash_anterior.as_deref() != Some(before) {
        Some("it does not follow the row before it: one was removed, added or exchanged")
    } else if link.hash.as_deref() != Some(link.digest(before).as_str()) {
        Some("its content is not what was sealed: it was changed")
    } else {
        None
    }
}

//! Rows about one thing, as they are hashed.

use sqlx::AssertSqlSafe;

use super::chain::{COLUMNS, Link};
use crate::tools::db::Db;

/// The end of the sealed chain.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The last sealed row.
    pub last_id: i64,
    /// Its hash.
    pub last_hash: String,
}

/// The sealed rows about a row of a table, in order.
pub async fn rows_about(pool: &Db, kind: &str, id: &str) -> Result<Vec<Link>, sqlx::Error> {
    let sql = format!(
        "select {COLUMNS} from logs_auditoria
         where recurso_tipo = $1 and recurso_id = $2 and hash is not null order by id"
    );
    let rows = sqlx::query_as(AssertSqlSafe(sql)).bind(kind).bind(id);
    rows.fetch_all(pool).await
}

/// Where the sealed chain ends now.
pub async fn head(pool: &Db) -> Result<Head, sqlx::Error> {
    sqlx::query_as!(Head, "select last_id, last_hash from engine.audit_head")
        .fetch_one(pool)
        .await
}

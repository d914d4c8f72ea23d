//! The log as rows to be handed out, a page at a time.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::chain::{COLUMNS, Link};
use crate::tools::db::Db;

const PAGE: i64 = 2000;

/// Which rows; what is left open matches all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Written since.
    pub since: Option<DateTime<Utc>>,
    /// Written before.
    pub until: Option<DateTime<Utc>>,
    /// Of this actor, as in `stripe` or `admin:…`.
    pub actor: Option<String>,
    /// About this kind of resource.
    pub kind: Option<String>,
    /// About the resource with this id.
    pub resource: Option<String>,
}

/// Some rows of the filter, and up to which row the log was looked through for them.
pub struct Page {
    /// In the order of their ids.
    pub rows: Vec<Link>,
    /// The next page begins after this one.
    pub up_to: i64,
}

/// The next page after that row; none at the end of the log. Each looks at so many rows and not more, so that the time of
/// a statement does not grow with the log, however few of them the filter leaves.
pub async fn page(pool: &Db, filter: &Filter, after: i64) -> Result<Option<Page>, sqlx::Error> {
    let up_to: Option<i64> = sqlx::query_scalar(
        "select max(id) from (select id from logs_auditoria where id > $1 order by id limit $2) as looked",
    )
    .bind(after)
    .bind(PAGE)
    .fetch_one(pool)
    .await?;
    let Some(up_to) = up_to else { return Ok(None) };
    let sql = format!(
        "select {COLUMNS} from logs_auditoria
         where id > $1 and id <= $2 and ($3::timestamptz is null or ocurrido_en >= $3)
           and ($4::timestamptz is null or ocurrido_en < $4)
           and ($5::text is null or actor = $5) and ($6::text is null or recurso_tipo = $6)
           and ($7::text is null or recurso_id = $7)
         order by id"
    );
    let rows = sqlx::query_as(AssertSqlSafe(sql))
        .bind(after)
        .bind(up_to)
        .bind(filter.since)
        .bind(filter.until)
        .bind(&filter.actor)
        .bind(&filter.kind)
        .bind(&filter.resource)
        .fetch_all(pool)
        .await?;
    Ok(Some(Page { rows, up_to }))
}

//! Our row beside what Stripe shows of the object, column by column.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};

use super::rows;
use crate::engine::Failure;
use crate::engine::reconciliation::Drift;
use crate::payments::objects::Kept;
use crate::payments::told::Told;
use crate::tools::db::Db;

/// How a row differs, with each column's value here and there.
pub type Difference = Option<(Drift, Vec<(String, Value, Value)>)>;

/// How the row differs; none when it does not, or when it shows a newer version.
pub async fn compare<K: Kept>(
    pool: &Db,
    object: &K,
    told: &Told,
    now: DateTime<Utc>,
) -> Result<Difference, Failure> {
    let row = rows::row(object, told, now, pool).await?.0;
    let snapshot: Vec<String> = rows::snapshot::<K>(&row).map(str::to_owned).collect();
    let table = K::TABLE;
    let found = sqlx::query(AssertSqlSafe(format!(
        "select kept.as_of, coalesce(kept.asked, false) as asked,
                (select jsonb_agg(jsonb_build_array(key, ours.value, theirs.value) order by key)
                 from jsonb_each(to_jsonb(told)) as theirs left join jsonb_each(to_jsonb(kept)) as ours using (key)
                 where key = any ($2) and ours.value is distinct from theirs.value) as columns
         from jsonb_populate_record(null::{table}, $1) as told left join {table} as kept on kept.id = told.id"
    )))
    .bind(&row)
    .bind(&snapshot)
    .fetch_one(pool)
    .await?;
    let as_of: Option<DateTime<Utc>> = found.try_get("as_of")?;
    let asked: bool = found.try_get("asked")?;
    let columns: Option<Value> = found.try_get("columns")?;
    let Some(columns) = columns else { return Ok(None) };
    let drift = match as_of {
        Some(as_of) if as_of > told.at || (asked && as_of == told.at) => return Ok(None),
        Some(as_of) if as_of == told.at => Drift::Mismatched,
        _ => Drift::Stale,
    };
    let columns = serde_json::from_value(columns).map_err(Failure::retry)?;
    Ok(Some((drift, columns)))
}

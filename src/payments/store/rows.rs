//! One row per object of Stripe's, for every family alike: insert it, or lock it, judge what is told, and write.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, PgExecutor};

use super::erasure;
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::payments::objects::{Kept, Learnt};
use crate::payments::order::{Judgement, Version, judge, judge_answer};
use crate::payments::told::Told;

/// What taking an object in came to.
pub struct Taken {
    /// Whether what was told was written.
    pub written: bool,
    /// Whether what was told is what the row shows now, also when another event had told the same before.
    pub shown: bool,
    /// Whether Stripe has to be asked how the object looks.
    pub ask: bool,
    /// The row before; none when the object was not known.
    before: Option<Value>,
}

impl Taken {
    /// Whether the object was not known.
    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// A text of the row before.
    pub fn before(&self, column: &str) -> Option<&str> {
        self.before.as_ref()?.get(column)?.as_str()
    }
}

/// The row that is there, as far as the judgement needs it.
#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    version: Version,
    updated_at: DateTime<Utc>,
}

/// Takes in what is told of an object, when that is newer than what is known.
pub async fn take<K: Kept>(work: &mut Work, object: &K, told: &Told) -> Result<Taken, Failure> {
    let now = work.now();
    let (row, version) = row(object, told, now, work.connection()).await?;
    let statements = statements::<K>(&row);
    let inserted = sqlx::query(AssertSqlSafe(statements.insert.as_str())).bind(&row);
    if inserted.execute(work.connection()).await?.rows_affected() > 0 {
        return Ok(Taken {
            written: true,
            shown: true,
            ask: told.untimed(),
            before: None,
        });
    }
    let locked = sqlx::query_scalar(AssertSqlSafe(statements.lock.as_str())).bind(object.id());
    let before: Value = locked.fetch_one(work.connection()).await?;
    let kept = Row::deserialize(&before).map_err(Failure::retry)?;
    let Judgement { write, ask } = if told.asked() {
        judge_answer(&kept.version, kept.updated_at, &version)
    } else {
        judge(&kept.version, &version)
    };
    let ask = ask || (told.untimed() && version.digest != kept.version.digest);
    let statement = if write {
        &statements.update
    } else {
        &statements.fill
    };
    if let Some(statement) = statement {
        let statement = sqlx::query(AssertSqlSafe(statement.as_str())).bind(&row);
        statement.execute(work.connection()).await?;
    }
    Ok(Taken {
        written: write,
        shown: write || kept.version.digest == version.digest,
        ask,
        before: Some(before),
    })
}

/// The whole row as JSON, and its version.
pub(super) async fn row<K: Kept>(
    object: &K,
    told: &Told,
    now: DateTime<Utc>,
    database: impl PgExecutor<'_>,
) -> Result<(Value, Version), Failure> {
    let Value::Object(mut row) = serde_json::to_value(object).map_err(Failure::retry)? else {
        return Err(Failure::retry("an object is no row"));
    };
    // Before the digest: what is kept of an erased client is what is compared later.
    let shows_person = K::PERSONAL
        .iter()
        .any(|column| row.get(*column).is_some_and(|value| !value.is_null()));
    if shows_person && erasure::is_erased::<K>(&row, database).await? {
        for column in K::PERSONAL {
            row.insert((*column).to_owned(), Value::Null);
        }
    }
    let version = Version {
        rank: object.rank(),
        as_of: told.as_of(),
        asked: told.asked(),
        digest: digest::<K>(&row)?,
    };
    if let Value::Object(columns) = serde_json::to_value(&version).map_err(Failure::retry)? {
        row.extend(columns);
    }
    row.insert(
        "updated_at".to_owned(),
        serde_json::to_value(now).map_err(Failure::retry)?,
    );
    Ok((Value::Object(row), version))
}

/// Over the snapshot alone: what versions of the API leave out must not make two events differ.
fn digest<K: Kept>(row: &Map<String, Value>) -> Result<String, Failure> {
    let snapshot: Vec<_> = row
        .iter()
        .filter(|(column, _)| learnt::<K>(column).is_none())
        .collect();
    let text = serde_json::to_vec(&snapshot).map_err(Failure::retry)?;
    Ok(hex::encode(Sha256::digest(text)))
}

/// The columns that are no link, no version and no time of ours.
pub(super) fn snapshot<K: Kept>(row: &Value) -> impl Iterator<Item = &str> {
    let columns = row
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str);
    columns.filter(|column| learnt::<K>(column).is_none() && !VERSION.contains(column))
}

/// What every table has beside the object's own columns.
const VERSION: [&str; 5] = ["rank", "as_of", "asked", "digest", "updated_at"];

fn learnt<K: Kept>(column: &str) -> Option<Learnt> {
    K::LEARNT
        .iter()
        .find(|(name, _)| *name == column)
        .map(|(_, how)| *how)
}

/// The statements of one family.
struct Statements {
    insert: String,
    lock: String,
    /// Takes the place of what is kept.
    update: Option<String>,
    /// Only adds what was not known; none when the family learns nothing.
    fill: Option<String>,
}

/// Made once per family, out of the names of its columns.
fn statements<K: Kept>(row: &Value) -> &'static Statements {
    static MADE: LazyLock<Mutex<HashMap<&'static str, &'static Statements>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(K::TABLE).or_insert_with(|| {
        let columns = row.as_object().into_iter().flat_map(Map::keys);
        Box::leak(Box::new(Statements::of::<K>(
            &columns.map(String::as_str).collect::<Vec<_>>(),
        )))
    })
}

impl Statements {
    fn of<K: Kept>(columns: &[&str]) -> Self {
        let table = K::TABLE;
        let all = columns.join(", ");
        let changed = columns.iter().filter(|column| **column != "id");
        let changed: Vec<String> = changed
            .map(|column| format!("{column} = {}", newer::<K>(column)))
            .collect();
        let told: Vec<String> = K::LEARNT
            .iter()
            .map(|(column, how)| older(column, *how))
            .collect();
        let names: Vec<String> = K::LEARNT
            .iter()
            .map(|(column, _)| format!("kept.{column}"))
            .collect();
        let from = format!("from jsonb_populate_record(null::{table}, $1) as told where kept.id = told.id");
        Self {
            insert: format!(
                "insert into {table} ({all}) select {all} from jsonb_populate_record(null::{table}, $1)
                 on conflict (id) do nothing"
            ),
            lock: format!("select to_jsonb(kept) from {table} as kept where id = $1 for update"),
            update: Some(format!(
                "update {table} as kept set {} {from}",
                changed.join(", ")
            )),
            fill: (!told.is_empty()).then(|| {
                let (names, told) = (names.join(", "), told.join(", "));
                let columns: Vec<&str> = K::LEARNT.iter().map(|(column, _)| *column).collect();
                let columns = columns.join(", ");
                format!(
                    "update {table} as kept set ({columns}) = row ({told}) {from}
                     and row ({names}) is distinct from row ({told})"
                )
            }),
        }
    }
}

/// The value after a newer version was told.
fn newer<K: Kept>(column: &str) -> String {
    match learnt::<K>(column) {
        None => format!("told.{column}"),
        Some(Learnt::Known) => format!("coalesce(told.{column}, kept.{column})"),
        // What was only assumed was nobody's word.
        Some(Learnt::Earliest) => {
            format!("least(told.{column}, case when kept.as_of > 'epoch' then kept.{column} end)")
        }
    }
}

/// The value after an older version was told.
fn older(column: &str, how: Learnt) -> String {
    match how {
        Learnt::Known => format!("coalesce(kept.{column}, told.{column})"),
        Learnt::Earliest => format!("least(kept.{column}, told.{column})"),
    }
}

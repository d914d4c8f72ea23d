//! The rows that an open transaction has changed, whatever tables they are in: as it sees them, and as everybody else
//! sees them still.

use std::collections::{BTreeMap, BTreeSet};

use crate::tools::db::{Db, Transaction};
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::AssertSqlSafe;

/// A row before or after, by columns.
type Image = Map<String, Value>;

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Insert,
    /// It is another.
    Update,
    /// It is gone.
    Delete,
}

/// A row that would change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowChange {
    /// Schema and table.
    pub table: String,
    /// The columns of its primary key.
    pub key: Image,
    /// What happens to it.
    pub change: Change,
    /// The columns that would change, in the order of the table; of a new row, those that hold something.
    pub columns: Vec<ColumnChange>,
}

/// A column that would change. A number with decimals is given as text, digit by digit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnChange {
    /// Its name.
    pub column: String,
    /// What everybody sees now.
    pub before: Value,
    /// What they would see.
    pub after: Value,
}

struct Table {
    name: String,
    /// Name and key columns, quoted for SQL.
    sql_name: String,
    sql_key: String,
    key: Vec<String>,
    columns: Vec<String>,
    deleted_from: bool,
}

/// Compares every row that the transaction has written with its committed state. The jobs it asks for are not among
/// them: they are told apart.
pub(super) async fn changed(
    connection: &mut Transaction,
    others: &Db,
) -> Result<Vec<RowChange>, sqlx::Error> {
    let mut changes = Vec::new();
    for table in touched(connection).await? {
        let after = table.after(connection).await?;
        let before = table.before(connection, others, &after).await?;
        changes.extend(table.compare(&before, &after));
    }
    Ok(changes)
}

/// Tables in which this connection has written lately: PostgreSQL counts that, so that not every table is searched.
async fn touched(connection: &mut Transaction) -> Result<Vec<Table>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Table,
        r#"select nspname || '.' || relname as "name!", format('%I.%I', nspname, relname) as "sql_name!",
                  coalesce((select string_agg(quote_ident(attname), ', ' order by nth)
                   from pg_index join unnest(indkey) with ordinality as part (attnum, nth) on true
                        join pg_attribute using (attnum)
                   where indrelid = pg_class.oid and indisprimary and attrelid = pg_class.oid), '') as "sql_key!",
                  array(select attname::text
                   from pg_index join unnest(indkey) with ordinality as part (attnum, nth) on true
                        join pg_attribute using (attnum)
                   where indrelid = pg_class.oid and indisprimary and attrelid = pg_class.oid order by nth) as "key!",
                  array(select attname::text from pg_attribute
                   where attrelid = pg_class.oid and attnum > 0 and not attisdropped order by attnum) as "columns!",
                  pg_stat_get_xact_tuples_deleted(pg_class.oid) > 0 or current_setting('track_counts') = 'off'
                      as "deleted_from!"
           from pg_class join pg_namespace on pg_namespace.oid = relnamespace
           where relkind = 'r' and nspname <> 'information_schema' and nspname not like 'pg\_%'
             and pg_class.oid <> 'engine.jobs'::regclass
             and (pg_stat_get_xact_tuples_inserted(pg_class.oid) + pg_stat_get_xact_tuples_updated(pg_class.oid)
                  + pg_stat_get_xact_tuples_deleted(pg_class.oid) > 0 or current_setting('track_counts') = 'off')
           order by 1"#
    );
    rows.fetch_all(connection).await
}

/// A row as JSON whose numbers keep their digits.
const IMAGE: &str =
    "(select jsonb_object_agg(name, case when jsonb_typeof(value) = 'number' and value::text like '%.%'
                                                    then to_jsonb(value::text) else value end)
                      from jsonb_each(to_jsonb(t)) as each (name, value))";

impl Table {
    /// The rows that the transaction has written, as it sees them.
    async fn after(&self, connection: &mut Transaction) -> Result<Vec<Image>, sqlx::Error> {
        let sql = format!(
            "select {IMAGE} from {} as t where xmin = pg_current_xact_id_if_assigned()::xid",
            self.sql_name
        );
        let images = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_all(connection)
            .await?;
        Ok(images.into_iter().filter_map(object).collect())
    }

    /// What everybody else sees of those rows, and the rows that are gone.
    async fn before(
        &self,
        connection: &mut Transaction,
        others: &Db,
        after: &[Image],
    ) -> Result<Vec<Image>, sqlx::Error> {
        let mut images = Vec::new();
        if !self.key.is_empty() && !after.is_empty() {
            let sql = format!(
                "select {IMAGE} from {table} as t join jsonb_populate_recordset(null::{table}, $1) as written using ({key})",
                table = self.sql_name,
                key = self.sql_key
            );
            let keys: Vec<Value> = after
                .iter()
                .map(|image| Value::Object(self.key_of(image)))
                .collect();
            let found = sqlx::query_scalar(AssertSqlSafe(sql)).bind(Value::Array(keys));
            images.extend(found.fetch_all(others).await?);
        }
        if self.key.is_empty() || self.deleted_from {
            let id = sqlx::query_scalar!("select pg_current_xact_id_if_assigned()::text");
            let sql = format!("select {IMAGE} from {} as t where xmax = $1::xid", self.sql_name);
            let gone = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id.fetch_one(connection).await?);
            images.extend(gone.fetch_all(others).await?);
        }
        Ok(images.into_iter().filter_map(object).collect())
    }

    fn key_of(&self, image: &Image) -> Image {
        let columns = if self.key.is_empty() {
            &self.columns
        } else {
            &self.key
        };
        let value = |column: &String| Some((column.clone(), image.get(column)?.clone()));
        columns.iter().filter_map(value).collect()
    }

    fn compare(&self, before: &[Image], after: &[Image]) -> Vec<RowChange> {
        let by_key = |images: &[Image]| -> BTreeMap<String, Image> {
            let keyed = images
                .iter()
                .map(|image| (Value::Object(self.key_of(image)).to_string(), image.clone()));
            keyed.collect()
        };
        let (before, after) = (by_key(before), by_key(after));
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let pairs = keys
            .into_iter()
            .map(|key| self.compare_row(before.get(key), after.get(key)));
        pairs.flatten().collect()
    }

    fn compare_row(&self, before: Option<&Image>, after: Option<&Image>) -> Option<RowChange> {
        let (change, some) = match (before, after) {
            (None, Some(after)) => (Change::Insert, after),
            (Some(before), Some(_)) => (Change::Update, before),
            (Some(before), None) => (Change::Delete, before),
            (None, None) => return None,
        };
        let of = |image: Option<&Image>, column: &str| {
            image
                .and_then(|image| image.get(column))
                .cloned()
                .unwrap_or(Value::Null)
        };
        let columns = self.columns.iter().map(|column| ColumnChange {
            column: column.clone(),
            before: of(before, column),
            after: of(after, column),
        });
        let columns: Vec<ColumnChange> = columns.filter(|column| column.before != column.after).collect();
        (!columns.is_empty()).then(|| RowChange {
            table: self.name.clone(),
            key: self.key_of(some),
            change,
            columns,
        })
    }
}

fn object(image: Value) -> Option<Image> {
    match image {
        Value::Object(image) => Some(image),
        _ => None,
    }
}

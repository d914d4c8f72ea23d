//! D1: a real SQLite in memory, within D1's documented limits.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answers::Refused;

/// Bound parameters of a statement.
const PARAMETERS: usize = 100;
/// Bytes of a statement.
const SQL: usize = 100_000;
/// Bytes of a parameter.
const PARAMETER: usize = 2_000_000;

/// What `/query` is asked: one statement, or several together.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Query {
    Batch { batch: Vec<Statement> },
    One(Statement),
}

/// A statement and its parameters. All of these are documented as texts; SQLite turns them into what the column is.
#[derive(Deserialize)]
pub struct Statement {
    sql: String,
    #[serde(default)]
    params: Vec<String>,
}

/// The database.
pub struct Database(Connection);

impl Database {
    pub fn open() -> anyhow::Result<Self> {
        Ok(Self(Connection::open_in_memory()?))
    }

    /// Does all of it, or nothing and says why.
    pub fn query(&mut self, query: Query) -> Result<Value, Refused> {
        let statements = match query {
            Query::Batch { batch } => batch,
            Query::One(statement) => vec![statement],
        };
        for statement in &statements {
            within_limits(statement)?;
        }
        let transaction = self.0.transaction().map_err(|error| refused(&error))?;
        let mut outcomes = Vec::new();
        for statement in &statements {
            outcomes.push(outcome(&transaction, statement).map_err(|error| refused(&error))?);
        }
        transaction.commit().map_err(|error| refused(&error))?;
        Ok(Value::Array(outcomes))
    }

    /// Every row of a table of ours.
    pub fn rows(&self, table: &str) -> Vec<Value> {
        let sql = format!("select * from \"{}\" order by 1, 2", table.replace('"', ""));
        let params = Vec::new();
        rows(&self.0, &Statement { sql, params }).unwrap_or_default()
    }
}

fn within_limits(statement: &Statement) -> Result<(), Refused> {
    let Statement { sql, params } = statement;
    if params.len() > PARAMETERS {
        return Err(Refused::sql("too many SQL variables"));
    }
    if sql.len() > SQL || params.iter().any(|param| param.len() > PARAMETER) {
        return Err(Refused::sql("string or blob too big"));
    }
    Ok(())
}

fn outcome(connection: &Connection, statement: &Statement) -> rusqlite::Result<Value> {
    let before = connection.total_changes();
    let results = rows(connection, statement)?;
    let changes = connection.total_changes() - before;
    Ok(json!({ "success": true, "results": results, "meta": { "changes": changes } }))
}

fn rows(connection: &Connection, statement: &Statement) -> rusqlite::Result<Vec<Value>> {
    let mut prepared = connection.prepare(&statement.sql)?;
    let names: Vec<String> = prepared.column_names().into_iter().map(str::to_owned).collect();
    let mut found = prepared.query(params_from_iter(&statement.params))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut object = Map::new();
        for (n, name) in names.iter().enumerate() {
            object.insert(name.clone(), json_of(row.get_ref(n)?));
        }
        rows.push(Value::Object(object));
    }
    Ok(rows)
}

fn json_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => json!(String::from_utf8_lossy(bytes)),
    }
}

fn refused(error: &rusqlite::Error) -> Refused {
    Refused::sql(error.to_string())
}

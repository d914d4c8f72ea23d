//! What D1 may know: the columns of its `cache_metadata`, and where each comes from. This list is the whole permission:
//! both the question to PostgreSQL and the statement for D1 are made from it. No names, RFC, amounts, seals, digests, keys
//! of objects, nor ids of persons or payments.

use std::fmt::Write as _;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::cloudflare::Statement;

/// A kind of document.
pub struct Resource {
    /// As in the address of its links, and in `cache_metadata.recurso`.
    pub name: &'static str,
    /// The table that it is a row of.
    pub table: &'static str,
    /// SQL over that row: whether its objects were removed with the person whom they were about. Then it is told as removed.
    pub erased: &'static str,
    /// What is told of it.
    pub columns: &'static [Column],
}

/// One thing that is told.
pub struct Column {
    /// Its name in `cache_metadata`.
    pub name: &'static str,
    /// SQL over the row's table.
    pub from: &'static str,
    /// Its type in SQLite.
    pub kind: &'static str,
}

const fn text(name: &'static str, from: &'static str) -> Column {
    let kind = "text";
    Column { name, from, kind }
}

const fn flag(name: &'static str, from: &'static str) -> Column {
    let kind = "integer";
    Column { name, from, kind }
}

/// The first column tells where the document stands: a document that is removed has none.
const ESTADO: Column = text("estado", "estado");

/// Times as ISO 8601 in UTC, to the second.
const FECHA_EMISION: &str = r#"to_char(fecha_emision at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"#;
const FIRMADO_EN: &str = r#"to_char(firmado_en at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"#;

/// An invoice.
pub const INVOICES: Resource = Resource {
    name: "facturas",
    table: "facturas_emitidas",
    erased: "suprimida_en is not null",
    columns: &[
        ESTADO,
        text("uuid_sat", "uuid_sat"),
        text("serie", "serie"),
        text("folio", "folio"),
        text("tipo_comprobante", "tipo_comprobante"),
        text("origen", "origen"),
        text("fecha_emision", FECHA_EMISION),
        flag("tiene_pdf", "url_pdf is not null"),
        flag("tiene_xml", "url_xml is not null"),
    ],
};

/// A document of a contract.
pub const CONTRACTS: Resource = Resource {
    name: "contratos",
    table: "contratos_firmados",
    erased: "suprimido_en is not null",
    columns: &[
        ESTADO,
        text("contrato_id", "contrato_id"),
        text("firmado_en", FIRMADO_EN),
        flag("tiene_pdf", "url_pdf is not null"),
        flag("tiene_xml", "url_xml is not null"),
    ],
};

/// All of them.
pub const RESOURCES: [&Resource; 2] = [&INVOICES, &CONTRACTS];

/// A removed document leaves its id and version for so long: an older answer that was under way must not bring it back.
const TOMBSTONE: chrono::TimeDelta = chrono::TimeDelta::days(1);

/// A document as it is to stand in D1.
pub struct Told {
    /// `recurso`
    pub resource: &'static str,
    /// `id`
    pub id: Uuid,
    /// The older never overwrites the newer.
    pub version: i64,
    /// Its columns; none when the document is removed.
    pub columns: Option<Map<String, Value>>,
}

impl Resource {
    /// Asks PostgreSQL for `id` and `columns` of the ids `$1`.
    pub fn question(&self) -> String {
        let mut fields = String::new();
        for (n, column) in self.columns.iter().enumerate() {
            let comma = if n > 0 { ", " } else { "" };
            let _ = write!(fields, "{comma}'{}', {}", column.name, column.from);
        }
        let Self { table, erased, .. } = self;
        format!(
            "select id, jsonb_build_object({fields}) as columns from {table} where id = any($1) and not ({erased})"
        )
    }
}

/// Every column of `cache_metadata` besides its key and version, each once.
pub fn columns() -> Vec<&'static Column> {
    let mut all: Vec<&Column> = Vec::new();
    for column in RESOURCES.into_iter().flat_map(|resource| resource.columns) {
        if all.iter().all(|known| known.name != column.name) {
            all.push(column);
        }
    }
    all
}

/// The table, where it is missing.
static TABLE: LazyLock<String> = LazyLock::new(|| {
    let mut columns = String::new();
    for column in self::columns() {
        let _ = write!(columns, "{} {}, ", column.name, column.kind);
    }
    format!(
        "create table if not exists cache_metadata (recurso text not null, id text not null, \
         version integer not null, {columns}primary key (recurso, id)) without rowid"
    )
});

const TOMBSTONES: &str =
    "create index if not exists cache_metadata_removed on cache_metadata (version) where estado is null";

/// All rows in one parameter, as JSON: one statement, done wholly or not at all, whatever their number.
static UPSERT: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<&str> = columns().iter().map(|column| column.name).collect();
    let list = names.join(", ");
    let values: Vec<String> = names.iter().map(|name| format!("value ->> '{name}'")).collect();
    let values = values.join(", ");
    let sets: Vec<String> = names
        .iter()
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let sets = sets.join(", ");
    format!(
        "insert into cache_metadata (recurso, id, version, {list}) \
         select value ->> 'recurso', value ->> 'id', value ->> 'version', {values} from json_each(?1) where true \
         on conflict (recurso, id) do update set version = excluded.version, {sets} \
         where excluded.version >= cache_metadata.version"
    )
});

const SWEEP: &str = "delete from cache_metadata where estado is null and version < cast(?1 as integer)";

/// What makes D1 show these documents.
pub fn upsert(told: &[Told], now: DateTime<Utc>) -> Vec<Statement> {
    let rows: Vec<Value> = told.iter().map(row).collect();
    let swept = (now - TOMBSTONE).timestamp_micros();
    vec![
        plain(&TABLE),
        plain(TOMBSTONES),
        Statement {
            sql: &UPSERT,
            params: vec![Value::Array(rows).to_string()],
        },
        Statement {
            sql: SWEEP,
            params: vec![swept.to_string()],
        },
    ]
}

/// How many documents of each kind D1 shows.
pub fn count() -> Vec<Statement> {
    let counted =
        "select recurso, count(*) as documents from cache_metadata where estado is not null group by recurso";
    vec![plain(&TABLE), plain(counted)]
}

fn plain(sql: &'static str) -> Statement {
    let params = Vec::new();
    Statement { sql, params }
}

fn row(told: &Told) -> Value {
    let mut row = told.columns.clone().unwrap_or_default();
    row.insert("recurso".to_owned(), json!(told.resource));
    row.insert("id".to_owned(), json!(told.id));
    row.insert("version".to_owned(), json!(told.version));
    Value::Object(row)
}

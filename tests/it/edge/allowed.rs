//! What may be told is a list. Everything else that a document's row holds is filled with what gives it away, and looked for
//! in every byte that left.

use std::collections::BTreeSet;

use onlycar::edge::metadata::{self, RESOURCES};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use super::Rig;

/// The list, to be read by whoever lengthens it: no names, RFC, amounts, mail, seals, digests, keys, ids of persons.
const ALLOWED: [(&str, &[&str]); 2] = [
    (
        "facturas",
        &[
            "estado",
            "uuid_sat",
            "serie",
            "folio",
            "tipo_comprobante",
            "origen",
            "fecha_emision",
            "tiene_pdf",
            "tiene_xml",
        ],
    ),
    (
        "contratos",
        &["estado", "contrato_id", "firmado_en", "tiene_pdf", "tiene_xml"],
    ),
];

/// Columns whose values are told, by their names in PostgreSQL.
const TOLD: [(&str, &[&str]); 2] = [
    (
        "facturas_emitidas",
        &[
            "id",
            "estado",
            "uuid_sat",
            "serie",
            "folio",
            "tipo_comprobante",
            "origen",
            "fecha_emision",
        ],
    ),
    (
        "contratos_firmados",
        &["id", "estado", "contrato_id", "firmado_en"],
    ),
];

#[test]
fn the_list_is_this_one() {
    for (resource, (name, allowed)) in RESOURCES.iter().zip(ALLOWED) {
        let columns: Vec<&str> = resource.columns.iter().map(|column| column.name).collect();
        assert_eq!((resource.name, &columns[..]), (name, allowed));
    }
}

/// A value of a column's type that nothing else has.
fn tell_tale(kind: &str, n: usize) -> (String, String) {
    let n = n + 10;
    match kind {
        "text" => (format!("'chivato{n}'"), format!("chivato{n}")),
        "numeric" => (format!("7654{n}.25"), format!("7654{n}")),
        "moneda" => ("'QQQ'".to_owned(), "QQQ".to_owned()),
        "date" | "timestamptz" => (format!("'19{n}-03-04T05:06:07Z'"), format!("19{n}-03-0")),
        // A service's or a contract's: made for the row.
        "uuid" => (
            format!("'00000000-aaaa-4000-8000-0000000000{n}'"),
            format!("00000000-aaaa-4000-8000-0000000000{n}"),
        ),
        other => panic!("a new column of type {other}: say what gives it away"),
    }
}

/// A row of each table, with a tell-tale in every column that is not told; returns these.
async fn filled(rig: &Rig) -> Vec<(String, String)> {
    let mut tales = Vec::new();
    for (table, told) in TOLD {
        let sql =
            "select column_name, coalesce(domain_name, udt_name) as kind from information_schema.columns
                   where table_schema = 'public' and table_name = $1 order by ordinal_position";
        let columns = sqlx::query(sql)
            .bind(table)
            .fetch_all(&rig.app.pool)
            .await
            .unwrap();
        assert!(columns.len() > 15);
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (n, column) in columns.iter().enumerate() {
            let (name, kind): (String, String) = (column.get(0), column.get(1));
            let value = match (table, &*name) {
                ("contratos_firmados", "estado") => "'firmado'".to_owned(),
                (_, "estado") => "'vigente'".to_owned(),
                (_, "origen") => "'stripe'".to_owned(),
                // Else it would be told as removed.
                (_, "suprimida_en" | "suprimido_en") => "null".to_owned(),
                (_, "id" | "uuid_sat") => "gen_random_uuid()".to_owned(),
                (_, "firmado_en" | "fecha_emision") => "'2026-11-22T18:00:00Z'".to_owned(),
                ("contratos_firmados", "contrato_id") => format!("'{}'", rig.story.contract),
                (_, name) if told.contains(&name) => format!("'{name}'"),
                _ => {
                    let (value, tale) = tell_tale(&kind, n);
                    tales.push((format!("{table}.{name}"), tale));
                    value
                }
            };
            parent(rig, table, &name, &value).await;
            names.push(name);
            values.push(value);
        }
        let (names, values) = (names.join(", "), values.join(", "));
        let sql = format!("insert into {table} ({names}) values ({values})");
        sqlx::query(AssertSqlSafe(sql))
            .execute(&rig.app.pool)
            .await
            .unwrap();
    }
    tales
}

/// What the foreign keys of an invoice ask for.
async fn parent(rig: &Rig, table: &str, column: &str, value: &str) {
    let sql = match (table, column) {
        ("facturas_emitidas", "servicio_id") => {
            format!("insert into servicios (id, descripcion, monto) values ({value}, 'x', 1)")
        }
        ("facturas_emitidas", "contrato_id") => format!(
            "insert into contratos_b2b (id, cliente_id, tipo) select {value}, cliente_id, tipo from contratos_b2b limit 1"
        ),
        _ => return,
    };
    sqlx::query(AssertSqlSafe(sql))
        .execute(&rig.app.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_else_of_a_documents_row_leaves() {
    let rig = Rig::open().await;
    let tales = filled(&rig).await;
    onlycar::edge::resync(&rig.app.engine.pool, &rig.app.clock)
        .await
        .unwrap();
    rig.flush().await;
    assert_eq!(rig.rows().len(), 2, "both are shown");
    assert!(tales.len() > 25, "{tales:?}");
    let mut seen = 0;
    for asked in rig.cloudflare.asked() {
        let left = format!("{} {}", asked.line, asked.body);
        for (column, tale) in &tales {
            assert!(!left.contains(tale), "{column} left: {left}");
        }
        // And what left is the list, no more and no less.
        for row in sent(&asked.body) {
            let keys: BTreeSet<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            let of = |(name, _): &(&str, &[&str])| row["recurso"] == *name;
            let (_, allowed) = ALLOWED.into_iter().find(of).unwrap();
            let expected = allowed.iter().copied().chain(["recurso", "id", "version"]);
            assert_eq!(keys, expected.collect());
            seen += 1;
        }
    }
    assert_eq!(seen, 2);
    rig.app.finish().await;
}

/// The rows in the parameters of a question.
fn sent(body: &str) -> Vec<Value> {
    let body: Value = serde_json::from_str(body).unwrap();
    let statements = body["batch"].as_array().unwrap().iter();
    let params = statements.flat_map(|statement| statement["params"].as_array().unwrap());
    let lists = params.filter_map(|param| serde_json::from_str::<Vec<Value>>(param.as_str().unwrap()).ok());
    lists.flatten().collect()
}

/// The statements name the columns of the list, and no others.
#[test]
fn the_statements_are_made_of_the_list() {
    let told = [metadata::Told {
        resource: "facturas",
        id: Uuid::nil(),
        version: 1,
        columns: None,
    }];
    let allowed: BTreeSet<&str> = ALLOWED
        .iter()
        .flat_map(|(_, columns)| columns.iter().copied())
        .collect();
    let named: BTreeSet<&str> = metadata::columns().iter().map(|column| column.name).collect();
    assert_eq!(named, allowed);
    for statement in metadata::upsert(&told, "2026-11-22T18:00:00Z".parse().unwrap()) {
        assert!(
            statement.sql.len() < 4_000,
            "far below D1's 100 KB: {}",
            statement.sql.len()
        );
        assert!(statement.params.len() <= 1, "far below D1's 100");
        for forbidden in [
            "rfc", "nombre", "monto", "sello", "sha256", "url_", "email", "cliente", "servicio", "gigstack",
            "mifiel",
        ] {
            assert!(
                !statement.sql.contains(forbidden),
                "{forbidden}: {}",
                statement.sql
            );
        }
    }
}

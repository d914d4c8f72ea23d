//! One writer per table.

use super::{Source, can_fail, holds};

/// Who writes: a table, or a whole schema with `.` at its end; a file, or a folder with `/` at its end.
const WRITERS: &[(&str, &str)] = &[
    ("servicios", "src/payments/store/"),
    ("clientes", "src/payments/store/customers.rs"),
    ("stripe.", "src/payments/store/"),
    ("contratos_b2b", "src/contracts/store/"),
    ("contratos_firmados", "src/contracts/store/"),
    ("contracts.", "src/contracts/store/"),
    ("facturas_emitidas", "src/invoicing/store/"),
    ("ventas_factura_global", "src/invoicing/store/"),
    ("invoicing.", "src/invoicing/store/"),
    ("_sqlx_migrations", "src/tools/db/migrations.rs"),
    ("documents.", "src/documents/store.rs"),
    ("edge.", "src/edge/store.rs"),
    ("cache_metadata", "src/edge/metadata.rs"), // at D1
    ("logs_auditoria", "src/engine/"),
    ("engine.audit_head", "src/engine/audit/"),
    ("engine.audit_heads", "src/engine/audit/"),
    ("engine.alerts", "src/notifications/alerts/"),
    ("engine.checklist", "src/checklist/store.rs"),
    ("engine.", "src/engine/"),
    ("monitoring.", "src/monitoring/store.rs"),
    ("webhooks.", "src/engine/"),
    ("access.", "src/access/session/store.rs"),
];
/// Puts sample rows into an empty database.
const EXEMPT: &str = "src/dev/seed.rs";

fn writes_its_own_tables_only(source: &Source) -> Vec<String> {
    if source.path == EXEMPT {
        return Vec::new();
    }
    let written = written(&source.code);
    let foreign = written.iter().filter_map(|table| {
        let name = table.strip_prefix("public.").unwrap_or(table);
        let owner = WRITERS
            .iter()
            .find(|(owned, _)| *owned == name || (owned.ends_with('.') && name.starts_with(owned)));
        match owner {
            None => Some(format!(
                "{} writes {name}, which has no writer in the plan",
                source.path
            )),
            Some((_, file))
                if source.path == *file || (file.ends_with('/') && source.path.starts_with(file)) =>
            {
                None
            }
            Some((_, file)) => Some(format!("{} writes {name}, which is for {file}", source.path)),
        }
    });
    foreign.collect()
}

/// The tables that SQL in the code inserts into, updates, deletes from or empties.
fn written(code: &str) -> Vec<String> {
    let lower = code.to_lowercase().replace(['"', '(', ')', ',', ';'], " ");
    let words: Vec<&str> = lower.split_whitespace().collect();
    let mut tables = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let next = |n: usize| words.get(at + n).copied().unwrap_or_default();
        let before = at.checked_sub(1).map_or("", |before| words[before]);
        let table = match (*word, next(1)) {
            // `select … for update`, whatever stands behind it.
            ("update", _) if before == "for" => continue,
            ("insert" | "merge", "into")
            | ("delete", "from")
            | ("truncate", "table")
            | ("update", "only") => next(2),
            ("truncate", table) if table != "from" => table,
            // `update t set`, `update t as a set`, `update only t set`; not `do update set`, nor `for update) update t set`.
            ("update", table)
                if !matches!(table, "set" | "update") && (1..4).any(|n| next(n + 1) == "set") =>
            {
                table
            }
            ("copy", table) if next(2) == "from" => table,
            _ => continue,
        };
        tables.push(table.to_owned());
    }
    tables.retain(|table| {
        table
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
    });
    tables
}

#[test]
fn every_table_has_one_writer() {
    holds(writes_its_own_tables_only);
}

#[test]
fn a_second_writer_is_seen() {
    let rule = writes_its_own_tables_only;
    let sql = |sql: &str| format!("fn a() {{ sqlx::query!(\"{sql}\") }}");
    let wrong = [
        "insert into servicios (id) values ($1)",
        "INSERT INTO public.servicios (id) values ($1)",
        "insert into stripe.payments as kept (id) values ($1) on conflict (id) do update set a = 1",
        "with held as (select id from contratos_b2b for update) update servicios set a = 1 from held",
        "with failed as (update servicios set estado_pago = 'fallido' where id = $1 returning 1) select 1",
        "update\\n servicios\\n as s set a = 1",
        "update only servicios set a = 1",
        "delete from servicios where true",
        "truncate servicios",
        "truncate table servicios",
        "insert into engine.alerts (id) values ($1)",
        "update webhooks.events set state = 'dead'",
        "insert into logs_auditoria (id) values ($1)",
        "insert into clientes (id) values ($1)",
        "insert into facturas_emitidas (id) values ($1)",
    ]
    .map(|text| sql(&text.replace("\\n", "\n")));
    let right = [
        "update contratos_b2b as noted set a = 1 from contract",
        "select 1 from servicios for update skip locked",
        "with open as (select 1 from servicios for update) update contratos_b2b set a = 1",
        "insert into contratos_b2b (id) values ($1) on conflict (id) do update set a = 1",
        "the database is up to date; update it or not",
    ]
    .map(sql);
    let refs = |texts: &[String]| {
        texts
            .iter()
            .map(|text| text.clone().leak() as &str)
            .collect::<Vec<_>>()
    };
    can_fail(
        rule,
        "src/contracts/store/contracts.rs",
        &refs(&wrong),
        &refs(&right),
    );
    can_fail(
        rule,
        "src/contracts/store/contracts.rs",
        &[],
        &["// insert into servicios"],
    );
    can_fail(
        rule,
        "src/contracts/mod.rs",
        &["const A: &str = r#\"update contratos_b2b set a = 1\"#;"],
        &[],
    );
    can_fail(
        rule,
        "src/engine/queue.rs",
        &["\"insert into engine.alerts\""],
        &["\"update webhooks.events set a = 1\""],
    );
}

#[test]
fn the_writers_of_the_plan_do_write() {
    let sources = super::sources();
    for (table, file) in WRITERS {
        let found = sources
            .iter()
            .filter(|source| source.path.starts_with(file))
            .any(|source| {
                written(&source.code)
                    .iter()
                    .any(|name| name.trim_start_matches("public.").starts_with(table))
            });
        assert!(found, "{file} does not write {table}: the plan is out of date");
    }
}

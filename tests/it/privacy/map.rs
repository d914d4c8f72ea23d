//! docs/privacy.md is a map of every column there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::TestApp;

/// Each column on the map, with its class.
fn mapped() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/privacy.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut mapped = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let &[table, class, columns, ..] = cells.as_slice() else {
            continue;
        };
        let Some(table) = table.strip_prefix('`').and_then(|it| it.strip_suffix('`')) else {
            continue;
        };
        if !matches!(class, "personal" | "pseudonymous" | "none") {
            continue;
        }
        for column in columns.split(',').map(str::trim) {
            let twice = mapped.insert(format!("{table}.{column}"), class.to_owned());
            assert_eq!(twice, None, "{table}.{column} is on the map twice");
        }
    }
    mapped
}

#[tokio::test]
async fn every_column_is_on_the_map() {
    let app = TestApp::start().await;
    let sql = "select coalesce(array_agg(nspname || '.' || relname || '.' || attname), '{}')
               from pg_attribute join pg_class on pg_class.oid = attrelid join pg_namespace on pg_namespace.oid = relnamespace
               where relkind in ('r', 'p') and attnum > 0 and not attisdropped and relname <> '_sqlx_migrations'
                 and nspname not in ('pg_catalog', 'information_schema') and nspname not like 'pg\\_%'";
    let there: BTreeSet<String> = app.one::<Vec<String>>(sql).await.into_iter().collect();
    let mapped: BTreeSet<String> = mapped().into_keys().collect();
    let unmapped: Vec<&String> = there.difference(&mapped).collect();
    let gone: Vec<&String> = mapped.difference(&there).collect();
    assert!(
        unmapped.is_empty() && gone.is_empty(),
        "classify in docs/privacy.md: {unmapped:#?}; no longer there: {gone:#?}"
    );
    app.finish().await;
}

/// What the map calls personal goes with its person: the scan of the whole database in `erased.rs` proves it for those
/// columns that its scene fills.
#[test]
fn what_is_personal_says_how_it_goes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/privacy.md");
    let text = std::fs::read_to_string(path).unwrap();
    let personal = text.lines().filter(|line| line.contains("| personal |"));
    let mut count = 0;
    for line in personal {
        count += 1;
        let how = line.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap();
        assert!(
            how.contains("erase") || line.contains("`public.logs_auditoria`"),
            "{line}"
        );
    }
    assert!(count > 10, "{count}");
}

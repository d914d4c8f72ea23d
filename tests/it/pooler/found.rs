//! Whether a pooler stands in between is found out, not configured; and what that means for the statements.

use onlycar::ground::config::File;
use onlycar::tools::db::{self, Db};
use sqlx::Row;

use crate::support::database;
use crate::support::pgbouncer::PgBouncer;

async fn connect(url: &str, pooler: &str) -> anyhow::Result<Db> {
    let mut file = File::embedded();
    file.database.pooler = serde_json::from_value(pooler.into()).unwrap();
    Ok(db::connect(&url.to_owned().into(), &file).await?.main)
}

/// What the session of a statement is set to, and how many statements with a name it knows.
async fn session(db: &Db) -> (String, String, i64) {
    let ask = "select current_setting('statement_timeout'), current_setting('enable_seqscan'),
                      (select count(*) from pg_prepared_statements)";
    let row = sqlx::query(ask).fetch_one(db).await.unwrap();
    (row.get(0), row.get(1), row.get(2))
}

fn settings() -> (String, String, i64) {
    ("15s".to_owned(), "off".to_owned(), 0)
}

#[tokio::test]
async fn without_a_pooler_statements_have_names_and_sessions_our_settings() {
    let url = database::fresh().await;
    let db = connect(&url, "auto").await.unwrap();
    assert!(!db.is_pooled());
    let (timeout, seqscan, _) = settings();
    assert_eq!(session(&db).await, (timeout, seqscan, 1));
}

#[tokio::test]
async fn every_kind_of_pooler_is_found_and_worked_with() {
    let url = database::fresh().await;
    for kind in [
        "pool_mode = transaction",
        "pool_mode = session\ndefault_pool_size = 8",
        // It drops the options, as Supabase's does.
        "pool_mode = transaction\nignore_startup_parameters = extra_float_digits,options",
    ] {
        let Some(pooler) = PgBouncer::start_with(&url, kind).await else {
            return;
        };
        let db = connect(&pooler.url(&url), "auto").await.unwrap();
        assert!(db.is_pooled(), "{kind}");
        for _ in 0..3 {
            assert_eq!(session(&db).await, settings(), "{kind}");
        }
        let error = sqlx::query("select 1 / $1")
            .bind(0)
            .execute(&db)
            .await
            .unwrap_err();
        assert_eq!(
            error.as_database_error().unwrap().code().unwrap(),
            "22012",
            "{kind}"
        );
        assert_eq!(session(&db).await, settings(), "{kind}");
        assert_eq!(db::pending(&db).await.unwrap(), [""; 0]);
        db.close().await;
    }
}

#[tokio::test]
async fn what_is_configured_is_not_asked() {
    let url = database::fresh().await;
    assert!(connect(&url, "transaction").await.unwrap().is_pooled());
    let Some(pooler) = PgBouncer::start(&url).await else {
        return;
    };
    let refused = connect(&pooler.url(&url), "direct").await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("unsupported startup parameter"),
        "{refused:#}"
    );
}

#[tokio::test]
async fn what_is_no_matter_of_a_pooler_is_not_tried_again_as_one() {
    let url = format!("{}_that_is_not_there", database::fresh().await);
    let refused = connect(&url, "auto").await.unwrap_err();
    assert!(format!("{refused:#}").contains("does not exist"), "{refused:#}");
}

//! `onlycar documents verify`: every stored file against what was recorded.

use bytes::Bytes;
use chrono::TimeDelta;
use onlycar::documents::compare::{self, Report, compare};
use serde_json::Value;
use uuid::Uuid;

use super::scene::{command, content, stamped};
use super::{Desk, Subject};
use crate::support::TestApp;
use crate::support::bucket::BUCKET;

async fn verify(app: &TestApp) -> Report {
    let objects = app.bucket.objects();
    compare(&app.engine, &objects, None, |_| ()).await.unwrap()
}

fn findings(report: &Report) -> Vec<(&str, &'static str)> {
    let mut findings: Vec<_> = report
        .findings
        .iter()
        .map(|it| (it.key.as_str(), it.finding))
        .collect();
    findings.sort_unstable();
    findings
}

async fn put(app: &TestApp, key: &str, bytes: Bytes) {
    let put = app
        .bucket
        .raw()
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .body(bytes.into());
    put.send().await.unwrap();
}

#[tokio::test]
async fn what_is_missing_or_other_is_told_until_it_is_right_again() {
    let desk = Desk::open().await;
    let app = &desk.app;
    let mut subjects: Vec<Subject> = Vec::new();
    for state in ["pendiente", "vigente", "cancelada"] {
        subjects.push(desk.invoice("servicio", None, None, state).await);
    }
    subjects.push(desk.contract(None, "firmado").await);
    let whole = verify(app).await;
    assert_eq!((whole.documents, whole.files, whole.without_digest), (4, 9, 1));
    assert_eq!(findings(&whole), []);
    assert!(app.alerts().await.is_empty());

    let gone = subjects[1].key("xml");
    let other = subjects[3].key("pdf");
    app.bucket
        .raw()
        .delete_object()
        .bucket(BUCKET)
        .key(&gone)
        .send()
        .await
        .unwrap();
    put(app, &other, Bytes::from("x".repeat(content(&other).len()))).await;
    let found = verify(app).await;
    let mut expected = [(gone.as_str(), "missing"), (other.as_str(), "different")];
    expected.sort_unstable();
    assert_eq!(findings(&found), expected);
    assert_eq!(app.alerts().await, ["documento-alterado", "documento-perdido"]);

    // As a person sees it.
    let ended = command(app, &["documents", "verify", "--json"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let json: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (&json["files"], json["findings"].as_array().unwrap().len()),
        (&9.into(), 2)
    );
    assert!(ended.err.contains("4 documents"), "progress: {}", ended.err);

    put(app, &gone, content(&gone)).await;
    assert_eq!(findings(&verify(app).await), [(other.as_str(), "different")]);
    assert_eq!(app.alerts().await, ["documento-alterado"]);
    put(app, &other, content(&other)).await;
    let ended = command(app, &["documents", "verify"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .out
            .contains("all 9 files of 4 documents are what was stored"),
        "{}",
        ended.out
    );
    assert!(app.alerts().await.is_empty());
    // Both times it was noted, with what came of it.
    let noted: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', detalle ->> 'archivos', detalle ->> 'con_falla') from logs_auditoria
         where accion = 'documentos.comparados' order by id",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap();
    assert_eq!(noted, ["9 2", "9 0"]);
    assert!(compare::last(&app.db).await.unwrap().unwrap().all);
    desk.app.finish().await;
}

#[tokio::test]
async fn a_store_that_is_away_proves_nothing_and_alerts_nobody() {
    let mut desk = Desk::open().await;
    desk.invoice("servicio", None, None, "vigente").await;
    desk.app.bucket.kill();
    let report = verify(&desk.app).await;
    let what: Vec<_> = report.findings.iter().map(|it| it.finding).collect();
    assert_eq!(what, ["unreadable", "unreadable"]);
    assert!(desk.app.alerts().await.is_empty());
    desk.app.bucket.start_again().await;
    desk.app.finish().await;
}

#[tokio::test]
async fn only_what_was_stored_since_is_read_where_that_is_asked_for() {
    let app = TestApp::start().await;
    stamped(&app).await;
    let objects = app.bucket.objects();
    for (since, files) in [(TimeDelta::hours(-1), 2), (TimeDelta::hours(1), 0)] {
        let report = compare(&app.engine, &objects, Some(app.now() + since), |_| ())
            .await
            .unwrap();
        assert_eq!(report.files, files, "{since}");
    }
    app.finish().await;
}

#[tokio::test]
async fn each_file_is_noted_once_with_where_it_came_from() {
    let app = TestApp::start().await;
    let (row, uuid) = stamped(&app).await;
    let noted: Vec<(String, Uuid, i64, Option<String>)> =
        sqlx::query_as("select part, document, bytes, source from documents.objects order by part")
            .fetch_all(&app.pool)
            .await
            .unwrap();
    let size = async |ending: &str| {
        let key = format!("facturas/2026/{uuid}.{ending}");
        i64::try_from(app.bucket.read(&key).await.1.len()).unwrap()
    };
    let from = Some("127.0.0.1".to_owned());
    assert_eq!(
        noted,
        [
            ("pdf".to_owned(), row, size("pdf").await, from.clone()),
            ("xml".to_owned(), row, size("xml").await, from),
        ]
    );
    let causes = "select count(distinct (evento_id, trabajo_id)) from logs_auditoria
                  where accion in ('documento.guardado', 'factura.emitida') and evento_id is not null
                    and trabajo_id is not null";
    assert_eq!(
        app.one::<i64>(causes).await,
        1,
        "the event and the job that it came by"
    );
    // The same event again changes nothing.
    let again = "update webhooks.events set state = 'pending', run_at = now() where provider = 'gigstack'";
    sqlx::query(again).execute(&app.pool).await.unwrap();
    app.drain().await;
    let stored = "select count(*) from logs_auditoria where accion = 'documento.guardado'";
    assert_eq!(app.one::<i64>(stored).await, 2);
    app.finish().await;
}

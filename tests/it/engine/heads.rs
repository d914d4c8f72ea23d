//! The audit log's daily heads: signed, kept twice, and what they tell about a log that was rewritten.

use bytes::Bytes;
use chrono::TimeDelta;
use onlycar::engine::audit::{self, Proof, prove, seal};
use onlycar::ground::config::Settings;
use onlycar::tools::objects::Meta;
use onlycar::tools::signing::{PublicKey, Signer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Executor};

use super::audit::insert;
use crate::support::TestApp;
use crate::support::app::settings;
use crate::support::bucket::BUCKET;
use crate::support::database::db;

const JOB: &str = "firmar_auditoria";
const FIRST: &str = "evidencias/2026/11/auditoria-2026-11-22.json";
const SECOND: &str = "evidencias/2026/11/auditoria-2026-11-23.json";
const REWRITTEN: &str =
    "this row no longer has the hash that was signed: the log was rewritten, and sealed anew";

fn ours(app: &TestApp) -> Settings {
    let variables = app.bucket.variables();
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    settings(&app.database_url, &variables, &[], None)
}

fn key(app: &TestApp) -> PublicKey {
    Signer::of(&ours(app)).unwrap().public()
}

async fn proof(app: &TestApp) -> Proof {
    seal(&db(&app.pool)).await.unwrap();
    let objects = app.bucket.objects();
    prove(&db(&app.pool), Some(&objects), &[key(app)], app.now())
        .await
        .unwrap()
}

fn reasons(proof: &Proof) -> Vec<(String, &'static str)> {
    let faults = proof.faults.iter();
    faults
        .map(|fault| (fault.day.to_string(), fault.reason))
        .collect()
}

/// Three rows and a head, on each of so many days.
async fn signed(days: i64) -> TestApp {
    let app = TestApp::start().await;
    for day in 0..days {
        app.advance(TimeDelta::days(day.min(1)));
        insert(&app.pool, 3).await;
        app.job(JOB).await;
    }
    app
}

/// The database itself refuses such things, unless its superuser switches that off.
async fn force(app: &TestApp, sql: &str) {
    let sql = format!("set session_replication_role = replica; {sql}");
    app.pool.execute(AssertSqlSafe(sql)).await.unwrap();
}

/// What somebody does who may write everything in the database and knows the program.
async fn rewrite(app: &TestApp, from: i64, change: &str) {
    force(app, change).await;
    let head = format!(
        "update logs_auditoria set hash = null, hash_anterior = null where id >= {from};
         update engine.audit_head set last_id = {from} - 1,
             last_hash = coalesce((select hash from logs_auditoria where id = {from} - 1), repeat('0', 64))"
    );
    force(app, &head).await;
    seal(&db(&app.pool)).await.unwrap();
}

#[tokio::test]
async fn each_day_has_one_head_that_names_the_one_before() {
    let app = signed(2).await;
    // Twice in a day, as after a crash or by another replica: nothing more.
    insert(&app.pool, 1).await;
    app.job(JOB).await;
    assert_eq!(app.bucket.keys().await, [FIRST, SECOND]);
    let (head, bytes) = app.bucket.read(SECOND).await;
    assert_eq!(head.content_type.as_deref(), Some("application/json"));
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    let told = &document["head"];
    let last: String = app.one("select hash from logs_auditoria where id = 6").await;
    assert_eq!(
        (
            &told["day"],
            &told["zone"],
            &told["last_id"],
            &told["rows"],
            &told["last_hash"]
        ),
        (
            &"2026-11-23".into(),
            &"UTC".into(),
            &6.into(),
            &6.into(),
            &last.as_str().into()
        )
    );
    assert_eq!(told["signed_at"], "2026-11-23T18:00:00Z");
    assert_eq!(told["key_id"], key(&app).id());
    // As somebody else would check it: what stands behind "head":, as it stands, and the key.
    let text = std::str::from_utf8(&bytes).unwrap();
    let (signed, _) = text
        .strip_prefix("{\"head\":")
        .unwrap()
        .split_once(",\"public_key\":")
        .unwrap();
    assert!(key(&app).verify(signed.as_bytes(), document["signature"].as_str().unwrap()));
    let kept: String = app
        .one("select document from engine.audit_heads where day = '2026-11-23'")
        .await;
    assert_eq!(kept, text);
    let (_, first) = app.bucket.read(FIRST).await;
    assert_eq!(told["previous"], hex::encode(Sha256::digest(&first)));
    let proof = proof(&app).await;
    assert!(proof.ok && proof.store_asked, "{proof:?}");
    assert_eq!((proof.heads, proof.warnings.len()), (2, 0), "{proof:?}");
    assert_eq!(app.alerts().await, [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_log_that_was_rewritten_and_sealed_anew_does_not_fit_its_heads() {
    let app = signed(3).await;
    for (from, change, first) in [
        (
            9,
            "update logs_auditoria set actor = 'nadie' where id = 9",
            "2026-11-24",
        ),
        (4, "delete from logs_auditoria where id = 4", "2026-11-23"),
        (
            1,
            "update logs_auditoria set detalle = '{}' where id = 1",
            "2026-11-22",
        ),
    ] {
        rewrite(&app, from, change).await;
        let chain = audit::verify(&db(&app.pool)).await.unwrap();
        assert!(chain.is_ok(), "by itself the chain holds: {chain:?}");
        let proof = proof(&app).await;
        assert!(!proof.ok && proof.broken.is_none());
        assert_eq!(reasons(&proof)[0], (first.to_owned(), REWRITTEN), "{change}");
    }
    // The daily run finds it at the head before, says so and signs nothing, as often as it comes.
    app.advance(TimeDelta::days(1));
    app.job(JOB).await;
    app.job(JOB).await;
    assert_eq!(app.bucket.keys().await.len(), 3);
    assert_eq!(app.alerts().await, ["auditoria-rota"]);
    let told: String = app.one("select detail from engine.alerts").await;
    assert!(told.contains("en la fila 9 (this row no longer has"), "{told}");
    app.finish().await;
}

#[tokio::test]
async fn a_row_changed_since_the_last_head_is_found_by_the_next_run() {
    let app = signed(1).await;
    insert(&app.pool, 3).await;
    seal(&db(&app.pool)).await.unwrap();
    force(
        &app,
        "create table copia as table logs_auditoria;
                  update logs_auditoria set accion = 'otra' where id = 5",
    )
    .await;
    app.advance(TimeDelta::days(1));
    app.job(JOB).await;
    assert_eq!(app.bucket.keys().await, [FIRST]);
    assert_eq!(app.alerts().await, ["auditoria-rota"]);
    // Put right, it goes on, and the day without a head is named.
    force(&app, "update logs_auditoria set accion = 'prueba' where id = 5").await;
    app.advance(TimeDelta::days(1));
    app.job(JOB).await;
    let proof = proof(&app).await;
    assert!(proof.ok, "{proof:?}");
    assert_eq!(
        proof.warnings,
        ["no head was signed on 2026-11-23; the next one holds what was written then"]
    );
    app.advance(TimeDelta::days(3));
    let late = super::heads::proof(&app).await;
    assert!(
        late.ok && late.warnings[1].starts_with("the last head is of 2026-11-24"),
        "{late:?}"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_run_that_died_after_it_stored_its_head_is_made_up_for() {
    let app = signed(2).await;
    let forget = "delete from engine.audit_heads where day = '2026-11-23'";
    force(&app, forget).await;
    let dangling = proof(&app).await;
    assert!(
        dangling.ok && dangling.warnings[0].contains("not in the database yet"),
        "{dangling:?}"
    );
    // On the same day, and on a later one.
    for days in [0, 1] {
        force(&app, forget).await;
        app.advance(TimeDelta::days(days));
        app.job(JOB).await;
        let proof = proof(&app).await;
        assert!(proof.ok && proof.warnings.is_empty(), "{proof:?}");
        assert_eq!(
            app.one::<i64>("select count(*) from engine.audit_heads").await,
            2 + days
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_copy_that_was_removed_or_changed_is_named() {
    let app = signed(3).await;
    let (_, second) = app.bucket.read(SECOND).await;
    let remove = || async {
        app.bucket
            .raw()
            .delete_object()
            .bucket(BUCKET)
            .key(SECOND)
            .send()
            .await
            .unwrap();
    };
    let put = |bytes: Bytes| async {
        let meta = Meta {
            content_type: "application/json",
            file_name: "a.json",
            cache_control: "private",
            metadata: Vec::new(),
        };
        app.bucket
            .objects()
            .put_bytes(SECOND, &meta, bytes)
            .await
            .unwrap();
    };
    let day = "2026-11-23".to_owned();
    remove().await;
    let in_database = "it is in the database and not in the store: it was removed there";
    assert_eq!(reasons(&proof(&app).await), [(day.clone(), in_database)]);

    // Both: the one after it tells.
    force(&app, "create table copia as table engine.audit_heads").await;
    force(&app, "delete from engine.audit_heads where day = '2026-11-23'").await;
    let taken = "it does not follow the head before it: one was removed or exchanged";
    assert_eq!(reasons(&proof(&app).await), [("2026-11-24".to_owned(), taken)]);

    // In the database alone.
    put(second.clone()).await;
    let in_store = "it is in the store and not in the database: it was removed there";
    assert_eq!(reasons(&proof(&app).await), [(day.clone(), in_store)]);
    force(
        &app,
        "truncate engine.audit_heads; insert into engine.audit_heads select * from copia",
    )
    .await;
    assert!(proof(&app).await.ok);

    // Another number in a document that was signed.
    remove().await;
    let text = String::from_utf8(second.to_vec()).unwrap();
    put(text.replace("\"rows\":6", "\"rows\":5").into()).await;
    let found = reasons(&proof(&app).await);
    assert!(found.contains(&(
        day.clone(),
        "its signature is wrong: it was changed after it was signed"
    )));
    assert!(found.contains(&(day, "the database and the store hold different heads of this day")));
    app.finish().await;
}

#[tokio::test]
async fn a_head_of_another_key_is_named_and_the_store_may_be_away() {
    let mut app = signed(1).await;
    let objects = app.bucket.objects();
    let foreign = prove(&db(&app.pool), Some(&objects), &[], app.now())
        .await
        .unwrap();
    assert!(foreign.ok);
    let id = key(&app).id();
    assert!(
        foreign.warnings[0].starts_with(&format!("the key {id} signed the heads of 2026-11-22")),
        "{foreign:?}"
    );
    app.bucket.kill();
    for store in [None, Some(&objects)] {
        let alone = prove(&db(&app.pool), store, &[key(&app)], app.now())
            .await
            .unwrap();
        assert!(alone.ok && !alone.store_asked && alone.heads == 1, "{alone:?}");
        assert!(
            alone.warnings[0].starts_with("the store was not asked ("),
            "{alone:?}"
        );
    }
    // Without the store nothing is signed; once it is there, the run is made up for.
    app.advance(TimeDelta::days(1));
    app.job_later(JOB).await;
    app.until("the store was missed", || async {
        app.one::<i64>("select count(*) from engine.jobs where state = 'failed'")
            .await
            == 1
    })
    .await;
    app.bucket.start_again().await;
    app.advance(TimeDelta::minutes(5));
    app.drain().await;
    let proof = proof(&app).await;
    assert!(proof.ok && proof.heads == 2, "{proof:?}");
    app.finish().await;
}

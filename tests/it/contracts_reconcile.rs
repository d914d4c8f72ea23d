//! What Mifiel has and never told us is found, and goes through the same door as a webhook.

use chrono::TimeDelta;
use onlycar::contracts::mifiel::api::MifielApi;
use onlycar::contracts::{Mifiel, Reconcile};
use onlycar::dev::mifiel::{Draft, Event, Fault};
use onlycar::engine::reconciliation::Report;
use onlycar::ground::clock::Clock;
use onlycar::ground::config::{Environment, Settings};
use serde_json::Value;
use sqlx::ConnectOptions as _;
use uuid::Uuid;

use crate::support::program::{Ended, onlycar, run};
use crate::support::signing::{Sent, Signing};
use crate::support::{TestApp, mifiel};

/// Asks now, as the scheduled job does.
async fn reconcile(signing: &Signing) {
    signing.job("reconciliar_mifiel").await;
}

/// Type, trust and state of Mifiel's events, in order.
async fn events(signing: &Signing) -> Vec<String> {
    let sql = "select event_type || ' ' || trust || ' ' || state from webhooks.events order by id";
    sqlx::query_scalar(sql)
        .fetch_all(&signing.app.pool)
        .await
        .unwrap()
}

/// Missing, stale and mismatched of each run.
async fn runs(signing: &Signing) -> Vec<String> {
    let sql =
        "select format('%s %s %s', missing, stale, mismatched) from engine.reconciliations order by ran_at";
    sqlx::query_scalar(sql)
        .fetch_all(&signing.app.pool)
        .await
        .unwrap()
}

/// Mifiel to be asked by hand, beside the program.
async fn look(signing: &Signing, repair: bool) -> Report {
    let base = [
        ("DATABASE_URL", "postgres://nobody@localhost/none".to_owned()),
        ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests".to_owned()),
    ];
    let app = &signing.app;
    let variables = base.into_iter().chain(mifiel::variables(&app.mifiel, &app.url));
    let settings = Settings::from_parts(&variables.collect::<Environment>(), None).unwrap();
    let (own, file) = (settings.mifiel.unwrap(), settings.file.mifiel);
    let api = MifielApi::new(&own, &file, app.clock.clone()).unwrap();
    let reconcile = Reconcile::new(&app.engine, Mifiel::new(&own, &file).into(), api);
    let since = app.now() - TimeDelta::days(3);
    reconcile.look(since, repair, &|_| {}).await.unwrap().report
}

#[tokio::test]
async fn a_signature_that_nobody_told_of_is_found_and_stored() {
    let signing = Signing::open().await;
    let sent = signing.send().await;
    signing.app.mifiel.sign_all(&sent.id).unwrap();
    signing.app.advance(TimeDelta::hours(1));
    reconcile(&signing).await;
    let row = signing.row(sent.row).await;
    assert_eq!(row["estado"], "firmado");
    assert!(row["url_pdf"].is_string() && row["url_xml"].is_string(), "{row}");
    assert_eq!(events(&signing).await, ["document_closed reconcile processed"]);
    assert_eq!(signing.alerts().await, ["avisos-perdidos:mifiel"]);

    // Again: nothing is new, and the incident is over. The webhook comes after all, and changes nothing.
    signing.app.advance(TimeDelta::hours(1));
    reconcile(&signing).await;
    assert_eq!(runs(&signing).await, ["1 0 0", "0 0 0"]);
    assert!(signing.alerts().await.is_empty());
    signing.tell(Event::DocumentClosed, &sent).await;
    assert_eq!(signing.row(sent.row).await, row);
    signing.app.finish().await;
}

#[tokio::test]
async fn a_signature_that_may_still_be_told_alerts_nobody() {
    let signing = Signing::open().await;
    let sent = signing.send().await;
    signing.app.mifiel.sign_all(&sent.id).unwrap();
    signing.app.advance(TimeDelta::minutes(9));
    reconcile(&signing).await;
    assert_eq!(signing.state(&sent).await, "firmado");
    assert!(signing.alerts().await.is_empty());
    signing.app.finish().await;
}

#[tokio::test]
async fn a_document_that_was_deleted_there_waits_no_longer() {
    let signing = Signing::open().await;
    let sent = signing.send().await;
    signing.app.mifiel.delete(&sent.id).unwrap();
    signing.app.advance(TimeDelta::hours(1));
    reconcile(&signing).await;
    let row = signing.row(sent.row).await;
    assert_eq!(row["estado"], "rechazado");
    assert!(row["eliminado_en"].is_string(), "{row}");
    assert_eq!(events(&signing).await, ["document_deleted reconcile processed"]);
    let withdrawn = format!("contrato-sin-firma:{}", signing.story.contract);
    assert_eq!(
        signing.alerts().await,
        ["avisos-perdidos:mifiel".to_owned(), withdrawn]
    );
    let asked = signing.app.mifiel.asked().len();
    reconcile(&signing).await;
    assert_eq!(
        signing.app.mifiel.asked().len(),
        asked,
        "it is not asked for any more"
    );
    signing.app.finish().await;
}

#[tokio::test]
async fn whoever_declined_and_signed_later_is_found() {
    let signing = Signing::open().await;
    let sent = signing.send().await;
    signing.decline(&sent).await;
    signing.app.advance(TimeDelta::days(5));
    signing.app.mifiel.sign_all(&sent.id).unwrap();
    signing.app.advance(TimeDelta::hours(1));
    reconcile(&signing).await;
    assert_eq!(signing.state(&sent).await, "firmado");
    signing.app.finish().await;
}

#[tokio::test]
async fn another_end_of_its_time_is_taken_over() {
    let signing = Signing::open().await;
    let sent = signing.send().await;
    reconcile(&signing).await;
    signing.app.mifiel.expire(&sent.id).unwrap();
    reconcile(&signing).await;
    let row = signing.row(sent.row).await;
    assert_eq!(row["vence_en"], "2026-11-22T18:00:00+00:00");
    assert_eq!(row["estado"], "pendiente");
    reconcile(&signing).await;
    assert_eq!(runs(&signing).await, ["0 0 0", "0 1 0", "0 0 0"]);
    assert!(events(&signing).await.is_empty());
    signing.app.finish().await;
}

/// A document that Mifiel took, while its answer and the job that waited for it are lost.
async fn unanswered() -> (Signing, Uuid, String) {
    let mut signing = Signing::with(TestApp::without_workers(&[]).await).await;
    let row = signing.place().await.unwrap();
    signing.run("delete from engine.jobs").await;
    let there = signing.app.mifiel.create(Draft {
        days_to_expire: Some(15),
        ..Draft::of(&row.to_string())
    });
    signing.app.work();
    (signing, row, there.id)
}

#[tokio::test]
async fn a_document_whose_sending_nobody_answered_is_found_by_our_id() {
    let (signing, row, id) = unanswered().await;
    signing.app.advance(TimeDelta::minutes(9));
    reconcile(&signing).await;
    assert_eq!(
        signing.row(row).await["mifiel_document_id"],
        Value::Null,
        "it may be on its way"
    );
    signing.app.advance(TimeDelta::minutes(2));
    reconcile(&signing).await;
    let found = signing.row(row).await;
    assert_eq!(found["mifiel_document_id"], id);
    assert_eq!(found["estado"], "pendiente");
    assert!(
        found["enviado_en"].is_string() && found["vence_en"].is_string(),
        "{found}"
    );
    reconcile(&signing).await;
    assert_eq!(runs(&signing).await, ["0 0 0", "0 1 0", "0 0 0"]);
    signing.app.finish().await;
}

#[tokio::test]
async fn also_one_that_is_signed_by_now() {
    let (signing, row, id) = unanswered().await;
    // Others came since: it is on the third page of Mifiel's list.
    for _ in 0..60 {
        signing.app.mifiel.create(Draft::default());
    }
    signing.app.mifiel.sign_all(&id).unwrap();
    signing.app.advance(TimeDelta::hours(1));
    reconcile(&signing).await;
    let found = signing.row(row).await;
    assert_eq!(
        (&found["mifiel_document_id"], &found["estado"]),
        (&id.into(), &"firmado".into())
    );
    assert_eq!(signing.alerts().await, ["avisos-perdidos:mifiel"]);
    signing.app.finish().await;
}

#[tokio::test]
async fn a_document_that_was_never_sent_is_reported_as_unfinished() {
    let mut signing = Signing::with(TestApp::without_workers(&[]).await).await;
    let row = signing.place().await.unwrap();
    signing.app.advance(TimeDelta::hours(1));
    let unfinished = async || {
        let report = look(&signing, true).await;
        assert!(report.missing.is_empty() && report.drifted.is_empty());
        let unfinished = report.unfinished.into_iter();
        unfinished
            .map(|it| (it.event_id, it.event_type, it.state))
            .collect::<Vec<_>>()
    };
    let of = |state: &str| vec![(row.to_string(), "enviar_contrato".to_owned(), state.to_owned())];
    assert_eq!(unfinished().await, of("pending"));
    signing.run("update engine.jobs set state = 'dead'").await;
    assert_eq!(unfinished().await, of("dead"));
    signing.run("delete from engine.jobs").await;
    assert_eq!(unfinished().await, of("unsent"));
    signing.app.stop().await;
}

#[tokio::test]
async fn files_that_are_missing_in_the_row_are_filled_in() {
    let signing = Signing::open().await;
    let sent = signing.send().await;
    signing.sign(&sent).await;
    let before = signing.row(sent.row).await;
    signing
        .run("update contratos_firmados set url_xml = null, sha256_xml = null, url_evidencia = null")
        .await;
    let mails = signing.mailed().len();
    reconcile(&signing).await;
    assert_eq!(signing.row(sent.row).await, before);
    let audit = signing.app.audit().await;
    assert!(
        audit
            .iter()
            .any(|(_, action, _)| action == "contrato.documentos_completados"),
        "{audit:?}"
    );
    reconcile(&signing).await;
    assert_eq!(runs(&signing).await, ["0 1 0", "0 0 0"]);
    assert_eq!(
        signing.mailed().len(),
        mails,
        "it was signed before, and that was told"
    );
    signing.app.finish().await;
}

#[tokio::test]
async fn what_waits_for_a_person_is_not_missing() {
    let signing = Signing::open().await;
    let sent = signing.send().await;
    signing
        .run("update contratos_firmados set sha256_original = repeat('0', 64)")
        .await;
    signing.sign(&sent).await;
    signing.app.advance(TimeDelta::hours(1));
    let parked = format!("documento-sin-confirmar:{}", sent.id);
    assert_eq!(signing.alerts().await, [parked]);
    for _ in 0..2 {
        reconcile(&signing).await;
    }
    assert_eq!(runs(&signing).await, ["0 0 0", "0 0 0"]);
    assert_eq!(events(&signing).await, ["document_closed hmac parked"]);
    assert_eq!(signing.state(&sent).await, "pendiente");
    signing.app.finish().await;
}

#[tokio::test]
async fn an_outcome_that_was_lost_is_made_again() {
    let signing = Signing::open().await;
    let sent = signing.send().await;
    signing.app.mifiel.sign_all(&sent.id).unwrap();
    reconcile(&signing).await;
    signing
        .run("update contratos_firmados set estado = 'pendiente'")
        .await;
    reconcile(&signing).await;
    assert_eq!(signing.state(&sent).await, "firmado");
    assert_eq!(runs(&signing).await, ["1 0 0", "0 1 0"]);
    assert_eq!(events(&signing).await.len(), 1);
    signing.app.finish().await;
}

#[tokio::test]
async fn a_refused_key_or_a_wrong_clock_alerts_until_it_is_taken_again() {
    let signing = Signing::open().await;
    let sent = signing.send().await;
    let told = async || {
        signing
            .app
            .one::<String>("select detail from engine.alerts")
            .await
    };
    signing.app.mifiel.fail(Fault::Unauthorized, 1);
    reconcile(&signing).await;
    assert_eq!(signing.alerts().await, ["webhook-con-problema:mifiel"]);
    let detail = told().await;
    assert!(
        detail.starts_with("mifiel: Mifiel no acepta MIFIEL_APP_ID y MIFIEL_APP_SECRET"),
        "{detail}"
    );
    assert!(!detail.contains(mifiel::APP_SECRET));
    signing.app.mifiel.set_clock_off(TimeDelta::minutes(20));
    reconcile(&signing).await;
    assert!(
        told().await.contains("corrige el reloj (NTP)"),
        "{}",
        told().await
    );
    assert!(runs(&signing).await.is_empty());
    signing.app.mifiel.set_clock_off(TimeDelta::zero());
    reconcile(&signing).await;
    assert!(signing.alerts().await.is_empty());
    assert_eq!(runs(&signing).await, ["0 0 0"]);
    assert_eq!(signing.state(&sent).await, "pendiente");
    signing.app.finish().await;
}

#[tokio::test]
async fn a_look_that_is_cut_off_is_made_again() {
    let mut signing = Signing::open().await;
    let sent = signing.send().await;
    signing.app.mifiel.sign_all(&sent.id).unwrap();
    signing.app.mifiel.fail(Fault::RateLimited, 2);
    reconcile(&signing).await;
    let failed = "select count(*) from engine.jobs where state = 'failed'";
    assert_eq!(signing.app.one::<i64>(failed).await, 1);
    for _ in 0..3 {
        signing.app.advance(TimeDelta::minutes(5));
        signing.app.drain().await;
    }
    assert_eq!(signing.state(&sent).await, "firmado");
    assert_eq!(runs(&signing).await, ["1 0 0"]);
    signing.app.stop().await;
}

#[tokio::test]
async fn one_that_cannot_be_read_does_not_keep_the_others_from_it() {
    let signing = Signing::open().await;
    let first = signing.send().await;
    let other = another_contract(&signing).await;
    let second = signing.place_of(other).await.unwrap();
    signing.app.drain().await;
    let id = signing.row(second).await["mifiel_document_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for id in [&first.id, &id] {
        signing.app.mifiel.sign_all(id).unwrap();
    }
    let path = format!("/api/v1/documents/{}", first.id);
    signing.app.mifiel.fail_at(&path, Fault::Html, 1);
    reconcile(&signing).await;
    assert_eq!(signing.row(second).await["estado"], "firmado");
    assert_eq!(signing.state(&first).await, "pendiente");
    reconcile(&signing).await;
    assert_eq!(signing.state(&first).await, "firmado");
    signing.app.finish().await;
}

async fn another_contract(signing: &Signing) -> Uuid {
    let insert =
        "insert into contratos_b2b (cliente_id, tipo) select cliente_id, 'servicio_unico' from contratos_b2b
                  limit 1 returning id";
    sqlx::query_scalar(insert)
        .fetch_one(&signing.app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn documents_have_their_turn_those_first_that_waited_longest() {
    let mut signing = Signing::with(TestApp::without_workers(&[]).await).await;
    let mut ids = Vec::new();
    for _ in 0..120 {
        let document = signing.app.mifiel.create(Draft::default());
        let insert =
            "insert into contratos_firmados (id, contrato_id, mifiel_document_id, enviado_en, creado_en)
                      values ($1, $2, $3, $4, $4)";
        let insert = sqlx::query(insert)
            .bind(signing.app.clock.new_id())
            .bind(signing.story.contract)
            .bind(&document.id)
            .bind(signing.app.now());
        insert.execute(&signing.app.pool).await.unwrap();
        signing.app.advance(TimeDelta::seconds(1));
        ids.push(document.id);
    }
    signing.app.mifiel.sign_all(ids.last().unwrap()).unwrap();
    signing.app.advance(TimeDelta::days(60));
    assert_eq!(look(&signing, false).await.missing.len(), 0);
    let mut found = Vec::new();
    for _ in 0..4 {
        signing.app.advance(TimeDelta::hours(1));
        let asked = signing.app.mifiel.asked().len();
        let report = look(&signing, true).await;
        assert_eq!(signing.app.mifiel.asked().len() - asked, 50);
        found.push((report.missing.len(), report.unfinished.len()));
    }
    // The third run comes to the last ones; the fourth begins anew.
    assert_eq!(found, [(0, 0), (0, 0), (1, 0), (0, 0)]);
    assert_eq!(events(&signing).await, ["document_closed reconcile pending"]);
    signing.app.stop().await;
}

/// The command beside the running program, on its database.
async fn command(app: &TestApp, arguments: &[&str], with_mifiel: bool) -> Ended {
    let mut command = onlycar(&[&["reconcile"], arguments].concat());
    command.env(
        "DATABASE_URL",
        app.pool.connect_options().to_url_lossy().to_string(),
    );
    if with_mifiel {
        command.envs(mifiel::variables(&app.mifiel, &app.url));
    }
    command.env("STRIPE_SECRET_KEY", crate::support::app::KEY);
    command.env("STRIPE_API_BASE", &app.stripe_url);
    run(command).await
}

/// Mifiel judges requests by the time, and a command has the clock of this machine.
fn as_of_today(app: &TestApp) {
    app.advance((Clock::system().now() - app.now()).max(TimeDelta::zero()));
    app.mifiel.set_clock_off(Clock::system().now() - app.now());
}

#[tokio::test]
async fn the_command_shows_first_and_repairs_then() {
    let signing = Signing::open().await;
    let app = &signing.app;
    let sent = signing.send().await;
    app.mifiel.sign_all(&sent.id).unwrap();
    as_of_today(app);

    let dry = command(app, &["mifiel", "--since", "30d", "--dry-run"], true).await;
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert!(dry.out.contains("missing     document_closed"), "{dry:?}");
    assert!(dry.out.contains("mifiel: 1 documents since "), "{dry:?}");
    assert!(dry.out.contains(": 1 missing, 0 stale, 0 mismatched"), "{dry:?}");
    assert!(dry.out.contains("nothing was changed"), "{dry:?}");
    assert!(events(&signing).await.is_empty());
    assert_eq!(
        app.one::<i64>("select count(*) from contracts.attention").await,
        0
    );

    let json = command(app, &["mifiel", "--json"], true).await;
    let report: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(report["provider"], "mifiel");
    assert_eq!(report["missing"][0]["event_type"], "document_closed");
    app.mifiel.set_clock_off(TimeDelta::zero());
    app.advance((Clock::system().now() - app.now()).max(TimeDelta::zero()) + TimeDelta::seconds(1));
    app.drain().await;
    assert_eq!(signing.state(&sent).await, "firmado");

    as_of_today(app);
    let all = command(app, &["all", "--json"], true).await;
    assert_eq!(all.code, Some(0), "{all:?}");
    assert!(all.err.contains("Gigstack is not configured"), "{all:?}");
    let reports: Value = serde_json::from_str(&all.out).unwrap();
    let reports = reports.as_array().unwrap().iter();
    let providers: Vec<&str> = reports
        .map(|report| report["provider"].as_str().unwrap())
        .collect();
    assert_eq!(providers, ["stripe", "mifiel"]);
    signing.app.finish().await;
}

#[tokio::test]
async fn the_command_says_what_keeps_it_from_asking() {
    let signing = Signing::open().await;
    let app = &signing.app;
    let Sent { row, .. } = signing.send().await;
    as_of_today(app);
    app.mifiel.fail(Fault::Unauthorized, 1);
    let refused = command(app, &["mifiel"], true).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("no acepta MIFIEL_APP_ID"), "{refused:?}");
    assert!(refused.err.contains("hint: "), "{refused:?}");
    assert!(!refused.err.contains(mifiel::APP_SECRET));

    app.mifiel.set_clock_off(TimeDelta::hours(2));
    let late = command(app, &["all"], true).await;
    assert_eq!(late.code, Some(1));
    assert!(late.err.contains("corrige el reloj (NTP)"), "{late:?}");
    assert!(late.out.contains("stripe: 0 events since"), "{late:?}");

    let none = command(app, &["mifiel"], false).await;
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.err.contains("Mifiel is not configured"), "{none:?}");
    assert_eq!(signing.row(row).await["estado"], "pendiente");
    signing.app.finish().await;
}

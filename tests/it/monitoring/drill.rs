//! The fire drill: every kind of alert arrives, or it is said why not.

use onlycar::ground::clock::Clock;
use onlycar::notifications::incidents::KINDS;
use serde_json::Value;

use crate::support::TestApp;
use crate::support::program::{Ended, onlycar, run};

async fn drill(app: &TestApp, more: &[&str]) -> Ended {
    // The command asks the machine's clock; what it asks for must be due here.
    app.advance(Clock::system().now() - app.now() + chrono::TimeDelta::minutes(10));
    let mut command = onlycar(&[&["drill"], more].concat());
    command.env("DATABASE_URL", &app.database_url);
    run(command).await
}

const OPEN: &str = "select count(*) from engine.alerts where resolved_at is null";

#[tokio::test]
async fn every_kind_of_alert_arrives_and_none_is_left_open() {
    let app = TestApp::start().await;
    let ended = drill(&app, &["--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["arrived"], KINDS.len());
    let mails = app.mails(KINDS.len()).await;
    for kind in KINDS {
        let told = report["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|alert| alert["kind"] == kind.name)
            .unwrap();
        assert_eq!(told["ways"], serde_json::json!(["correo"]));
        let link = format!("/panel/alertas/{}", told["alert"].as_str().unwrap());
        let mail = mails.iter().find(|mail| mail.text.contains(&link)).unwrap();
        assert!(mail.subject.contains("[SIMULACRO]"), "{}", mail.subject);
    }
    assert_eq!(app.one::<i64>(OPEN).await, 0);
    let audited =
        "select count(*) from logs_auditoria where accion = 'alerta.simulada' and actor like 'consola:%'";
    assert_eq!(app.one::<i64>(audited).await, i64::try_from(KINDS.len()).unwrap());
    let one = drill(&app, &["--only", "muerto"]).await;
    assert_eq!(
        (one.code, one.out.contains("all 1 alerts arrived")),
        (Some(0), true),
        "{one:?}"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_drill_that_does_not_arrive_says_why_and_leaves_nothing_open() {
    let mut app = TestApp::without_workers(&[("SMTP_URL", "smtp://127.0.0.1:1")]).await;
    let ended = drill(&app, &["--only", "muerto", "--timeout", "1s"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .err
            .contains("hint: no server with workers runs on this database"),
        "{ended:?}"
    );
    assert_eq!(app.one::<i64>(OPEN).await, 0);

    app.work();
    let ended = drill(&app, &["--only", "apartado", "--timeout", "2s"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.out.contains("apartado") && ended.out.contains("failed     mail:"),
        "{ended:?}"
    );
    assert!(
        ended
            .err
            .contains("hint: the mail server or the channel does not take them"),
        "{ended:?}"
    );
    assert_eq!(app.one::<i64>(OPEN).await, 0);
    // What was not sent by its end is not sent later.
    app.advance(chrono::TimeDelta::hours(1));
    app.drain().await;
    let states: Vec<String> = sqlx::query_scalar("select state from engine.jobs where kind = 'notificar'")
        .fetch_all(&app.pool)
        .await
        .unwrap();
    assert_eq!(states, ["ignored", "ignored"]);
    app.finish().await;
}

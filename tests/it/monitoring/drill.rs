//! The fire drill: every kind of alert arrives, or it is said why not.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use onlycar::ground::clock::Clock;
use onlycar::notifications::incidents::KINDS;
use serde_json::Value;
use tokio::net::TcpListener;

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

/// A team's channel that answers this; its address, and what it was told.
async fn channel(answer: StatusCode) -> (String, Arc<Mutex<Vec<String>>>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&told);
    let take = async move |Json(body): Json<Value>| {
        kept.lock()
            .unwrap()
            .push(body["text"].as_str().unwrap().to_owned());
        answer
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/services/secret", listener.local_addr().unwrap());
    tokio::spawn(
        async move { axum::serve(listener, Router::new().route("/services/secret", post(take))).await },
    );
    (url, told)
}

#[tokio::test]
async fn the_teams_channel_is_told_too() {
    let (url, told) = channel(StatusCode::OK).await;
    let app = TestApp::with(&[("TEAM_WEBHOOK_URL", &url)]).await;
    let ended = drill(&app, &["--only", "muerto"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("arrived    canal and correo"), "{ended:?}");
    let told = told.lock().unwrap().clone();
    let [text] = &told[..] else {
        panic!("once: {told:?}")
    };
    assert!(
        text.starts_with("*[OnlyCar] [SIMULACRO]") && text.contains("/panel/alertas/"),
        "{text}"
    );
    app.mails(1).await;
    app.finish().await;
}

#[tokio::test]
async fn a_channel_that_is_gone_keeps_nobody_from_the_mail_and_is_told_of() {
    let (url, told) = channel(StatusCode::NOT_FOUND).await;
    let app = TestApp::with(&[("TEAM_WEBHOOK_URL", &url)]).await;
    let ended = drill(&app, &["--only", "muerto"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .out
            .contains("partly     correo alone: team webhook: answered 404 Not Found"),
        "{ended:?}"
    );
    assert!(
        ended.err.contains("look at SMTP_URL and TEAM_WEBHOOK_URL"),
        "{ended:?}"
    );
    app.mails(1).await;
    let noted = "select detalle ->> 'fallaron' from logs_auditoria where accion = 'notificacion.enviada'";
    assert_eq!(
        app.one::<String>(noted).await,
        "team webhook: answered 404 Not Found"
    );
    app.finish().await;
    assert_eq!(told.lock().unwrap().len(), 1, "it is not told again and again");
}

#[tokio::test]
async fn a_mail_server_that_is_gone_keeps_nobody_from_the_channel() {
    let (url, told) = channel(StatusCode::OK).await;
    let variables = [
        ("TEAM_WEBHOOK_URL", url.as_str()),
        ("SMTP_URL", "smtp://127.0.0.1:1"),
    ];
    let app = TestApp::with(&variables).await;
    let ended = drill(&app, &["--only", "muerto"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("partly     canal alone: mail: "), "{ended:?}");
    assert_eq!(told.lock().unwrap().len(), 1);
    app.finish().await;
}

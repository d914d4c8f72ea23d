//! The database goes away and comes back: what was not committed was never acknowledged.

use sqlx::Executor;

use super::{inbox_locked, stored, told, unhandled};
use crate::support::gate::Gate;
use crate::support::{Story, TestApp};

#[tokio::test]
async fn without_a_database_the_sender_is_asked_to_come_back() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    let body = onlycar::dev::stripe::body(&event);
    let mut gate = Gate::of(&app).await;
    gate.shut().await;

    let answer = app.post_signed(body.clone()).await;
    assert_eq!(answer.headers()["retry-after"], "30");
    assert_eq!(
        told(answer).await,
        (
            503,
            "Webhook Error: the event could not be stored; send it again".to_owned()
        )
    );
    assert_eq!(
        app.post("t=1,v1=00", body.clone()).await.status(),
        400,
        "a forgery needs no database"
    );
    let get = |path: &str| app.client.get(format!("{}{path}", app.url)).send();
    assert_eq!(get("/healthz").await.unwrap().status(), 200);
    let ready = get("/readyz").await.unwrap();
    assert_eq!(
        (
            ready.status().as_u16(),
            ready.headers()["content-type"].as_bytes()
        ),
        (503, b"application/problem+json".as_slice())
    );
    let problem: serde_json::Value = ready.json().await.unwrap();
    assert_eq!(problem["code"], "base-no-disponible");

    gate.allow(true).await;
    let answer = told(app.post_signed(body).await).await;
    assert_eq!(
        answer,
        (200, r#"{"received":true}"#.to_owned()),
        "it was not stored before"
    );
    assert_eq!(get("/readyz").await.unwrap().status(), 200);
    // What the workers had under way when it went away is due again by then.
    app.advance(chrono::TimeDelta::minutes(10));
    app.drain().await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    app.finish().await;
}

#[tokio::test]
async fn a_session_cut_off_before_its_commit_is_not_acknowledged() {
    let app = TestApp::without_workers(&[]).await;
    let mut gate = Gate::of(&app).await;
    let mut holder = inbox_locked(&app).await;
    let (answer, ()) = tokio::join!(app.post_signed(unhandled("1")), async {
        gate.until_locked_out(1).await;
        gate.end_waiting_sessions().await;
    });
    assert_eq!(answer.status(), 503);
    holder.execute("rollback").await.unwrap();
    assert_eq!(stored(&app).await, 0);
    assert_eq!(
        told(app.post_signed(unhandled("1")).await).await.1,
        r#"{"received":true}"#
    );
    app.finish().await;
}

#[tokio::test]
async fn one_row_that_the_database_refuses_does_not_take_others_along() {
    let app = TestApp::configured(&[], Some("[inbox]\nwriters = 1\n")).await;
    let refuse = "alter table webhooks.events add constraint of_a_test check (event_id <> 'evt_bad')";
    app.pool.execute(refuse).await.unwrap();
    let mut gate = Gate::of(&app).await;
    let mut holder = inbox_locked(&app).await;
    // The first keeps the only writer busy; the others wait together and become one batch.
    let batch = async {
        gate.until_locked_out(1).await;
        let sent = ["a", "bad", "c"].map(|id| app.post_signed(unhandled(id)));
        let released = async {
            // The server answers what comes later: what came before it is waiting now.
            let later = app.post("", unhandled("later")).await;
            assert_eq!(later.status(), 400);
            holder.execute("rollback").await.unwrap();
        };
        tokio::join!(futures_util::future::join_all(sent), released).0
    };
    let (first, others) = tokio::join!(app.post_signed(unhandled("first")), batch);
    assert_eq!(first.status(), 200);
    let statuses: Vec<u16> = others.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses, [200, 503, 200]);
    assert_eq!(stored(&app).await, 3);
    app.finish().await;
}

//! What our own authenticated call brought goes through the same door, and says that no signature vouches for it.

use axum::body::Bytes;
use onlycar::dev::stripe;
use onlycar::engine::inbox::Stored;
use onlycar::engine::source::Fetched;
use onlycar::ground::config::{Environment, Settings};
use onlycar::payments::Stripe;
use serde_json::Value;

use super::told;
use crate::support::app::SECRET;
use crate::support::{Story, TestApp};

const RECEIVED: &str = r#"{"received":true}"#;
const DUPLICATE: &str = r#"{"received":true,"duplicate":true}"#;

fn source() -> Stripe {
    let environment = Environment::from([
        ("DATABASE_URL", "postgres://nobody"),
        ("STRIPE_WEBHOOK_SECRET", SECRET),
    ]);
    Stripe::new(&Settings::from_parts(&environment, None).unwrap().stripe)
}

/// Keeps an event as if Stripe's API had answered it.
async fn fetch(app: &TestApp, event: &Value) -> Stored {
    let fetched = Fetched::new(&source(), Bytes::from(stripe::body(event)), app.now());
    let fetched = fetched.map_err(|refusal| refusal.code).unwrap();
    app.engine.inbox.keep(fetched, app.clock.new_id()).await.unwrap()
}

async fn deliver(app: &TestApp, event: &Value) -> (u16, String) {
    told(app.post_signed(stripe::body(event)).await).await
}

async fn trust(app: &TestApp, event: &Value) -> String {
    let sql = "select trust::text from webhooks.events where event_id = $1";
    let query = sqlx::query_scalar(sql).bind(event["id"].as_str().unwrap());
    query.fetch_one(&app.pool).await.unwrap()
}

#[tokio::test]
async fn a_fetched_event_is_handled_and_its_late_webhook_is_a_duplicate() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    assert_eq!(fetch(&app, &event).await, Stored::New);
    app.drain().await;
    assert_eq!(app.state(&event).await, ("processed".to_owned(), None));
    assert_eq!(deliver(&app, &event).await, (200, DUPLICATE.to_owned()));
    assert_eq!(trust(&app, &event).await, "reconcile");
    let trusted: String = app
        .one("select detalle ->> 'confianza' from logs_auditoria where accion = 'servicio.pagado'")
        .await;
    assert_eq!(trusted, "reconcile");
    app.finish().await;
}

#[tokio::test]
async fn an_event_that_came_signed_stays_so_when_it_is_fetched_later() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    assert_eq!(deliver(&app, &event).await, (200, RECEIVED.to_owned()));
    assert_eq!(fetch(&app, &event).await, Stored::Duplicate);
    assert_eq!(trust(&app, &event).await, "hmac");
    app.finish().await;
}

#[tokio::test]
async fn what_was_fetched_is_opened_as_strictly_as_what_came() {
    for (body, code) in [
        (&b"\xff"[..], "not-json"),
        (b"{", "not-json"),
        (b"{\"object\": \"list\"}", "not-an-event"),
    ] {
        let now = "2026-11-22T18:00:00Z".parse().unwrap();
        let refused = Fetched::new(&source(), Bytes::from_static(body), now).err();
        assert_eq!(refused.map(|refusal| refusal.code), Some(code));
    }
}

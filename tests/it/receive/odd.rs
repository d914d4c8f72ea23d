//! Signed events that are odd inside: taken, and processed or kept for a person. The sender never learns 500, and the
//! worker never tries again in vain.

use onlycar::dev::stripe;
use serde_json::Value;

use super::{stored, told};
use crate::support::{Story, TestApp};

/// The event's bytes with this raw JSON at `path`.
fn with_raw(mut event: Value, path: &str, raw: &str) -> Vec<u8> {
    const MARK: &str = "what-a-test-puts-in";
    stripe::set_path(&mut event, path, MARK).unwrap();
    let body = String::from_utf8(stripe::body(&event)).unwrap();
    let marked = format!("\"{MARK}\"");
    assert_eq!(body.matches(&marked).count(), 1, "{path}");
    body.replace(&marked, raw).into_bytes()
}

async fn take(app: &TestApp, body: Vec<u8>, what: &str) {
    let answer = told(app.post_signed(body).await).await;
    assert_eq!(answer, (200, r#"{"received":true}"#.to_owned()), "{what}");
}

fn arrays(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn what_we_do_not_read_may_be_anything() {
    let app = TestApp::start().await;
    let long = format!("\"{}\"", "x".repeat(20_000));
    for (path, raw) in [
        ("description", r#""a\u0000b""#),
        ("metadata.nota", r#""a\u0000b""#),
        ("statement_descriptor", "99999999999999999999999999999999"),
        ("receipt_email", "-0.000000000000000000000000000000000001"),
        ("livemode", r#""perhaps""#),
        ("status", r#""a\u0000b""#),
        ("customer", r#""a\u0000b""#),
        ("customer", &long),
        ("api_version", r#""a\u0000b""#),
        ("api_version", &long),
        ("created", "-1"),
        ("created", "253402300800"),
        ("created", "9223372036854775807"),
        ("created", "-9223372036854775808"),
        ("created", "99999999999999999999"),
        ("created", "1.5"),
        ("created", "null"),
        ("created", "{}"),
        ("created", r#""yesterday""#),
        ("created", r#""1795370400""#),
        ("created", r#""9999-12-31T23:59:59Z""#),
        ("pending_webhooks", "{}"),
        ("request", "7"),
    ] {
        let story = Story::create(&app.pool).await;
        let event = story.event("payment_intent.succeeded", app.now());
        let shown: String = raw.chars().take(40).collect();
        take(
            &app,
            with_raw(event.clone(), path, raw),
            &format!("{path}={shown}"),
        )
        .await;
        app.drain().await;
        let state = app.state(&event).await;
        assert_eq!(state, ("processed".to_owned(), None), "{path}={shown}");
        let service = app.row("servicios", story.service).await;
        assert_eq!(service["estado_pago"], "pagado", "{path}={shown}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_we_read_but_cannot_use_is_kept_for_a_person() {
    let app = TestApp::start().await;
    let (deep, deeper) = (arrays(3_000), arrays(200_000));
    for (path, raw) in [
        ("data.object.nuevo", deep.as_str()),
        ("data.object", &deep),
        ("data.object", &deeper),
        ("data", "null"),
        ("data.object", "[]"),
        ("data.object.id", "null"),
        ("data.object.id", r#""a\u0000b""#),
        ("amount", "99999999999999999999999999"),
        ("amount", "1e400"),
        ("amount", "12.5"),
        ("amount", r#""150000""#),
        ("amount", "null"),
        ("currency", r#""m\u0000n""#),
        ("currency", "7"),
        ("metadata.service_id", r#""a\u0000b""#),
        ("metadata.service_id", r#""00000000-0000-0000-0000-000000000000""#),
        ("metadata", "[]"),
        ("created", "1e400"),
        ("description", r#""\ud800""#),
    ] {
        let story = Story::create(&app.pool).await;
        let event = story.event("payment_intent.succeeded", app.now());
        let shown: String = raw.chars().take(40).collect();
        take(
            &app,
            with_raw(event.clone(), path, raw),
            &format!("{path}={shown}"),
        )
        .await;
        app.drain().await;
        let (state, why) = app.state(&event).await;
        assert_eq!(state, "parked", "{path}={shown}: {why:?}");
        assert!(
            why.is_some_and(|why| why.len() > 20 && why.len() < 300),
            "{path}={shown}"
        );
        let service = app.row("servicios", story.service).await;
        assert_eq!(service["estado_pago"], "pendiente", "{path}={shown}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_null_character_in_an_error_is_kept_as_a_replacement() {
    let app = TestApp::start().await;
    for path in ["last_payment_error.message", "last_payment_error.decline_code"] {
        let story = Story::create(&app.pool).await;
        let event = story.event("payment_intent.payment_failed", app.now());
        take(&app, with_raw(event.clone(), path, r#""a\u0000b""#), path).await;
        app.drain().await;
        assert_eq!(app.state(&event).await, ("processed".to_owned(), None), "{path}");
        let service = app.row("servicios", story.service).await;
        assert_eq!(service["estado_pago"], "fallido");
        let error = service["ultimo_error_pago"].as_str().unwrap();
        assert!(error.contains("a\u{fffd}b"), "{path}: {error}");
    }
    app.mails(2).await;
    app.finish().await;
}

#[tokio::test]
async fn null_characters_and_odd_times_in_invoices_and_subscriptions() {
    let app = TestApp::start().await;
    for (kind, path, raw) in [
        ("invoice.payment_succeeded", "billing_reason", r#""a\u0000b""#),
        ("invoice.payment_succeeded", "customer_email", r#""a\u0000b""#),
        (
            "invoice.payment_succeeded",
            "status_transitions.paid_at",
            "9223372036854775807",
        ),
        (
            "invoice.payment_succeeded",
            "status_transitions.paid_at",
            "8210266876799",
        ),
        (
            "invoice.payment_succeeded",
            "lines.data.0.period.end",
            "8210266876799",
        ),
        ("customer.subscription.deleted", "status", r#""a\u0000b""#),
        ("customer.subscription.deleted", "ended_at", "8210266876799"),
    ] {
        let story = Story::create(&app.pool).await;
        let event = story.event(kind, app.now());
        take(&app, with_raw(event.clone(), path, raw), path).await;
        app.drain().await;
        let (state, why) = app.state(&event).await;
        assert!(
            matches!(state.as_str(), "processed" | "parked"),
            "{kind} {path}={raw}: {state} {why:?}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn of_two_equal_keys_the_last_counts() {
    let app = TestApp::start().await;
    let body = r#"{"id":"evt_first","id":"evt_last","object":"charge","object":"event",
                   "type":"payment_intent.succeeded","type":"plan.created"}"#;
    take(&app, body.into(), "two ids").await;
    let kept = "select event_id || ' ' || event_type || ' ' || state from webhooks.events";
    assert_eq!(app.one::<String>(kept).await, "evt_last plan.created ignored");
    let again = r#"{"id":"evt_last","object":"event","type":"plan.created"}"#;
    let answer = told(app.post_signed(again.into()).await).await;
    assert_eq!(answer, (200, r#"{"received":true,"duplicate":true}"#.to_owned()));
    assert_eq!(stored(&app).await, 1);
    app.finish().await;
}

//! Events that looked otherwise than the receiver thought.

use onlycar::dev::stripe;
use serde_json::{Value, json};

use crate::receive::told;
use crate::support::{Story, TestApp};

/// cashier-stripe#1751, #1812: `current_period_end` moved to the items in 2025-03-31.basil, and the dashboard no longer let
/// anybody choose the version before: "Undefined array key".
#[tokio::test]
async fn cashier_stripe_1751_the_period_is_read_where_each_version_has_it() {
    let app = TestApp::start().await;
    let mut ends = Vec::new();
    for old in [false, true] {
        let story = Story::create(&app.pool).await;
        let event = story.event("customer.subscription.updated", app.now());
        let event = if old { stripe::old_shape(event) } else { event };
        assert_eq!(event["data"]["object"]["current_period_end"].is_i64(), old);
        app.handle(&event).await;
        assert_eq!(app.state(&event).await, ("processed".to_owned(), None));
        let row = app
            .row("stripe.subscriptions", &story.sample.subscription_id)
            .await;
        assert!(row["current_period_end"].is_string(), "{row}");
        ends.push(row["current_period_end"].clone());
    }
    assert_eq!(ends[0], ends[1]);
    app.finish().await;
}

/// dj-stripe#2108: the version "2024-09-30.acacia" was no date, and the event was refused.
#[tokio::test]
async fn dj_stripe_2108_no_version_is_refused() {
    let app = TestApp::start().await;
    for version in [
        json!("2024-09-30.acacia"),
        json!("2016-03-07; orders_beta=v3"),
        json!("2025-03-31.basil; custom_checkout_beta=v1"),
        json!("2011-01-01"),
        json!("2099-12-31.zirconia"),
        json!("unversioned"),
        json!(""),
        json!("é"),
        Value::Null,
        json!(7),
    ] {
        let story = Story::create(&app.pool).await;
        let mut event = story.event("payment_intent.succeeded", app.now());
        event["api_version"] = version.clone();
        app.handle(&event).await;
        assert_eq!(
            app.state(&event).await,
            ("processed".to_owned(), None),
            "{version}"
        );
        assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
        let kept = "select to_json(api_version) from webhooks.events where event_id = $1";
        let kept = sqlx::query_scalar::<_, Option<Value>>(kept).bind(event["id"].as_str());
        let kept = kept.fetch_one(&app.pool).await.unwrap().unwrap_or_default();
        let text = if version.is_string() { version } else { Value::Null };
        assert_eq!(kept, text, "as Stripe wrote it");
    }
    app.finish().await;
}

/// dj-stripe#116: a field was gone from the payload, and the receiver died of it (KeyError). Each field of each object is
/// left out once: the event is processed, or kept for a person with a reason, and the sender always learns 200.
#[tokio::test]
async fn dj_stripe_116_no_missing_field_is_fatal() {
    let app = TestApp::start().await;
    let (mut tried, mut parked) = (0, Vec::new());
    for kind in [
        "payment_intent.succeeded",
        "customer.subscription.updated",
        "invoice.paid",
        "charge.refunded",
    ] {
        let story = Story::create(&app.pool).await;
        let whole = story.event(kind, app.now());
        let fields: Vec<String> = whole["data"]["object"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        for field in fields {
            let story = Story::create(&app.pool).await;
            let mut event = story.event(kind, app.now());
            event["data"]["object"].as_object_mut().unwrap().remove(&field);
            app.handle(&event).await;
            let (state, why) = app.state(&event).await;
            tried += 1;
            match (state.as_str(), why) {
                ("processed", _) => {}
                ("parked", Some(why)) if why.len() > 20 => parked.push(format!("{kind} {field}: {why}")),
                other => panic!("{kind} without {field}: {other:?}"),
            }
        }
    }
    println!(
        "{tried} payloads with a field less, {} kept for a person:\n{}",
        parked.len(),
        parked.join("\n")
    );
    app.finish().await;
}

/// sync-engine#97, nextjs-subscription-payments#356: a type that nobody handles was answered 400, and after days of that
/// Stripe disabled the endpoint.
#[tokio::test]
async fn sync_engine_97_a_type_that_nobody_handles_is_taken() {
    let app = TestApp::start().await;
    for kind in [
        "product.created",
        "invoiceitem.created",
        "account.external_account.created",
        "billing.meter.error_report_triggered",
        "v2.core.account.updated",
        "un.tipo.nuevo",
    ] {
        let mut event = Story::create(&app.pool)
            .await
            .event("customer.created", app.now());
        event["type"] = json!(kind);
        let answer = told(app.post_signed(stripe::body(&event)).await).await;
        assert_eq!(answer, (200, r#"{"received":true}"#.to_owned()), "{kind}");
        assert_eq!(app.state(&event).await, ("ignored".to_owned(), None), "{kind}");
    }
    app.drain().await;
    assert_eq!(app.one::<i64>("select count(*) from engine.alerts").await, 0);
    app.finish().await;
}

//! Events that never came, endpoints that were switched off, and tables that only grew.

use chrono::TimeDelta;
use onlycar::dev::stripe;
use serde_json::json;
use sqlx::Executor;

use crate::receive::told;
use crate::support::gate::Gate;
use crate::support::{Story, TestApp};

const RECONCILE: &str = "reconciliar_stripe";
const WATCH: &str = "vigilar_webhook_stripe";
const EMPTY: &str = "vaciar_eventos";

/// sync-engine#111, subscribie#1386: after the outage `/sync` answered 200 with zeros. What Stripe no longer repeats is
/// asked for, and goes through the same door.
#[tokio::test]
async fn sync_engine_111_what_stripe_gave_up_repeating_is_asked_for() {
    let app = TestApp::start().await;
    let mut services = Vec::new();
    for second in 0..5 {
        let story = Story::create(&app.pool).await;
        let at = app.now() - TimeDelta::seconds(3600 - second);
        app.stripe.happened(&story.event("payment_intent.succeeded", at));
        services.push(story.service);
    }
    app.job(RECONCILE).await;
    for service in services {
        assert_eq!(app.row("servicios", service).await["estado_pago"], "pagado");
    }
    let found = "select missing::bigint from engine.reconciliations";
    assert_eq!(app.one::<i64>(found).await, 5);
    app.finish().await;
}

/// sync-engine (`src-events-api.ts`): the next question is for what is younger than the youngest seen, so an event of that
/// same second that is listed a moment later is never asked for.
#[tokio::test]
async fn sync_engine_a_latecomer_of_the_last_second_seen_is_found() {
    let app = TestApp::start().await;
    let (first, second) = (Story::create(&app.pool).await, Story::create(&app.pool).await);
    let at = app.now() - TimeDelta::minutes(1);
    app.stripe.happened(&first.event("payment_intent.succeeded", at));
    app.job(RECONCILE).await;
    app.stripe.happened(&second.event("payment_intent.succeeded", at));
    app.advance(TimeDelta::hours(1));
    app.job(RECONCILE).await;
    for story in [first, second] {
        assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    }
    app.finish().await;
}

/// adcp#3211: rows of revenue that a lost event left wrong were never put right.
#[tokio::test]
async fn adcp_3211_a_row_left_wrong_is_put_right_though_its_event_came() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now() - TimeDelta::hours(1));
    app.stripe.happened(&event);
    app.handle(&event).await;
    app.pool
        .execute("update stripe.payments set amount_received = 0")
        .await
        .unwrap();
    app.job(RECONCILE).await;
    let payment = event["data"]["object"]["id"].as_str().unwrap();
    let received = app.amount("stripe.payments", "amount_received", payment).await;
    assert_eq!(received, "1500.00");
    app.finish().await;
}

/// woocommerce-gateway-stripe#1289, WeVoteServer#969: the endpoint failed for nine days, Stripe switched it off, and nobody
/// noticed: what is silent sends no alarm by itself.
#[tokio::test]
async fn woocommerce_1289_a_switched_off_endpoint_is_noticed() {
    let app = TestApp::with(&[("PUBLIC_URL", "https://onlycar.example")]).await;
    app.stripe.put(json!({
        "id": "we_1", "object": "webhook_endpoint", "status": "disabled", "enabled_events": ["*"],
        "url": "https://onlycar.example/api/webhooks/stripe",
    }));
    for _ in 0..3 {
        app.job(WATCH).await;
    }
    let mails = app.mails(1).await;
    assert_eq!(mails[0].to, ["equipo@onlycar.example"]);
    assert!(mails[0].text.contains("disabled"), "{}", mails[0].text);
    assert_eq!(app.mail.messages().len(), 1, "one incident, one message");
    app.finish().await;
}

/// nextjs-subscription-payments#356, the other half: while we answer 503, nothing is lost when Stripe stops repeating.
#[tokio::test]
async fn nextjs_356_an_outage_longer_than_stripes_patience_loses_nothing() {
    let app = TestApp::start().await;
    // As every hour before the outage.
    app.job(RECONCILE).await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    app.stripe.happened(&event);
    let mut gate = Gate::of(&app).await;
    gate.shut().await;
    assert_eq!(app.post_signed(stripe::body(&event)).await.status(), 503);
    gate.allow(true).await;
    app.advance(TimeDelta::days(4));
    app.job(RECONCILE).await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    app.finish().await;
}

/// dj-stripe#1071, webhookx#354: the largest table of the database, with everything a customer ever told. The bytes go; the row, the hash and the duplicate stay.
#[tokio::test]
async fn dj_stripe_1071_old_payloads_go_and_duplicates_are_still_known() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    app.handle(&event).await;
    let empty = "select count(*) from webhooks.events where payload is null";
    app.job(EMPTY).await;
    assert_eq!(app.one::<i64>(empty).await, 0);
    app.advance(TimeDelta::days(31));
    app.job(EMPTY).await;
    assert_eq!(app.one::<i64>(empty).await, 1);
    let again = told(app.post_signed(stripe::body(&event)).await).await;
    assert_eq!(again, (200, r#"{"received":true,"duplicate":true}"#.to_owned()));
    let hash =
        "select count(*) from webhooks.events where payload_sha256 is not null and state = 'processed'";
    assert_eq!(app.one::<i64>(hash).await, 1);
    app.finish().await;
}

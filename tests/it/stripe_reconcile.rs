//! What Stripe lists and we never got is put through the inbox; what our rows show otherwise is asked for; and our
//! endpoint there is looked at.

use chrono::TimeDelta;
use onlycar::dev::stripe::simulator::Fault;
use serde_json::json;

use crate::support::{Story, TestApp};

/// Asks now, as the scheduled job does.
async fn reconcile(app: &TestApp) {
    app.job("reconciliar_stripe").await;
}

#[tokio::test]
async fn an_event_that_never_came_is_found_and_handled() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now() - TimeDelta::hours(1));
    app.stripe.happened(&event);
    reconcile(&app).await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    assert_eq!(
        app.one::<String>("select trust::text from webhooks.events").await,
        "reconcile"
    );
    let alert = "select cause from engine.alerts where resolved_at is null";
    assert_eq!(app.one::<String>(alert).await, "avisos-perdidos:stripe");

    app.advance(TimeDelta::minutes(1));
    // The webhook comes after all: a duplicate. The next look finds nothing, and the incident is over.
    let answer = app.post_signed(onlycar::dev::stripe::body(&event)).await;
    assert_eq!(
        answer.text().await.unwrap(),
        r#"{"received":true,"duplicate":true}"#
    );
    reconcile(&app).await;
    assert_eq!(
        app.one::<i64>("select count(*) from engine.alerts where resolved_at is null")
            .await,
        0
    );
    let kept = "select array_agg(missing order by ran_at) from engine.reconciliations";
    assert_eq!(app.one::<Vec<i64>>(kept).await, [1, 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_row_that_somebody_changed_is_put_right() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now() - TimeDelta::hours(1));
    app.stripe.happened(&event);
    app.handle(&event).await;
    let break_it = "update stripe.payments set amount_received = 1, status = 'processing'";
    sqlx::query(break_it).execute(&app.pool).await.unwrap();
    reconcile(&app).await;
    let id = event["data"]["object"]["id"].as_str().unwrap();
    assert_eq!(
        app.amount("stripe.payments", "amount_received", id).await,
        "1500.00"
    );
    assert_eq!(app.row("stripe.payments", id).await["status"], "succeeded");
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    assert_eq!(
        app.one::<i64>("select mismatched from engine.reconciliations")
            .await,
        1
    );
    app.finish().await;
}

#[tokio::test]
async fn a_lost_row_is_made_again() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now() - TimeDelta::hours(1));
    app.stripe.happened(&event);
    app.handle(&event).await;
    sqlx::query("delete from stripe.payments")
        .execute(&app.pool)
        .await
        .unwrap();
    reconcile(&app).await;
    assert_eq!(
        app.one::<i64>("select stale from engine.reconciliations").await,
        1
    );
    assert_eq!(app.one::<i64>("select count(*) from stripe.payments").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn more_events_than_fit_on_a_page_are_all_found() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    for n in 0..230 {
        // Many in one second, as a page's border may cut them.
        let at = app.now() - TimeDelta::seconds(3600 - n / 50);
        app.stripe
            .happened(&story.event_of_payment("payment_intent.succeeded", &format!("pi_{n}"), at));
    }
    reconcile(&app).await;
    assert_eq!(app.one::<i64>("select count(*) from webhooks.events").await, 230);
    app.finish().await;
}

#[tokio::test]
async fn a_look_that_stripe_cuts_off_is_made_again() {
    let mut app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    app.stripe
        .happened(&story.event("payment_intent.succeeded", app.now()));
    app.stripe.fail_at("/v1/events", Fault::ServerError, 50);
    let insert = "insert into engine.jobs (id, kind, payload, created_at, run_at)
                  values ($1, 'reconciliar_stripe', '{}', $2, $2)";
    let insert = sqlx::query(insert).bind(app.clock.new_id()).bind(app.now());
    insert.execute(&app.pool).await.unwrap();
    app.until("the look has failed", async || {
        app.one::<i64>("select count(*) from engine.jobs where state = 'failed'")
            .await
            == 1
    })
    .await;
    app.stripe.heal();
    app.advance(TimeDelta::hours(1));
    app.drain().await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    app.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_person_is_told_apart_from_what_is_missing() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let mut event = story.event("payment_intent.succeeded", app.now() - TimeDelta::hours(1));
    event["data"]["object"]["amount"] = json!("many");
    app.stripe.happened(&event);
    app.handle(&event).await;
    assert_eq!(app.state(&event).await.0, "parked");
    reconcile(&app).await;
    assert_eq!(
        app.one::<i64>("select missing + stale + mismatched from engine.reconciliations")
            .await,
        0
    );
    app.finish().await;
}

#[tokio::test]
async fn an_endpoint_that_stripe_switched_off_alerts_until_it_is_on_again() {
    let url = [("PUBLIC_URL", "https://onlycar.example")];
    let app = TestApp::with(&url).await;
    let open = "select string_agg(detail, '') from engine.alerts where resolved_at is null";
    app.job("vigilar_webhook_stripe").await;
    assert!(
        app.one::<String>(open)
            .await
            .contains("ningún endpoint apunta a onlycar.example")
    );

    let endpoint = |status: &str, events: serde_json::Value| {
        json!({ "id": "we_1", "object": "webhook_endpoint", "status": status, "enabled_events": events,
                "url": "https://onlycar.example/api/webhooks/stripe?version=2" })
    };
    app.stripe.put(endpoint("disabled", json!(["*"])));
    app.job("vigilar_webhook_stripe").await;
    assert!(app.one::<String>(open).await.contains("disabled"));
    app.stripe
        .put(endpoint("enabled", json!(["payment_intent.succeeded"])));
    app.job("vigilar_webhook_stripe").await;
    assert!(
        app.one::<String>(open)
            .await
            .contains("no está suscrito a payment_intent.requires_action")
    );
    app.stripe.put(endpoint("enabled", json!(["*"])));
    app.job("vigilar_webhook_stripe").await;
    assert_eq!(
        app.one::<i64>("select count(*) from engine.alerts where resolved_at is null")
            .await,
        0
    );
    app.finish().await;
}

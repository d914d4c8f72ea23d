//! Failures that nobody was told of, or everybody was told of for ever.

use chrono::TimeDelta;
use onlycar::dev::stripe::simulator::Fault;
use serde_json::json;
use sqlx::Executor;

use super::{Flaw, later};
use crate::support::{Story, TestApp};

/// woocommerce-gateway-stripe#4150: a message for each failed event is as good as none. One incident is told once, and
/// counts.
#[tokio::test]
async fn woocommerce_4150_one_cause_is_told_once_and_counted() {
    let app = TestApp::start().await;
    for _ in 0..5 {
        let story = Story::create(&app.pool).await;
        let mut event = story.event("payment_intent.succeeded", app.now());
        event["data"]["object"]["amount"] = json!("many");
        app.handle(&event).await;
        assert_eq!(app.state(&event).await.0, "parked");
    }
    assert_eq!(app.one::<i32>("select times from engine.alerts").await, 5);
    assert_eq!(app.mail.messages().len(), 1);
    app.finish().await;
}

/// gitpod#15202: the alert was defined and never fired. outpost#403: the alert told neither which event nor why.
#[tokio::test]
async fn gitpod_15202_and_outpost_403_a_dead_event_reaches_a_person_with_its_id_type_and_error() {
    let mut app = TestApp::configured(&[], Some("worker.max_attempts = 2")).await;
    app.work();
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    Flaw::put_in(&app).await;
    app.handle(&event).await;
    assert_eq!(
        app.mail.messages().len(),
        0,
        "one failure is no alarm: it is tried again"
    );
    later(&app).await;
    assert_eq!(app.state(&event).await.0, "dead");
    let mail = &app.mails(1).await[0];
    assert_eq!(mail.to, ["equipo@onlycar.example"]);
    let told = format!("{} {}", mail.subject, mail.text);
    for part in [
        event["id"].as_str().unwrap(),
        "payment_intent.succeeded",
        Flaw::NAME,
    ] {
        assert!(told.contains(part), "{part} is missing: {told}");
    }
    app.stop().await;
}

/// outpost#571: mistakes of users, such as an address that does not exist, filled the queue of the dead.
#[tokio::test]
async fn outpost_571_an_address_that_does_not_exist_is_no_dead_letter() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    app.mail.refuse("ana@example.com");
    let event = story.event("payment_intent.payment_failed", app.now());
    app.handle(&event).await;
    assert_eq!(
        app.state(&event).await.0,
        "processed",
        "the payment itself is noted"
    );
    let parked = "select count(*) from engine.jobs where kind = 'notificar' and state = 'parked'";
    assert_eq!(app.one::<i64>(parked).await, 1);
    assert_eq!(app.mails(1).await[0].to, ["equipo@onlycar.example"]);
    app.finish().await;
}

/// dj-stripe#2127, sync-engine#98, #137: asking Stripe met its rate limit, and what was asked for was lost.
#[tokio::test]
async fn dj_stripe_2127_a_rate_limit_delays_a_question_and_does_not_lose_it() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let [first, second] = [true, false].map(|ends| {
        let mut event = story.event("customer.subscription.updated", app.now());
        event["data"]["object"]["cancel_at_period_end"] = json!(ends);
        event
    });
    app.stripe.happened(&second);
    app.stripe.happened(&first);
    app.stripe.fail(Fault::RateLimited, 4);
    app.handle(&first).await;
    app.handle(&second).await;
    for _ in 0..6 {
        later(&app).await;
    }
    let row = app
        .row("stripe.subscriptions", &story.sample.subscription_id)
        .await;
    assert_eq!(
        (&row["cancel_at_period_end"], &row["asked"]),
        (&json!(true), &json!(true))
    );
    app.finish().await;
}

/// documenso#2313: a job that could not succeed was tried without end: a million rows and 120 GB of log in a night.
#[tokio::test]
async fn documenso_2313_the_hopeless_is_given_up_and_leaves_few_rows() {
    let mut app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    Flaw::put_in(&app).await;
    app.handle(&event).await;
    for _ in 0..30 {
        app.advance(TimeDelta::days(1));
        app.drain().await;
    }
    assert_eq!(app.state(&event).await.0, "dead");
    assert_eq!(app.one::<i32>("select attempts from webhooks.events").await, 16);
    assert!(app.one::<i64>("select count(*) from engine.failures").await <= 16);
    let jobs: i64 = app
        .one("select count(*) from engine.jobs where kind = 'notificar'")
        .await;
    // That its provider's attempts fail one after the other, and that it was given up.
    assert_eq!((jobs, app.mail.messages().len()), (2, 2));
    app.stop().await;
}

/// The incident is closed when somebody saw to it, and the next one is told again: an alarm that stays open for ever is
/// the other way to hear nothing (outpost#596).
#[tokio::test]
async fn outpost_596_after_an_incident_was_closed_the_next_one_is_told() {
    let app = TestApp::start().await;
    for told in [1, 2] {
        let story = Story::create(&app.pool).await;
        let mut event = story.event("payment_intent.succeeded", app.now());
        event["data"]["object"]["amount"] = json!("many");
        app.handle(&event).await;
        assert_eq!(app.mails(told).await.len(), told);
        app.pool
            .execute("update engine.alerts set resolved_at = now()")
            .await
            .unwrap();
    }
    app.finish().await;
}

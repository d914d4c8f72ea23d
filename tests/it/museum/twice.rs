//! Events that had their effect twice, or brought the receiver down by coming twice.

use chrono::TimeDelta;
use futures_util::future::join_all;
use onlycar::dev::stripe;
use serde_json::json;

use crate::receive::{stored, told, unhandled};
use crate::support::app::SECRET;
use crate::support::{Story, TestApp};

const NEW: &str = r#"{"received":true}"#;
const DUPLICATE: &str = r#"{"received":true,"duplicate":true}"#;

/// dj-stripe#1239, #409, #429: two deliveries at the same time, and the second died of a duplicate key. A test that shows it
/// was asked for during years.
#[tokio::test]
async fn dj_stripe_1239_deliveries_at_the_same_time_are_all_answered_and_one_is_new() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    let body = stripe::body(&event);
    let answers = join_all((0..32).map(|_| async { told(app.post_signed(body.clone()).await).await })).await;
    let (new, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, text)| text == NEW);
    assert_eq!(new.len(), 1);
    assert!(
        others.iter().all(|answer| *answer == (200, DUPLICATE.to_owned())),
        "{others:?}"
    );
    app.drain().await;
    assert_eq!(stored(&app).await, 1);
    assert_eq!(app.audit().await.len(), 1);
    app.finish().await;
}

/// spatie/laravel-stripe-webhooks#86: nothing protects from an event that comes again, and what was added later looks
/// first and inserts then, without a unique key.
#[tokio::test]
async fn spatie_86_an_event_that_comes_again_days_later_changes_nothing() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let mut event = story.event("payment_intent.payment_failed", app.now());
    app.handle(&event).await;
    app.mails(1).await;
    let before = app.row("servicios", story.service).await;
    app.advance(TimeDelta::days(3));
    event["pending_webhooks"] = json!(0);
    let again = told(app.post_signed(stripe::body(&event)).await).await;
    assert_eq!(again, (200, DUPLICATE.to_owned()));
    app.drain().await;
    assert_eq!(app.row("servicios", story.service).await, before);
    assert_eq!((app.mail.messages().len(), stored(&app).await), (1, 1));
    app.finish().await;
}

/// pay#371, "scary race": three events about one new subscription at the same time made three subscriptions.
#[tokio::test]
async fn pay_371_three_events_at_once_make_one_subscription() {
    let app = TestApp::start().await;
    for round in 0..5 {
        let story = Story::create(&app.pool).await;
        let sample = story.sample.clone().one_story();
        let kinds = [
            "customer.subscription.created",
            "customer.subscription.updated",
            "invoice.paid",
        ];
        let events = kinds.map(|kind| stripe::event(kind, &sample, app.now()).unwrap());
        for event in &events {
            app.stripe.happened(event);
        }
        join_all(events.iter().map(|event| app.send(event))).await;
        app.drain().await;
        let rows: i64 = app.one("select count(*) from stripe.subscriptions").await;
        assert_eq!(rows, round + 1);
        let row = app.row("stripe.subscriptions", &sample.subscription_id).await;
        assert_eq!(row["status"], "active");
        let contract = app.row("contratos_b2b", story.contract).await;
        assert_eq!(contract["servicios_disponibles"], 10, "renewed once: {contract}");
    }
    app.finish().await;
}

/// cashier-stripe#1678, #1593, #1300, #1307: the webhook and the application both made the subscription; the thread's
/// cure is `sleep(5)`. Here the contract is written while its events come.
#[tokio::test]
async fn cashier_stripe_1593_webhooks_beside_the_application_need_no_sleep() {
    let app = TestApp::start().await;
    for _ in 0..5 {
        let story = Story::create(&app.pool).await;
        let unlinked = "update contratos_b2b set stripe_subscription_id = null where id = $1";
        sqlx::query(unlinked)
            .bind(story.contract)
            .execute(&app.pool)
            .await
            .unwrap();
        let sample = story.sample.clone().one_story();
        let created = stripe::event("customer.subscription.created", &sample, app.now()).unwrap();
        let paid = stripe::event("invoice.paid", &sample, app.now()).unwrap();
        for event in [&created, &paid] {
            app.stripe.happened(event);
        }
        let link = "update contratos_b2b set stripe_subscription_id = $2 where id = $1";
        let linked = sqlx::query(link)
            .bind(story.contract)
            .bind(&sample.subscription_id);
        let (linked, (), ()) = tokio::join!(linked.execute(&app.pool), app.send(&created), app.send(&paid));
        linked.unwrap();
        app.drain().await;
        let contract = app.row("contratos_b2b", story.contract).await;
        assert_eq!(contract["stripe_subscription_id"], json!(sample.subscription_id));
        assert_eq!(contract["servicios_disponibles"], 10, "{contract}");
    }
    let (subscriptions, contracts): (i64, i64) = (
        app.one("select count(*) from stripe.subscriptions").await,
        app.one("select count(*) from contratos_b2b").await,
    );
    assert_eq!((subscriptions, contracts), (5, 5));
    app.finish().await;
}

/// hookflare (`packages/worker/src/ingress`): duplicates are found by headers that Stripe does not send, so each repetition
/// is new, and two events behind one proxy's request id are one.
#[tokio::test]
async fn hookflare_no_header_decides_what_a_duplicate_is() {
    let app = TestApp::without_workers(&[]).await;
    let send = |id: &'static str, header: &'static str, value: &'static str| {
        let body = unhandled(id);
        let request = app.client.post(format!("{}/api/webhooks/stripe", app.url));
        let signature = stripe::sign(SECRET, app.now(), &body);
        let request = request
            .header("stripe-signature", signature)
            .header(header, value);
        async move { request.body(body).send().await.unwrap().text().await.unwrap() }
    };
    for header in [
        "x-request-id",
        "x-idempotency-key",
        "x-webhook-id",
        "idempotency-key",
    ] {
        let (first, second) = (header.to_owned() + "_1", header.to_owned() + "_2");
        let (first, second): (&'static str, &'static str) = (first.leak(), second.leak());
        assert_eq!(send(first, header, "a").await, NEW);
        assert_eq!(
            send(second, header, "a").await,
            NEW,
            "another event with the same {header}"
        );
        assert_eq!(
            send(first, header, "b").await,
            DUPLICATE,
            "the same event with another {header}"
        );
    }
    app.finish().await;
}

/// Convoy (`api/ingest.go`): the look for duplicates came before the signature, so a stranger could ask which events exist,
/// and take an event's place before it came.
#[tokio::test]
async fn convoy_a_forged_event_neither_asks_nor_takes_a_place() {
    let app = TestApp::without_workers(&[]).await;
    let forged = || app.post("t=1795370400,v1=00", unhandled("1"));
    let before = told(forged().await).await;
    assert_eq!(before.0, 400);
    assert_eq!(told(app.post_signed(unhandled("1")).await).await.1, NEW);
    assert_eq!(
        told(forged().await).await,
        before,
        "it says nothing of what is there"
    );
    assert_eq!(stored(&app).await, 1);
    app.finish().await;
}

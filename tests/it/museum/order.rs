//! Events that overtook each other.

use chrono::TimeDelta;
use futures_util::future::join_all;
use onlycar::dev::stripe;
use serde_json::{Value, json};

use crate::support::{Story, TestApp};

/// Two updates of one subscription within a second: the end of the period was chosen, and taken back.
fn tie(story: &Story, app: &TestApp) -> [Value; 2] {
    [true, false].map(|ends| {
        let mut event = story.event("customer.subscription.updated", app.now());
        event["data"]["object"]["cancel_at_period_end"] = json!(ends);
        event
    })
}

/// sync-engine#268: of two events of one second the first to come was kept, because the time decides and has no
/// fractions. posthog#98651 met both sides: keeping the last to come is as wrong. Here Stripe is asked.
#[tokio::test]
async fn sync_engine_268_of_two_events_in_one_second_the_newer_is_kept() {
    let app = TestApp::start().await;
    for newer in [0, 1] {
        for first_to_come in [0, 1] {
            let story = Story::create(&app.pool).await;
            let events = tie(&story, &app);
            app.stripe.happened(&events[1 - newer]);
            app.stripe.happened(&events[newer]);
            app.handle(&events[first_to_come]).await;
            app.handle(&events[1 - first_to_come]).await;
            let row = app
                .row("stripe.subscriptions", &story.sample.subscription_id)
                .await;
            assert_eq!(
                row["cancel_at_period_end"],
                newer == 0,
                "{newer}, {first_to_come}: {row}"
            );
        }
    }
    app.finish().await;
}

/// cashier-stripe#1759, cashier-paddle#310: `created` came after `updated` and made an active subscription incomplete.
#[tokio::test]
async fn cashier_stripe_1759_created_does_not_take_back_what_updated_told() {
    for stripe_answers in [true, false] {
        let app = TestApp::start().await;
        for created_first in [true, false] {
            let story = Story::create(&app.pool).await;
            let mut created = story.event("customer.subscription.created", app.now());
            created["data"]["object"]["status"] = json!("incomplete");
            let updated = story.event("customer.subscription.updated", app.now());
            if stripe_answers {
                app.stripe.happened(&created);
                app.stripe.happened(&updated);
            }
            let order = if created_first {
                [&created, &updated]
            } else {
                [&updated, &created]
            };
            for event in order {
                app.handle(event).await;
            }
            let row = app
                .row("stripe.subscriptions", &story.sample.subscription_id)
                .await;
            assert_eq!(row["status"], "active", "created first: {created_first}");
            let contract = app.row("contratos_b2b", story.contract).await;
            assert_eq!(contract["estado"], "activo", "created first: {created_first}");
        }
        app.finish().await;
    }
}

/// polar#13050, #13048: a dispute was opened and decided half a second later; handled side by side, the opening won.
#[tokio::test]
async fn polar_13050_a_dispute_decided_at_once_stays_decided() {
    let app = TestApp::start().await;
    for round in 0..6 {
        let story = Story::create(&app.pool).await;
        let sample = story.sample.clone().one_story();
        let kinds = ["charge.dispute.created", "charge.dispute.closed"];
        let events = kinds.map(|kind| stripe::event(kind, &sample, app.now()).unwrap());
        for event in &events {
            app.stripe.happened(event);
        }
        match round % 3 {
            0 => drop(join_all(events.iter().map(|event| app.send(event))).await),
            1 => {
                app.handle(&events[0]).await;
                app.handle(&events[1]).await;
            }
            _ => {
                app.handle(&events[1]).await;
                app.handle(&events[0]).await;
            }
        }
        app.drain().await;
        let dispute = events[0]["data"]["object"]["id"].as_str().unwrap();
        assert_eq!(
            app.row("stripe.disputes", dispute).await["status"],
            "lost",
            "round {round}"
        );
    }
    app.finish().await;
}

/// stripe-cli#418, "webhooks in incorrect order": a long thread that asks for finer times. All orders of one payment's
/// events end the same.
#[tokio::test]
async fn stripe_cli_418_any_order_of_a_payments_events_ends_the_same() {
    let app = TestApp::start().await;
    let kinds = [
        ("payment_intent.created", 0),
        ("payment_intent.requires_action", 1),
        ("payment_intent.succeeded", 2),
        ("charge.succeeded", 2),
    ];
    for order in orders() {
        let story = Story::create(&app.pool).await;
        let sample = story.sample.clone().one_story();
        let events = kinds.map(|(kind, second)| {
            let at = app.now() - TimeDelta::seconds(60 - second);
            stripe::event(kind, &sample, at).unwrap()
        });
        for event in &events {
            app.stripe.happened(event);
        }
        for at in order {
            app.handle(&events[at]).await;
        }
        let service = app.row("servicios", story.service).await;
        assert_eq!(service["estado_pago"], "pagado", "{order:?}");
        let payment = sample.payment_intent_id.as_deref().unwrap();
        assert_eq!(
            app.row("stripe.payments", payment).await["status"],
            "succeeded",
            "{order:?}"
        );
    }
    app.finish().await;
}

/// The 24 orders of four.
fn orders() -> Vec<[usize; 4]> {
    let all = (0..256).map(|n| [n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6 & 3]);
    let orders: Vec<_> = all
        .filter(|order| (0..4).all(|place| order.contains(&place)))
        .collect();
    assert_eq!(orders.len(), 24);
    orders
}

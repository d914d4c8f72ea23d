//! Webhooks from the simulator to the program.

use onlycar::dev::stripe::simulator::Delivery;
use serde_json::json;

use crate::support::{Story, TestApp};

#[tokio::test]
async fn what_is_delivered_arrives_as_from_stripe() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    app.stripe.happened(&event);
    let twice = Delivery {
        duplicate: true,
        delay_ms: 1,
        ..Delivery::default()
    };
    let answers = app.stripe.deliver(&event, twice).await.unwrap();
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(answers[0].body, r#"{"received":true}"#);
    assert_eq!(answers[1].body, r#"{"received":true,"duplicate":true}"#);
    app.drain().await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");

    let old = story.event("payment_intent.created", app.now());
    let old_version = Delivery {
        old_version: true,
        ..Delivery::default()
    };
    app.stripe.deliver(&old, old_version).await.unwrap();
    let version = "select count(*) from webhooks.events where api_version = '2024-06-20'";
    assert_eq!(app.one::<i64>(version).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn what_is_lost_forged_or_for_a_disabled_endpoint_does_not_arrive() {
    let app = TestApp::start().await;
    let event = Story::create(&app.pool)
        .await
        .event("payment_intent.succeeded", app.now());
    let lost = Delivery {
        lose: true,
        ..Delivery::default()
    };
    assert_eq!(app.stripe.deliver(&event, lost).await.unwrap(), []);
    let forged = Delivery {
        bad_signature: true,
        ..Delivery::default()
    };
    let answers = app.stripe.deliver(&event, forged).await.unwrap();
    assert_eq!(answers[0].status, 400);
    let mut endpoint = app.stripe.object("we_1OnlyCarSimulator0000001").unwrap();
    endpoint["status"] = json!("disabled");
    app.stripe.put(endpoint);
    assert_eq!(app.stripe.deliver(&event, Delivery::default()).await.unwrap(), []);
    assert_eq!(app.one::<i64>("select count(*) from webhooks.events").await, 0);
    app.finish().await;
}

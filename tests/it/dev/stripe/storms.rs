//! Storms: many stories at once, the same for the same seed.

use std::collections::{BTreeSet, HashMap};

use onlycar::dev::stripe::Sample;
use onlycar::dev::stripe::simulator::{Storm, stories};
use serde_json::{Value, json};

use super::noon;
use crate::support::{Story, TestApp};

fn text<'v>(event: &'v Value, path: &str) -> &'v str {
    event.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn the_same_seed_tells_the_same_stories() {
    let told = stories(7, 200, &[Sample::default()], noon());
    let people = [Sample {
        customer_id: text(&told[0], "/data/object/customer").to_owned(),
        ..Sample::default()
    }];
    let (a, b) = (stories(7, 200, &people, noon()), stories(7, 200, &people, noon()));
    let ids = |events: &[Value]| -> Vec<String> {
        events.iter().map(|event| text(event, "/id").to_owned()).collect()
    };
    assert_eq!(ids(&a), ids(&b));
    assert_eq!(
        stories(7, 200, &[], noon()),
        stories(7, 200, &[], noon()),
        "strangers are the same too"
    );
    assert_ne!(ids(&a), ids(&stories(8, 200, &people, noon())));
    assert!((200..210).contains(&a.len()), "whole stories: {}", a.len());
    assert_eq!(
        ids(&a).iter().collect::<BTreeSet<_>>().len(),
        a.len(),
        "no id twice"
    );
}

#[test]
fn stories_are_whole_and_happen_in_the_past() {
    let events = stories(3, 300, &[], noon());
    let created = |event: &Value| event["created"].as_i64().unwrap();
    assert!(events.is_sorted_by_key(created));
    assert!(events.iter().all(|event| created(event) <= noon().timestamp()));
    let mut made: HashMap<&str, &Value> = HashMap::new();
    for event in &events {
        let object = &event["data"]["object"];
        let first = made.entry(text(object, "/id")).or_insert(&object["created"]);
        assert_eq!(
            **first,
            object["created"],
            "an object was made once: {}",
            text(event, "/type")
        );
    }
    let kinds: BTreeSet<&str> = events.iter().map(|event| text(event, "/type")).collect();
    assert!(kinds.len() > 30, "{kinds:?}");
    let started = events
        .iter()
        .filter(|event| text(event, "/type") == "payment_intent.created")
        .count();
    let ended = ["payment_intent.succeeded", "payment_intent.canceled"];
    let ended = events
        .iter()
        .filter(|event| ended.contains(&text(event, "/type")))
        .count();
    assert_eq!(started, ended);
}

#[tokio::test]
async fn a_storm_arrives_as_it_was_planned() {
    let app = TestApp::without_workers(&[]).await;
    let sample = Story::create(&app.pool).await.sample;
    let storm = Storm {
        seed: 11,
        events: 150,
        people: vec![sample.clone()],
        duplicates_percent: 20,
        bad_signature_percent: 5,
        lose_percent: 10,
        old_version_percent: 30,
        reorder: true,
        rate: 2_000,
    };
    let told = app.stripe.storm(&storm).await;
    assert!(told.lost > 0 && told.refused > 0 && told.wrong == 0, "{told:?}");
    let arrived: i64 = app.one("select count(*) from webhooks.events").await;
    assert_eq!(
        usize::try_from(arrived).unwrap(),
        told.events - told.lost,
        "{told:?}"
    );
    assert!(
        told.accepted > told.events - told.lost,
        "some came twice: {told:?}"
    );
    let old: i64 = app
        .one("select count(*) from webhooks.events where api_version = '2024-06-20'")
        .await;
    assert!(old > 0);
    let happened = stories(11, 150, &[sample], app.now());
    for event in &happened {
        assert!(app.stripe.object(text(event, "/data/object/id")).is_some());
    }
    let again = app.stripe.storm(&storm).await;
    assert_eq!(again, told, "the same seed, the same storm");
    assert_eq!(
        app.one::<i64>("select count(*) from webhooks.events").await,
        arrived
    );
    let forged: i64 = app.one("select count(*) from webhooks.events where convert_from(payload, 'utf8') like '%\"amount\": 1,%'").await;
    assert_eq!(forged, 0);
    let mut app = app;
    app.stop().await;
}

#[tokio::test]
async fn another_process_can_ask_for_a_storm() {
    let mut app = TestApp::without_workers(&[]).await;
    let url = app.stripe_url.clone();
    let request = app.client.post(format!("{url}/_sim/storm"));
    let answer = request
        .json(&json!({ "seed": 5, "events": 20 }))
        .send()
        .await
        .unwrap();
    let told: Value = answer.json().await.unwrap();
    let arrived: i64 = app.one("select count(*) from webhooks.events").await;
    assert_eq!(
        told,
        json!({ "events": arrived, "lost": 0, "accepted": arrived, "refused": 0, "wrong": 0 })
    );
    app.stop().await;
}

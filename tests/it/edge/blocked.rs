//! Clients over their limit, as KV is told of them.

use chrono::TimeDelta;
use onlycar::dev::cloudflare::{Entry, Fault};
use serde_json::json;

use super::Rig;

/// Calls from an address until it is over its limit for long.
async fn flood(rig: &Rig, from: &str) {
    for _ in 0..20 {
        let request = rig.app.client.get(format!("{}/nowhere", rig.app.url));
        request.header("x-forwarded-for", from).send().await.unwrap();
    }
}

/// What KV holds, once it holds so many.
async fn told(rig: &Rig, count: usize) -> Vec<Entry> {
    rig.app
        .until("KV was told", async || rig.cloudflare.keys().len() == count)
        .await;
    rig.cloudflare.keys()
}

fn requests(rig: &Rig) -> usize {
    let asked = rig.cloudflare.asked();
    asked.iter().filter(|asked| asked.line.starts_with("PUT")).count()
}

#[tokio::test]
async fn are_told_once_with_their_end_and_forgotten_after_it() {
    let rig = Rig::open().await;
    flood(&rig, "203.0.113.1").await;
    flood(&rig, "2001:db8:1:2:3:4:5:6").await;
    let entries = told(&rig, 2).await;
    let until = rig.app.now() + TimeDelta::seconds(300);
    let keys: Vec<&str> = entries.iter().map(|entry| &*entry.key).collect();
    assert_eq!(
        keys,
        ["bloqueado:ip:2001:db8:1:2::/64", "bloqueado:ip:203.0.113.1"]
    );
    for entry in &entries {
        assert_eq!(entry.value, json!({ "hasta": until.timestamp() }).to_string());
        assert_eq!(entry.expires_at, Some(until + TimeDelta::seconds(1)));
    }
    let before = requests(&rig);
    assert!(before <= 2, "{before}");
    // It goes on: nothing new until its end moves, and then one write.
    flood(&rig, "203.0.113.1").await;
    rig.advance(TimeDelta::seconds(60));
    flood(&rig, "203.0.113.1").await;
    rig.app
        .until("the new end is told", async || requests(&rig) == before + 1)
        .await;
    rig.advance(TimeDelta::seconds(302));
    assert_eq!(told(&rig, 0).await, []);
    rig.app.finish().await;
}

#[tokio::test]
async fn are_told_again_when_kv_did_not_take_them_and_left_out_when_they_are_too_many() {
    let rig = Rig::open().await;
    rig.cloudflare.fail(Fault::Partial, 1);
    for n in 1..=5 {
        flood(&rig, &format!("203.0.113.{n}")).await;
    }
    let entries = told(&rig, 3).await;
    assert_eq!(entries.len(), 3, "as many as are kept in mind");
    rig.app.finish().await;
}

#[tokio::test]
async fn wait_for_nobody_when_kv_hangs() {
    let rig = Rig::patient(1).await;
    rig.cloudflare.fail(Fault::Hang, usize::MAX);
    let before = requests(&rig);
    flood(&rig, "203.0.113.1").await;
    rig.app
        .until("KV is being asked", async || requests(&rig) > before)
        .await;
    // The limit itself holds, and answers at once.
    let request = rig.app.client.get(format!("{}/nowhere", rig.app.url));
    let answer = request
        .header("x-forwarded-for", "203.0.113.1")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 429);
    rig.cloudflare.heal();
    rig.app.finish().await;
}

//! Two replicas on one database, and what they share.

use std::time::Instant;

use super::probe::Script;
use super::rig::{EAGER, Rig};

#[tokio::test]
async fn an_event_kept_by_another_replica_is_found_by_the_poll() {
    let rig = Rig::still().await;
    let (front, mut back) = (rig.replica("front", EAGER).await, rig.replica("back", "").await);
    back.work();
    // Handled through its own wake-up, so that it now rests between two polls.
    back.send("own", Script::Write).await;
    rig.until_event("own", "processed", 1).await;
    let kept = Instant::now();
    front.send("other's", Script::Write).await;
    rig.until_event("other's", "processed", 1).await;
    let found = kept.elapsed();
    println!("found after {} ms", found.as_millis());
    assert!(found.as_secs() < 5, "the poll of one second took {found:?}");
    rig.until_all_done().await;
    back.stop().await;
}

#[tokio::test]
async fn two_replicas_share_five_hundred_events_and_handle_each_once() {
    let rig = Rig::still().await;
    let few = "poll_ms = 20\nclaim_rows = 8\nconcurrency = 4";
    let (mut a, mut b) = (rig.replica("a", few).await, rig.replica("b", few).await);
    let ids: Vec<String> = (0..500).map(|n| format!("event {n}")).collect();
    futures_util::future::join_all(ids.iter().map(|id| a.send(id, Script::Wait))).await;
    a.work();
    b.work();
    // Both have begun before either goes on.
    a.probe.entered(1).await;
    b.probe.entered(1).await;
    a.probe.let_pass(500);
    b.probe.let_pass(500);
    rig.until_all_done().await;
    a.stop().await;
    b.stop().await;
    for id in &ids {
        assert_eq!(a.probe.starts(id) + b.probe.starts(id), 1, "{id}");
        let job = format!("job:{id}");
        assert_eq!(a.probe.starts(&job) + b.probe.starts(&job), 1, "{job}");
    }
    let once = "select count(*) from (select id from efectos group by id having count(*) = 1) as once";
    assert_eq!(rig.count(once).await, 1000, "500 events and their 500 jobs");
    assert_eq!(rig.count("select count(*) from efectos").await, 1000);
    let marked = "select (select count(*) from webhooks.events where state = 'processed' and attempts = 1)
                       + (select count(*) from engine.jobs where state = 'processed' and attempts = 1)";
    assert_eq!(rig.count(marked).await, 1000);
    println!(
        "a began {}, b began {}",
        a.probe.all_starts(),
        b.probe.all_starts()
    );
}

#[tokio::test]
async fn events_are_taken_while_every_worker_holds_a_connection() {
    let rig = Rig::still().await;
    // As many connections as workers of both kinds, as in config/default.toml: 16 and 8.
    let mut a = rig.replica("a", "poll_ms = 20\nconcurrency = 5").await;
    for n in 0..5 {
        a.send(&format!("event {n}"), Script::Wait).await;
        rig.enqueue_probe(&format!("job {n}"), &Script::WaitInRecord)
            .await;
    }
    a.work();
    a.probe.entered(10).await;
    a.send("another", Script::Write).await;
    a.probe.let_pass(10);
    rig.until_all_done().await;
    a.stop().await;
}

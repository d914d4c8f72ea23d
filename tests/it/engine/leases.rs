//! Leases: who holds a row keeps it while he lives, and whoever lost it cannot write.

use chrono::TimeDelta;

use super::probe::Script;
use super::rig::{EAGER, Replica, Rig};
use crate::support::wait::until;

/// With its one slot taken it claims nothing more, and its lease of 30 s is renewed every 10 s only.
const BUSY: &str = "poll_ms = 20\nconcurrency = 1\nlease_seconds = 30";

#[tokio::test]
async fn a_handler_longer_than_the_lease_keeps_it_by_renewal() {
    let rig = Rig::ticking().await;
    let (mut a, mut b) = (
        rig.replica("a", "poll_ms = 20\nlease_seconds = 3").await,
        rig.replica("b", "poll_ms = 20\nlease_seconds = 3").await,
    );
    a.work();
    a.send("long", Script::Wait).await;
    a.probe.entered(1).await;
    let lease_end = rig.event("long").await.run_at;
    b.work();
    until("the first lease is long over", async || {
        assert_eq!(rig.event("long").await.stands(), ("processing", 1));
        rig.clock.now() > lease_end + TimeDelta::milliseconds(1500)
    })
    .await;
    // The other replica works all the while; it just does not take this row.
    b.send("short", Script::Write).await;
    rig.until_event("short", "processed", 1).await;
    a.probe.let_pass(1);
    rig.until_event("long", "processed", 1).await;
    rig.until_all_done().await;
    a.stop().await;
    b.stop().await;
    assert_eq!((a.probe.starts("long"), b.probe.starts("long")), (1, 0));
    assert_eq!(rig.effects("long").await, ["a"]);
}

#[tokio::test]
async fn a_row_whose_worker_is_gone_is_taken_over_when_its_lease_ends() {
    let rig = Rig::still().await;
    let mut b = rig.replica("b", EAGER).await;
    b.send("orphan", Script::Write).await;
    // As a killed worker leaves it, with 5 s of its lease to go.
    rig.sql(
        "update webhooks.events set state = 'processing', attempts = 1, run_at = run_at + interval '5 s'",
    )
    .await;
    b.work();
    b.send("other", Script::Write).await;
    rig.until_event("other", "processed", 1).await;
    assert_eq!(rig.event("orphan").await.stands(), ("processing", 1));
    rig.clock.advance(TimeDelta::seconds(5));
    rig.until_event("orphan", "processed", 2).await;
    rig.until_all_done().await;
    b.stop().await;
    assert_eq!(rig.effects("orphan").await, ["b"]);
}

/// Replica `a` has begun the event "row" and waits in its handler; its lease is over and `b` has taken the row.
async fn taken_over(rig: &Rig, script: Script) -> (Replica, Replica) {
    let (mut a, mut b) = (rig.replica("a", BUSY).await, rig.replica("b", EAGER).await);
    a.work();
    a.send("row", script).await;
    a.probe.entered(1).await;
    b.work();
    rig.sql("update webhooks.events set run_at = run_at - interval '1 h'")
        .await;
    b.probe.entered(1).await;
    assert_eq!(rig.event("row").await.stands(), ("processing", 2));
    (a, b)
}

async fn assert_only_b_wrote(rig: &Rig) {
    assert_eq!(rig.event("row").await.stands(), ("processed", 2));
    assert_eq!(rig.effects("row").await, ["b"]);
    assert_eq!(rig.audited("row").await, ["b"]);
    assert_eq!(rig.followups("row").await, 1);
    assert_eq!(rig.count("select count(*) from engine.failures").await, 0);
}

#[tokio::test]
async fn a_frozen_worker_that_wakes_after_the_other_ended_writes_nothing() {
    let rig = Rig::still().await;
    let (mut a, mut b) = taken_over(&rig, Script::Wait).await;
    b.probe.let_pass(1);
    rig.until_event("row", "processed", 2).await;
    a.probe.let_pass(1);
    a.stop().await;
    rig.until_all_done().await;
    b.stop().await;
    assert_only_b_wrote(&rig).await;
}

#[tokio::test]
async fn a_frozen_worker_that_wakes_while_the_other_works_writes_nothing() {
    let rig = Rig::still().await;
    let (mut a, mut b) = taken_over(&rig, Script::Wait).await;
    a.probe.let_pass(1);
    a.stop().await;
    assert_eq!(rig.event("row").await.stands(), ("processing", 2));
    assert_eq!(rig.effects("row").await, [""; 0]);
    b.probe.let_pass(1);
    rig.until_event("row", "processed", 2).await;
    rig.until_all_done().await;
    b.stop().await;
    assert_only_b_wrote(&rig).await;
}

#[tokio::test]
async fn a_frozen_worker_that_fails_does_not_touch_the_row() {
    let rig = Rig::still().await;
    let (mut a, mut b) = taken_over(&rig, Script::WaitAndFail).await;
    let before = rig.event("row").await;
    a.probe.let_pass(1);
    a.stop().await;
    assert_eq!(rig.event("row").await, before);
    assert_eq!(rig.count("select count(*) from engine.failures").await, 0);
    b.probe.let_pass(1);
    rig.until_event("row", "failed", 2).await;
    b.stop().await;
    assert_eq!(rig.count("select count(*) from engine.failures").await, 1);
}

#[tokio::test]
async fn a_lost_lease_takes_none_with_it_of_those_that_share_its_commit() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", BUSY).await;
    for id in ["1", "2", "3"] {
        a.send(id, Script::WaitOnce).await;
    }
    a.work();
    a.probe.entered(1).await;
    // Another worker has taken the second one, and holds it.
    rig.sql("update webhooks.events set attempts = 2 where event_id = '2'")
        .await;
    a.probe.let_pass(3);
    rig.until_event("1", "processed", 1).await;
    rig.until_event("3", "processed", 1).await;
    a.stop().await;
    assert_eq!(rig.event("2").await.stands(), ("processing", 2));
    assert_eq!(rig.effects("2").await, [""; 0]);
    for id in ["1", "3"] {
        assert_eq!(rig.effects(id).await, ["a"]);
        assert_eq!(rig.audited(id).await, ["a"]);
        assert_eq!(rig.followups(id).await, 1);
    }
    assert_eq!(rig.count("select count(*) from engine.failures").await, 0);
}

#[tokio::test]
async fn a_row_taken_again_by_the_same_process_is_renewed_as_well() {
    let rig = Rig::ticking().await;
    let mut a = rig.replica("a", "poll_ms = 20\nlease_seconds = 3").await;
    a.work();
    a.send("row", Script::Wait).await;
    a.probe.entered(1).await;
    // Another replica had taken the row and failed, say: the first handler lost its lease and still runs.
    rig.sql("update webhooks.events set state = 'failed', attempts = 2, run_at = now() - interval '1 s'")
        .await;
    rig.until_event("row", "processing", 3).await;
    // The gate is first come, first served: the first handler passes, and its commit is refused.
    a.probe.let_pass(1);
    a.probe.entered(1).await;
    let lease_end = rig.event("row").await.run_at;
    until("the lease is long over", async || {
        assert_eq!(rig.event("row").await.stands(), ("processing", 3));
        rig.clock.now() > lease_end + TimeDelta::milliseconds(1500)
    })
    .await;
    a.probe.let_pass(1);
    rig.until_event("row", "processed", 3).await;
    rig.until_all_done().await;
    a.stop().await;
    assert_eq!(rig.effects("row").await, ["a"]);
    assert_eq!(a.probe.starts("row"), 2);
}

#[tokio::test]
async fn rows_of_a_killed_worker_do_not_make_new_ones_wait_for_a_slow_handler() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", EAGER).await;
    a.work();
    a.send("slow", Script::Wait).await;
    a.probe.entered(1).await;
    // Another worker was killed while it handled this one; its lease is over.
    let orphan = "insert into webhooks.events (id, provider, event_id, event_type, received_at, trust, state, attempts,
                      run_at, payload, payload_sha256)
                  select gen_random_uuid(), provider, 'orphan', event_type, received_at, trust, 'processing', 1,
                         received_at, convert_to('{\"id\": \"orphan\", \"script\": \"write\"}', 'utf8'), payload_sha256
                  from webhooks.events";
    rig.sql(orphan).await;
    let claimed = "select count(*) from webhooks.events where event_id = 'orphan' and attempts = 2";
    rig.until("the row of the killed worker is claimed", claimed, 1)
        .await;
    a.send("new", Script::Write).await;
    rig.until_event("new", "processed", 1).await;
    a.probe.let_pass(1);
    rig.until_event("orphan", "processed", 2).await;
    rig.until_all_done().await;
    a.stop().await;
}

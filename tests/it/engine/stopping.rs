//! The soft stop: what is under way is finished, what was only claimed is given back.

use super::probe::Script;
use super::rig::{EAGER, Rig};

#[tokio::test]
async fn a_soft_stop_finishes_what_runs_and_gives_back_what_was_not_begun() {
    let rig = Rig::still().await;
    let mut a = rig
        .replica("a", "poll_ms = 20\nconcurrency = 1\ngroup_rows = 1")
        .await;
    for id in ["1", "2", "3", "4", "5"] {
        a.send(id, Script::Wait).await;
    }
    // Tried before, so that each goes alone: the one slot takes one of them.
    rig.sql("update webhooks.events set state = 'failed', attempts = 1")
        .await;
    a.work();
    a.probe.entered(1).await;
    let states = "select count(*) from webhooks.events where state = 'processing' and attempts = 2";
    assert_eq!(rig.count(states).await, 5, "all are claimed in one batch");

    let workers = a.take_workers();
    let stopping = tokio::spawn(workers.stop());
    let given_back = "select count(*) from webhooks.events
                      where state = 'pending' and attempts = 1 and run_at <= '2026-11-22T18:00:00Z'";
    rig.until("the four are given back", given_back, 4).await;
    a.send("too late", Script::Write).await;
    assert!(!stopping.is_finished(), "one is under way");
    a.probe.let_pass(5);
    stopping.await.unwrap();
    assert_eq!(rig.count(given_back).await, 4);
    assert_eq!(rig.event("too late").await.stands(), ("pending", 0));
    let ended = "select count(*) from webhooks.events where state = 'processed' and attempts = 2";
    assert_eq!(rig.count(ended).await, 1);
    assert_eq!(a.probe.all_starts(), 1);

    let mut b = rig.replica("b", EAGER).await;
    b.probe.let_pass(5);
    b.work();
    rig.until_all_done().await;
    b.stop().await;
    assert_eq!(rig.count(ended).await, 5, "what was given back was not counted");
    assert_eq!(rig.event("too late").await.stands(), ("processed", 1));
    assert_eq!(
        rig.count("select count(*) from efectos where id not like 'job:%'")
            .await,
        6
    );
}

#[tokio::test]
async fn a_soft_stop_finishes_the_job_that_runs() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", EAGER).await;
    rig.enqueue_probe("long", &Script::Wait).await;
    a.work();
    a.probe.entered(1).await;
    let stopping = tokio::spawn(a.take_workers().stop());
    a.probe.let_pass(1);
    stopping.await.unwrap();
    assert_eq!(rig.job("long").await.stands(), ("processed", 1));
    assert_eq!(rig.effects("job:long").await, ["a"]);
}

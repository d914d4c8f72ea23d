//! Whatever happens, the row ends in a state that somebody finds again.

use std::sync::Arc;

use chrono::TimeDelta;

use super::probe::{Script, UNBURIABLE};
use super::rig::{EAGER, Rig};
use crate::support::wait::until;

#[tokio::test]
async fn an_error_with_a_zero_byte_in_its_text_is_written_down() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", EAGER).await;
    a.work();
    a.send("row", Script::FailWith("the provider said \0".to_owned()))
        .await;
    rig.until_event("row", "failed", 1).await;
    let error = rig.event("row").await.last_error.unwrap();
    assert!(error.starts_with("the provider said "), "{error}");
    a.stop().await;
}

#[tokio::test]
async fn a_wait_of_ages_that_the_other_side_asked_for_is_bounded() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", EAGER).await;
    a.work();
    // Each is longer than some kind of time can count: chrono's, PostgreSQL's.
    for seconds in [u64::MAX, 10_000_000_000_000, 8_500_000_000_000] {
        let id = format!("{seconds} s");
        rig.enqueue_probe(&id, &Script::Later(seconds)).await;
        rig.until_job(&id, "failed", 1).await;
        let wait = rig.job(&id).await.run_at - rig.clock.now();
        assert!(wait <= TimeDelta::days(2), "{id}: it waits {wait}");
    }
    a.stop().await;
}

#[tokio::test]
async fn a_burial_that_panics_is_tried_again_when_the_lease_ends() {
    let rig = Rig::ticking().await;
    let mut a = rig
        .replica("a", "poll_ms = 20\nlease_seconds = 1\nmax_attempts = 1")
        .await;
    a.work();
    a.send(UNBURIABLE, Script::Fail(99)).await;
    until("it is dead", async || rig.event(UNBURIABLE).await.state == "dead").await;
    assert_eq!(a.probe.starts(UNBURIABLE), 1);
    a.stop().await;
}

/// Runs a replica in a runtime of its own, until all is done or a handler kills it: then nothing of it goes on.
fn run_until_it_dies(rig: &Arc<Rig>) {
    let rig = Arc::clone(rig);
    let process = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let rig = rig.in_this_runtime().await;
            let mut replica = rig
                .replica("a", "poll_ms = 20\nmax_attempts = 3\nconcurrency = 1")
                .await;
            replica.work();
            tokio::select! {
                () = replica.probe.entered(1) => {}
                () = rig.until_all_done() => {}
            }
        });
        runtime.shutdown_background();
    });
    process.join().unwrap();
}

#[test]
fn a_poison_event_does_not_take_those_with_it_that_were_claimed_with_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rig = runtime.block_on(async {
        let rig = Rig::still().await;
        let front = rig.replica("front", EAGER).await;
        front.send("poison", Script::Kill).await;
        for n in 0..10 {
            front.send(&format!("innocent {n}"), Script::Write).await;
        }
        Arc::new(rig)
    });
    for _ in 0..10 {
        run_until_it_dies(&rig);
        rig.clock.advance(TimeDelta::seconds(31));
    }
    runtime.block_on(async {
        assert_eq!(rig.event("poison").await.state, "dead");
        let innocent =
            "select count(*) from webhooks.events where event_id like 'innocent%' and state = 'processed'";
        assert_eq!(
            rig.count(innocent).await,
            10,
            "the others were buried without having been begun"
        );
    });
}

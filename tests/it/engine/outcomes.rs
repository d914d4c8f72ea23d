//! Whatever happens, the row ends in a state that somebody finds again.

use chrono::TimeDelta;

use super::probe::{Script, UNBURIABLE};
use super::rig::{EAGER, Rig};
use crate::support::wait::until;

#[tokio::test]
#[ignore = "bug: the error cannot be stored, so the row waits for its lease to end and nothing is noted"]
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
#[ignore = "bug: process::retry_or_bury panics, or stores a wait of 270,000 years"]
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
#[ignore = "bug: the lease of a row whose outcome panicked is renewed for ever"]
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

//! What becomes of work that fails: waits, the limit of attempts, panics, poison, rows left to a person.

use chrono::TimeDelta;

use super::probe::Script;
use super::rig::{EAGER, Replica, Rig};

/// One round of the worker more: what was due before it has been claimed.
async fn another_round(rig: &Rig, replica: &Replica, id: &str) {
    replica.send(id, Script::Write).await;
    rig.until_event(id, "processed", 1).await;
}

#[tokio::test]
async fn a_failed_attempt_is_tried_again_when_its_wait_is_over() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", EAGER).await;
    replica.work();
    replica.send("flaky", Script::Fail(2)).await;

    for (attempt, shortest, longest) in [(1, 2, 3), (2, 4, 6)] {
        rig.until_event("flaky", "failed", attempt).await;
        let row = rig.event("flaky").await;
        assert_eq!(row.last_error, Some(format!("failure {attempt}")));
        let wait = row.run_at - rig.clock.now();
        assert!(
            wait >= TimeDelta::seconds(shortest) && wait <= TimeDelta::seconds(longest),
            "attempt {attempt}: {wait}"
        );
        rig.clock.advance(wait - TimeDelta::microseconds(1));
        another_round(&rig, &replica, &format!("before {attempt}")).await;
        assert_eq!(rig.event("flaky").await.stands(), ("failed", attempt));
        rig.clock.advance(TimeDelta::microseconds(1));
    }

    rig.until_event("flaky", "processed", 3).await;
    replica.stop().await;
    assert_eq!(rig.event("flaky").await.last_error, None);
    assert_eq!(replica.probe.starts("flaky"), 3);
    assert_eq!(rig.effects("flaky").await, ["a"]);
    let attempts: Vec<(i32, String)> =
        sqlx::query_as("select attempt, error from engine.failures order by id")
            .fetch_all(&rig.pool)
            .await
            .unwrap();
    assert_eq!(
        attempts,
        [(1, "failure 1".to_owned()), (2, "failure 2".to_owned())]
    );
}

#[tokio::test]
async fn an_attempt_is_counted_when_it_begins() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", EAGER).await;
    replica.work();
    replica.send("long", Script::Wait).await;
    replica.probe.entered(1).await;
    let row = rig.event("long").await;
    assert_eq!(row.stands(), ("processing", 1));
    assert_eq!(
        row.run_at,
        rig.clock.now() + TimeDelta::seconds(30),
        "the lease of 30 s"
    );
    replica.probe.let_pass(1);
    replica.stop().await;
    assert_eq!(rig.event("long").await.stands(), ("processed", 1));
}

#[tokio::test]
async fn an_event_that_fails_for_ever_is_dead_and_the_team_is_told() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", "poll_ms = 20\nmax_attempts = 2").await;
    replica.work();
    replica.send("hopeless", Script::Fail(99)).await;
    rig.until_event("hopeless", "failed", 1).await;
    rig.clock.advance(TimeDelta::seconds(3));
    rig.until_event("hopeless", "dead", 2).await;

    rig.clock.advance(TimeDelta::days(30));
    another_round(&rig, &replica, "later").await;
    rig.until_all_done().await;
    replica.stop().await;
    let row = rig.event("hopeless").await;
    assert_eq!(
        (row.stands(), row.last_error.as_deref()),
        (("dead", 2), Some("failure 2"))
    );
    assert_eq!(replica.probe.starts("hopeless"), 2);
    assert_eq!(rig.effects("hopeless").await, [""; 0]);
    assert_eq!(rig.audited("hopeless").await, [""; 0]);
    let alerts: Vec<(String, String, i32)> =
        sqlx::query_as("select cause, detail, times from engine.alerts where resolved_at is null")
            .fetch_all(&rig.pool)
            .await
            .unwrap();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let (cause, detail, times) = &alerts[0];
    assert_eq!((cause.as_str(), *times), ("muerto:sonda.evento", 1));
    assert!(
        detail.contains("hopeless") && detail.contains("failure 2"),
        "{detail}"
    );
    let told = "select count(*) from engine.jobs where kind = 'notificar'";
    assert_eq!(rig.count(told).await, 1);
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_and_the_others_go_on() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", EAGER).await;
    replica.work();
    replica.send("shaky", Script::Panic(1)).await;
    rig.until_event("shaky", "failed", 1).await;
    assert_eq!(
        rig.event("shaky").await.last_error.as_deref(),
        Some("panicked: panic 1")
    );
    another_round(&rig, &replica, "other").await;
    rig.clock.advance(TimeDelta::seconds(3));
    rig.until_event("shaky", "processed", 2).await;
    replica.stop().await;
    assert_eq!(rig.effects("shaky").await, ["a"]);
}

#[tokio::test]
async fn a_row_that_killed_its_workers_is_buried_without_its_handler() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", "poll_ms = 20\nmax_attempts = 3").await;
    replica.send("poison", Script::Write).await;
    replica.send("last chance", Script::Write).await;
    // As a worker leaves them that was killed: claimed, and the lease is over.
    rig.sql("update webhooks.events set state = 'processing', attempts = 3 where event_id = 'poison'")
        .await;
    rig.sql("update webhooks.events set state = 'processing', attempts = 2 where event_id = 'last chance'")
        .await;
    replica.work();
    rig.until_event("poison", "dead", 4).await;
    rig.until_event("last chance", "processed", 3).await;
    rig.until_all_done().await;
    replica.stop().await;
    assert_eq!(replica.probe.starts("poison"), 0);
    assert_eq!(replica.probe.starts("last chance"), 1);
    let error = rig.event("poison").await.last_error.unwrap();
    assert!(error.starts_with("its workers died or were killed"), "{error}");
    let alerts = "select count(*) from engine.alerts where cause = 'muerto:sonda.evento'";
    assert_eq!(rig.count(alerts).await, 1);
}

#[tokio::test]
async fn an_event_left_to_a_person_is_parked_with_its_reason() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", EAGER).await;
    replica.work();
    replica.send("odd", Script::Park).await;
    rig.until_event("odd", "parked", 1).await;
    rig.clock.advance(TimeDelta::days(30));
    another_round(&rig, &replica, "later").await;
    replica.stop().await;
    let row = rig.event("odd").await;
    assert_eq!(
        (row.stands(), row.last_error.as_deref()),
        (("parked", 1), Some("for a person"))
    );
    let alerts = "select count(*) from engine.alerts where cause = 'apartado:sonda.evento'";
    assert_eq!(rig.count(alerts).await, 1);
}

#[tokio::test]
async fn an_event_of_an_unknown_provider_is_dead_in_the_end() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", "poll_ms = 20\nmax_attempts = 2").await;
    replica.send("foreign", Script::Write).await;
    rig.sql("update webhooks.events set provider = 'nadie'").await;
    replica.work();
    rig.until_event("foreign", "failed", 1).await;
    rig.clock.advance(TimeDelta::seconds(3));
    rig.until_event("foreign", "dead", 2).await;
    replica.stop().await;
    assert_eq!(
        rig.event("foreign").await.last_error.as_deref(),
        Some("no provider named nadie")
    );
}

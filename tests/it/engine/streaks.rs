//! Failures of a provider in a row: counted with the attempt, ended with the next success, told from the fourth on.

use chrono::TimeDelta;

use super::probe::Script;
use super::rig::{EAGER, Replica, Rig};

const OPEN: &str =
    "select count(*) from engine.alerts where cause = 'webhooks-fallan:sonda' and resolved_at is null";

impl Rig {
    /// How many of the probe's failed in a row.
    async fn in_row(&self, provider: &str) -> i32 {
        let sql = "select coalesce((select in_row from engine.webhook_failures where provider = $1), 0)";
        sqlx::query_scalar(sql)
            .bind(provider)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

/// Sends events that fail once, and waits until each has.
async fn failing(rig: &Rig, replica: &Replica, ids: &[&str]) {
    for id in ids {
        replica.send(id, Script::Fail(1)).await;
        rig.until_event(id, "failed", 1).await;
    }
}

#[tokio::test]
async fn the_fourth_failure_in_a_row_is_told_and_the_next_success_ends_it() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", EAGER).await;
    replica.work();
    failing(&rig, &replica, &["1", "2", "3"]).await;
    assert_eq!((rig.in_row("sonda").await, rig.count(OPEN).await), (3, 0));
    // Neither a success nor a failure.
    replica.send("left to a person", Script::Park).await;
    rig.until_event("left to a person", "parked", 1).await;
    assert_eq!((rig.in_row("sonda").await, rig.count(OPEN).await), (3, 0));
    replica.send("4", Script::Panic(1)).await;
    rig.until_event("4", "failed", 1).await;
    assert_eq!((rig.in_row("sonda").await, rig.count(OPEN).await), (4, 1));
    failing(&rig, &replica, &["5"]).await;
    let told = "select count(*) from engine.jobs where kind = 'notificar' and key like 'alerta:%'
                and payload ->> 'alert' = (select id::text from engine.alerts where cause = 'webhooks-fallan:sonda')";
    assert_eq!(
        (
            rig.count("select times::bigint from engine.alerts where cause like 'webhooks-%'")
                .await,
            rig.count(told).await
        ),
        (2, 1)
    );

    replica.send("good", Script::Write).await;
    rig.until_event("good", "processed", 1).await;
    assert_eq!((rig.in_row("sonda").await, rig.count(OPEN).await), (0, 0));
    replica.stop().await;
}

#[tokio::test]
async fn a_success_in_between_begins_the_count_anew() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", EAGER).await;
    replica.work();
    failing(&rig, &replica, &["1", "2", "3"]).await;
    replica.send("good", Script::Write).await;
    rig.until_event("good", "processed", 1).await;
    failing(&rig, &replica, &["4", "5", "6"]).await;
    assert_eq!((rig.in_row("sonda").await, rig.count(OPEN).await), (3, 0));
    // Again, and for good: attempts count, not events.
    rig.clock.advance(TimeDelta::seconds(4));
    rig.until_all_done().await;
    assert_eq!((rig.in_row("sonda").await, rig.count(OPEN).await), (0, 0));
    replica.stop().await;
}

#[tokio::test]
async fn each_provider_is_counted_for_itself_and_a_burial_counts() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", "poll_ms = 20\nmax_attempts = 1").await;
    let foreign = "insert into webhooks.events
                       (id, provider, event_id, event_type, received_at, trust, state, run_at, payload, payload_sha256)
                   select gen_random_uuid(), 'otro', 'otro ' || n, 'x', $1, 'hmac', 'pending', $1, '{}', ''
                   from generate_series(1, 2) as n";
    sqlx::query(foreign)
        .bind(rig.clock.now())
        .execute(&rig.pool)
        .await
        .unwrap();
    for id in ["1", "2", "3"] {
        replica.send(id, Script::Fail(9)).await;
    }
    replica.work();
    rig.until(
        "all are dead",
        "select count(*) from webhooks.events where state = 'dead'",
        5,
    )
    .await;
    assert_eq!((rig.in_row("sonda").await, rig.in_row("otro").await), (3, 2));
    assert_eq!(
        rig.count("select count(*) from engine.alerts where cause like 'webhooks-fallan:%'")
            .await,
        0
    );
    replica.send("4", Script::Fail(9)).await;
    rig.until_event("4", "dead", 1).await;
    assert_eq!(
        (
            rig.in_row("sonda").await,
            rig.in_row("otro").await,
            rig.count(OPEN).await
        ),
        (4, 2, 1)
    );
    replica.stop().await;
}

/// The attempt, its count and the incident are one commit: what cannot be written whole is not written at all, and is counted
/// once when it is tried again.
#[tokio::test]
async fn a_count_is_neither_lost_nor_doubled() {
    let rig = Rig::ticking().await;
    let mut replica = rig
        .replica(
            "a",
            "poll_ms = 20\nlease_seconds = 1\nbackoff_first_seconds = 1000",
        )
        .await;
    rig.sql("insert into engine.webhook_failures (provider, in_row, since, last_at) values ('sonda', 3, now(), now())").await;
    // The incident cannot be opened, as when the process dies before the commit.
    rig.sql("alter table engine.alerts add constraint broken check (cause not like 'webhooks-fallan:%')")
        .await;
    replica.work();
    replica.send("cut off", Script::Fail(9)).await;
    rig.until(
        "it was tried again",
        "select count(*) from webhooks.events where attempts >= 2",
        1,
    )
    .await;
    let written = "select count(*) from engine.failures";
    assert_eq!((rig.in_row("sonda").await, rig.count(written).await), (3, 0));
    rig.sql("alter table engine.alerts drop constraint broken").await;
    rig.until("it is written", written, 1).await;
    assert_eq!((rig.in_row("sonda").await, rig.count(OPEN).await), (4, 1));

    // Whoever lost the lease writes nothing.
    replica.send("taken over", Script::WaitAndFail).await;
    replica.probe.entered(1).await;
    rig.sql("update webhooks.events set attempts = 7, run_at = 'infinity' where event_id = 'taken over'")
        .await;
    replica.probe.let_pass(1);
    replica.stop().await;
    assert_eq!((rig.in_row("sonda").await, rig.count(written).await), (4, 1));
}

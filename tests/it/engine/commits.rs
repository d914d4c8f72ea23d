//! Effects, reactions, audit rows, follow-up jobs and the mark: together or not at all.

use super::probe::Script;
use super::rig::{EAGER, Rig};

const IN_TRANSACTION: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'";

#[tokio::test]
async fn effects_audit_jobs_and_the_mark_appear_together() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", EAGER).await;
    replica.work();
    replica.send("whole", Script::Wait).await;
    replica.probe.entered(1).await;
    let visible = (
        rig.effects("whole").await,
        rig.audited("whole").await,
        rig.followups("whole").await,
    );
    assert_eq!(
        visible,
        (vec![], vec![], 0),
        "nothing can be seen before the commit"
    );

    replica.probe.let_pass(1);
    rig.until_event("whole", "processed", 1).await;
    assert_eq!(
        (rig.effects("whole").await, rig.audited("whole").await),
        (vec!["a".to_owned()], vec!["a".to_owned()])
    );
    assert_eq!(rig.followups("whole").await, 1);
    let caused = "select count(*) from webhooks.events e
                  join logs_auditoria l on l.evento_id = e.id join engine.jobs j on j.cause = e.id
                  where l.actor = 'stripe' and l.accion = 'sonda.escrita' and l.trabajo_id is null
                    and l.detalle ->> 'evento' = 'whole' and l.detalle ->> 'confianza' = 'hmac'";
    assert_eq!(rig.count(caused).await, 1);
    rig.until_all_done().await;
    replica.stop().await;
}

#[tokio::test]
async fn a_handler_that_writes_and_then_fails_leaves_nothing() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", EAGER).await;
    replica.work();
    let scripts = [
        ("fails", Script::Fail(1), "failed"),
        ("panics", Script::Panic(1), "failed"),
        ("fails in its reaction", Script::FailInReaction, "failed"),
        ("parks", Script::Park, "parked"),
    ];
    for (id, script, state) in scripts {
        replica.send(id, script).await;
        rig.until_event(id, state, 1).await;
    }
    rig.until("no transaction is left open", IN_TRANSACTION, 0).await;
    assert_eq!(rig.count("select count(*) from efectos").await, 0);
    assert_eq!(
        rig.count("select count(*) from logs_auditoria where accion like 'sonda.%'")
            .await,
        0
    );
    assert_eq!(
        rig.count("select count(*) from engine.jobs where kind = 'sonda'")
            .await,
        0
    );
    replica.stop().await;
}

#[tokio::test]
async fn an_event_that_fails_takes_none_with_it_of_those_that_share_its_commit() {
    let rig = Rig::still().await;
    // One slot: what is claimed at once is handled at once.
    let mut replica = rig.replica("a", "poll_ms = 20\nconcurrency = 1").await;
    let good: Vec<String> = (0..20).map(|n| format!("good {n}")).collect();
    let (first, last) = good.split_at(10);
    for id in first {
        replica.send(id, Script::Write).await;
    }
    replica.send("fails", Script::Fail(99)).await;
    replica.send("panics", Script::Panic(99)).await;
    replica.send("parks", Script::Park).await;
    replica
        .send("fails in its reaction", Script::FailInReaction)
        .await;
    for id in last {
        replica.send(id, Script::Write).await;
    }
    replica.work();
    for (id, state) in [
        ("fails", "failed"),
        ("panics", "failed"),
        ("parks", "parked"),
        ("fails in its reaction", "failed"),
    ] {
        rig.until_event(id, state, 1).await;
        assert_eq!(rig.effects(id).await, [""; 0], "{id}");
    }
    for id in &good {
        rig.until_event(id, "processed", 1).await;
        assert_eq!(rig.effects(id).await, ["a"]);
        assert_eq!(rig.audited(id).await, ["a"]);
        assert_eq!(rig.followups(id).await, 1);
    }
    assert_eq!(rig.count("select count(*) from engine.failures").await, 3);
    replica.stop().await;
}

#[tokio::test]
async fn events_that_share_a_commit_keep_their_own_cause() {
    let rig = Rig::still().await;
    let mut replica = rig.replica("a", "poll_ms = 20\nconcurrency = 1").await;
    for n in 0..10 {
        replica.send(&format!("event {n}"), Script::Write).await;
    }
    replica.work();
    rig.until_all_done().await;
    replica.stop().await;
    let commits = "select count(distinct xmin::text) from webhooks.events";
    assert_eq!(rig.count(commits).await, 1, "they should have shared one commit");
    let own = "select count(*) from webhooks.events e
               join logs_auditoria l on l.evento_id = e.id and l.recurso_id = e.event_id
                   and l.accion = 'sonda.escrita' and l.detalle ->> 'evento' = e.event_id
               join engine.jobs j on j.cause = e.id and j.payload ->> 'id' = e.event_id";
    assert_eq!(rig.count(own).await, 10);
}

#[tokio::test]
async fn a_transaction_left_open_is_ended_by_the_database() {
    let rig = Rig::still().await;
    let replica = rig.replica("a", EAGER).await;
    for pool in [&replica.pools.main, &replica.pools.leases] {
        let shown: (String, String) = sqlx::query_as(
            "select current_setting('idle_in_transaction_session_timeout'), current_setting('statement_timeout')",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        assert_eq!(shown, ("10s".to_owned(), "15s".to_owned()));
    }
}

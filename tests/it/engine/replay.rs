//! Handling events again.

use onlycar::engine::replay::{self, Range};

use super::probe::Script;
use super::rig::{EAGER, Rig};
use crate::support::app::console;
use crate::support::database::db;

#[tokio::test]
async fn an_event_that_is_put_back_is_handled_again_and_its_story_tells_both() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", "poll_ms = 20\nmax_attempts = 1").await;
    a.send("parked", Script::Park).await;
    a.send("dead", Script::Fail(1)).await;
    a.send("done", Script::Write).await;
    a.work();
    rig.until_all_done().await;
    assert_eq!(rig.event("parked").await.stands(), ("parked", 1));
    assert_eq!(rig.event("dead").await.stands(), ("dead", 1));
    rig.sql("update webhooks.events set state = 'ignored', last_error = 'nobody' where event_id = 'done'")
        .await;
    let ids = [rig.id("parked").await, rig.id("dead").await, rig.id("done").await];
    let back = replay::put_back(&a.engine, &console(), &ids).await.unwrap();
    assert_eq!(back.len(), 3);
    rig.until_all_done().await;
    a.stop().await;
    assert_eq!(rig.event("parked").await.stands(), ("parked", 1));
    assert_eq!(rig.event("dead").await.stands(), ("processed", 1));
    assert_eq!(rig.event("done").await.stands(), ("processed", 1));
    assert_eq!(rig.event("done").await.last_error, None);
    let told: Vec<(String, String)> = sqlx::query_as(
        "select event_id, error from engine.failures join webhooks.events e on e.id = row_id order by 1, 2",
    )
    .fetch_all(&rig.pool)
    .await
    .unwrap();
    let told: Vec<(&str, &str)> = told.iter().map(|(id, why)| (id.as_str(), why.as_str())).collect();
    assert_eq!(
        told,
        [
            ("dead", "failure 1"),
            ("done", "nobody"),
            ("parked", "for a person")
        ]
    );
    let audited: Vec<(String, String)> = sqlx::query_as(
        "select detalle ->> 'evento', detalle ->> 'estado_anterior' from logs_auditoria
         where accion = 'evento.reprocesado' and actor = 'consola:0' and recurso_tipo = 'eventos'
           and recurso_id = evento_id::text and trabajo_id is null order by 1",
    )
    .fetch_all(&rig.pool)
    .await
    .unwrap();
    let audited: Vec<(&str, &str)> = audited
        .iter()
        .map(|(id, was)| (id.as_str(), was.as_str()))
        .collect();
    assert_eq!(
        audited,
        [("dead", "dead"), ("done", "ignored"), ("parked", "parked")]
    );
}

#[tokio::test]
async fn what_is_not_finished_or_has_no_payload_is_left_alone() {
    let rig = Rig::still().await;
    let a = rig.replica("a", EAGER).await;
    for id in ["pending", "processing", "failed", "emptied"] {
        a.send(id, Script::Write).await;
    }
    rig.sql("update webhooks.events set state = event_id, attempts = 3 where event_id <> 'emptied'")
        .await;
    rig.sql("update webhooks.events set state = 'processed', payload = null where event_id = 'emptied'")
        .await;
    let before = rig.everything().await;
    let mut ids = Vec::new();
    for id in ["pending", "processing", "failed", "emptied"] {
        ids.push(rig.id(id).await);
    }
    assert!(
        replay::put_back(&a.engine, &console(), &ids)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(rig.everything().await, before);
    for candidate in replay::standing(&db(&rig.pool), &ids).await.unwrap() {
        let why = candidate.refusal().unwrap();
        let gone = why.starts_with("its payload was removed");
        assert_eq!(gone, candidate.event_id == "emptied", "{candidate:?}: {why}");
    }
}

#[tokio::test]
async fn a_worker_that_froze_before_the_replay_and_the_one_after_it_write_once_together() {
    let rig = Rig::still().await;
    let mut frozen = rig.replica("frozen", "poll_ms = 20\nconcurrency = 1").await;
    let mut fresh = rig.replica("fresh", EAGER).await;
    frozen.send("row", Script::Wait).await;
    frozen.work();
    frozen.probe.entered(1).await;
    // Somebody else finished it meanwhile, and it was put back: its next claim has the same number as the frozen one.
    rig.sql("update webhooks.events set state = 'processed', processed_at = now() where event_id = 'row'")
        .await;
    let back = replay::put_back(&fresh.engine, &console(), &[rig.id("row").await]).await;
    assert_eq!(back.unwrap().len(), 1);
    fresh.work();
    fresh.probe.entered(1).await;
    frozen.probe.let_pass(1);
    rig.until_event("row", "processed", 1).await;
    fresh.probe.let_pass(1);
    frozen.stop().await;
    fresh.stop().await;
    assert_eq!(rig.event("row").await.stands(), ("processed", 1));
    assert_eq!(rig.audited("row").await, ["frozen"]);
    assert_eq!(rig.effects("row").await, ["frozen"]);
}

#[tokio::test]
async fn a_range_holds_what_is_finished_in_the_order_of_its_coming() {
    let rig = Rig::still().await;
    let a = rig.replica("a", EAGER).await;
    for n in 0..6 {
        a.send(&format!("event {n}"), Script::Write).await;
        rig.clock.advance(chrono::TimeDelta::hours(1));
    }
    rig.sql("update webhooks.events set state = 'processed' where event_id <> 'event 5'")
        .await;
    rig.sql("update webhooks.events set state = 'parked' where event_id in ('event 1', 'event 2')")
        .await;
    rig.sql("update webhooks.events set payload = null where event_id = 'event 3'")
        .await;
    let hour = |n: i64| Some(rig.clock.now() - chrono::TimeDelta::hours(6 - n));
    let range = |provider: &str, event_type: &str, state: &str| {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Range {
            provider: given(provider),
            event_type: given(event_type),
            state: given(state),
            ..Range::default()
        }
    };
    let times = |since, until| Range {
        since,
        until,
        ..Range::default()
    };
    for (range, all, emptied, expected) in [
        (Range::default(), 5, 1, "0124"),
        (times(hour(1), None), 4, 1, "124"),
        (times(None, hour(2)), 2, 0, "01"),
        (times(hour(1), hour(2)), 1, 0, "1"),
        (range("", "", "parked"), 2, 0, "12"),
        (range("", "", "pending"), 0, 0, ""),
        (range("sonda", "", ""), 5, 1, "0124"),
        (range("nobody", "", ""), 0, 0, ""),
        (range("", "sonda.evento", ""), 5, 1, "0124"),
        (range("", "sonda", ""), 0, 0, ""),
    ] {
        assert_eq!(
            replay::count(&db(&rig.pool), &range).await.unwrap(),
            (all, emptied),
            "{range:?}"
        );
        let page = replay::page(&db(&rig.pool), &range, uuid::Uuid::nil())
            .await
            .unwrap();
        let found: String = page
            .iter()
            .map(|event| event.event_id.replace("event ", ""))
            .collect();
        assert_eq!(found, expected, "{range:?}");
    }
    let first = replay::page(&db(&rig.pool), &Range::default(), rig.id("event 1").await).await;
    assert_eq!(first.unwrap().first().unwrap().event_id, "event 2");
}

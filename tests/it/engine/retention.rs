//! Payloads are personal data: when their time is over they go, and everything else stays.

use chrono::TimeDelta;
use onlycar::engine::inbox::Stored;
use onlycar::engine::replay;

use super::probe::Script;
use super::rig::{Replica, Rig};
use crate::support::app::console;
use crate::support::database::db;

/// Small batches, so that a test needs several.
const SMALL: &str = "poll_ms = 20\n[retention]\nbatch_rows = 3";

/// A working replica with the job, which comes every hour.
async fn replica(rig: &Rig) -> Replica {
    rig.replica_with_retention("a", SMALL).await
}

/// Lets so much time pass, and the job that comes then end.
async fn pass(rig: &Rig, time: TimeDelta) {
    rig.clock.advance(time);
    let now = rig.clock.now();
    crate::support::wait::until("the job of this hour is done", async || {
        let sql =
            "select count(*) from engine.jobs where kind = 'vaciar_eventos' and tick > $1 - interval '1 hour'
                     and state = 'processed'";
        let done: i64 = sqlx::query_scalar(sql)
            .bind(now)
            .fetch_one(&rig.pool)
            .await
            .unwrap();
        done > 0
    })
    .await;
}

async fn kept(rig: &Rig) -> Vec<String> {
    let sql = "select event_id from webhooks.events where payload is not null order by event_id";
    sqlx::query_scalar(sql).fetch_all(&rig.pool).await.unwrap()
}

#[tokio::test]
async fn the_payload_goes_when_its_time_is_over_and_everything_else_stays() {
    let rig = Rig::still().await;
    let mut a = replica(&rig).await;
    a.work();
    for n in 0..10 {
        a.send(&format!("old {n}"), Script::Write).await;
    }
    a.send("parked", Script::Park).await;
    rig.until_all_done().await;
    let sql = "select event_id, encode(payload_sha256, 'hex'), state, processed_at::text from webhooks.events
               where event_id <> 'young' order by id";
    let rows = || async {
        let rows: Vec<(String, String, String, String)> =
            sqlx::query_as(sql).fetch_all(&rig.pool).await.unwrap();
        rows
    };
    let before = rows().await;
    pass(&rig, TimeDelta::days(29)).await;
    a.send("young", Script::Write).await;
    assert_eq!(kept(&rig).await.len(), 12);
    pass(&rig, TimeDelta::days(1) + TimeDelta::hours(1)).await;
    assert_eq!(kept(&rig).await, ["parked", "young"]);
    assert_eq!(rows().await, before);
    assert_eq!(a.offer("old 3", Script::Write).await, Stored::Duplicate);
    let emptied = replay::standing(&db(&rig.pool), &[rig.id("old 3").await])
        .await
        .unwrap();
    assert!(
        emptied[0]
            .refusal()
            .unwrap()
            .starts_with("its payload was removed")
    );
    let back = replay::put_back(&a.engine, &console(), &[rig.id("old 3").await]).await;
    assert!(back.unwrap().is_empty());
    pass(&rig, TimeDelta::days(60)).await;
    assert_eq!(
        kept(&rig).await,
        [""; 0],
        "nobody resolved the parked one in 90 days"
    );
    a.stop().await;
    assert_eq!(rows().await, before);
    assert_eq!(rig.count("select count(*) from engine.kept_payloads").await, 0);
}

#[tokio::test]
async fn an_old_event_that_is_handled_again_does_not_keep_its_payload() {
    let rig = Rig::still().await;
    let mut a = replica(&rig).await;
    a.work();
    a.send("parked", Script::Park).await;
    a.send("unfinished", Script::Write).await;
    rig.until_all_done().await;
    rig.sql("update webhooks.events set state = 'failed', run_at = 'infinity' where event_id = 'unfinished'")
        .await;
    pass(&rig, TimeDelta::days(31)).await;
    assert_eq!(kept(&rig).await, ["parked", "unfinished"]);
    // A person mended what was wrong: the event can be handled now.
    rig.sql(r#"update webhooks.events set payload = '{"id": "parked", "script": "write"}' where event_id = 'parked'"#)
        .await;
    let back = replay::put_back(&a.engine, &console(), &[rig.id("parked").await]).await;
    assert_eq!(back.unwrap().len(), 1);
    rig.until_event("parked", "processed", 1).await;
    assert_eq!(
        kept(&rig).await,
        ["parked", "unfinished"],
        "it could be looked at"
    );
    pass(&rig, TimeDelta::hours(2)).await;
    assert_eq!(kept(&rig).await, ["unfinished"]);
    pass(&rig, TimeDelta::days(100)).await;
    assert_eq!(kept(&rig).await, ["unfinished"], "who is not finished needs it");
    rig.sql("update webhooks.events set state = 'processed' where event_id = 'unfinished'")
        .await;
    pass(&rig, TimeDelta::hours(2)).await;
    assert_eq!(kept(&rig).await, [""; 0]);
    a.stop().await;
}

#[tokio::test]
async fn old_ticks_and_failures_go_and_the_latest_tick_of_a_kind_stays() {
    let rig = Rig::still().await;
    let mut a = replica(&rig).await;
    rig.sql(
        "insert into engine.jobs (id, kind, payload, tick, created_at, run_at, state)
         select gen_random_uuid(), kind, '{}', '2026-01-01'::timestamptz + n * interval '1 day', now(), now(), state
         from generate_series(0, 9) n, (values ('mensual', 'processed'), ('roto', 'dead')) as row (kind, state)",
    )
    .await;
    rig.sql(
        "insert into engine.jobs (id, kind, key, payload, created_at, run_at, state)
         values (gen_random_uuid(), 'notificar', 'once', '{}', '2026-01-01', '2026-01-01', 'processed')",
    )
    .await;
    rig.sql(
        "insert into engine.failures (row_id, attempt, failed_at, error)
         select gen_random_uuid(), 1, '2026-11-22T18:00:00Z'::timestamptz - n * interval '30 days', 'x'
         from generate_series(10, 0, -1) n",
    )
    .await;
    a.work();
    pass(&rig, TimeDelta::hours(1)).await;
    a.stop().await;
    let of_kind = |kind: &'static str| {
        let sql = "select count(*) from engine.jobs where kind = $1";
        sqlx::query_scalar::<_, i64>(sql).bind(kind).fetch_one(&rig.pool)
    };
    assert_eq!(
        of_kind("mensual").await.unwrap(),
        1,
        "the latest says that its tick was had"
    );
    assert_eq!(of_kind("roto").await.unwrap(), 10, "somebody has to look at them");
    assert_eq!(of_kind("notificar").await.unwrap(), 1, "a key is for ever");
    let latest = "select count(*) from engine.jobs where kind = 'mensual' and tick = '2026-01-10'";
    assert_eq!(rig.count(latest).await, 1);
    assert_eq!(rig.count("select count(*) from engine.failures").await, 6);
}

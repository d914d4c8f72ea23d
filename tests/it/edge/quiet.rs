//! Nothing on the path of an event: however many come, and whatever Cloudflare does.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use onlycar::dev::cloudflare::Fault;

use super::Rig;

#[tokio::test]
async fn a_thousand_events_ask_cloudflare_nothing_and_a_hanging_one_delays_none() {
    let rig = Rig::patient(5).await;
    let id = rig.invoice().await;
    rig.cloudflare.fail(Fault::Hang, usize::MAX);
    let before = rig.asked();
    let insert =
        "insert into engine.jobs (id, kind, payload, created_at, run_at) values ($1, $2, '{}', $3, $3)";
    let job = sqlx::query(insert)
        .bind(rig.app.clock.new_id())
        .bind(super::FLUSH)
        .bind(rig.app.now());
    job.execute(&rig.app.pool).await.unwrap();
    rig.app
        .until("Cloudflare hangs", async || rig.asked() > before)
        .await;

    let started = Instant::now();
    let mut slowest = Duration::ZERO;
    for _ in 0..1_000 {
        let event = rig.story.event("customer.created", rig.app.now());
        let sent = Instant::now();
        rig.app.send(&event).await;
        slowest = slowest.max(sent.elapsed());
    }
    println!("1,000 events in {:?}, the slowest {slowest:?}", started.elapsed());
    assert!(slowest < Duration::from_secs(4), "{slowest:?}");
    rig.app.drain().await;
    assert!(rig.asked() - before <= 2, "{} requests", rig.asked() - before);
    rig.cloudflare.heal();
    rig.flush_after(TimeDelta::minutes(5)).await;
    assert_eq!(rig.shown(id)["estado"], "vigente");
    rig.app.finish().await;
}

#[tokio::test]
async fn an_edge_with_nothing_to_tell_asks_nothing() {
    let rig = Rig::open().await;
    rig.invoice().await;
    rig.flush().await;
    let before = rig.asked();
    for _ in 0..4 {
        rig.flush_after(TimeDelta::seconds(30)).await;
    }
    assert_eq!(rig.asked(), before);
    rig.app.finish().await;
}

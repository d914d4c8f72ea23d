//! Redis away, killed, frozen, emptied, full: right answers, and none that waits for it long.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::Signal;
use sqlx::Executor;

use super::{DUPLICATE, NEW, PATIENT, app, key, remembered, send};
use crate::receive::{inbox_locked, stored};
use crate::support::TestApp;
use crate::support::redis::RedisServer;

/// Sends so many events, each twice at the same time; every one must be new once.
async fn pairs(app: &TestApp, prefix: &str, count: usize) {
    for n in 0..count {
        let id = format!("{prefix}_{n}");
        let (one, other) = tokio::join!(send(app, &id), send(app, &id));
        let answers = [one.as_str(), other.as_str()];
        assert!(
            answers == [NEW, DUPLICATE] || answers == [DUPLICATE, NEW],
            "{id}: {answers:?}"
        );
    }
}

#[tokio::test]
async fn a_redis_that_is_away_at_the_start_is_used_when_it_comes() {
    let Some(mut redis) = RedisServer::stopped() else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    pairs(&app, "away", 5).await;
    redis.run().await;
    remembered(&app, &redis, "there").await;
    assert_eq!(stored(&app).await, 6);
    app.finish().await;
}

#[tokio::test]
async fn a_redis_killed_under_load_costs_no_event_and_is_used_again() {
    let Some(mut redis) = RedisServer::start().await else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    remembered(&app, &redis, "before").await;
    let senders = ["a", "b", "c", "d"];
    let load = join_all(senders.map(|sender| pairs(&app, sender, 60)));
    let kill = async {
        app.until("the load is under way", || async { stored(&app).await > 40 })
            .await;
        redis.kill();
    };
    tokio::join!(load, kill);
    assert_eq!(stored(&app).await, 241);
    redis.run().await;
    remembered(&app, &redis, "before").await;
    for sender in senders {
        assert_eq!(send(&app, &format!("{sender}_0")).await, DUPLICATE);
    }
    app.finish().await;
}

/// The kernel still takes what is sent to it, and nothing comes back: the worst way to be slow.
#[tokio::test]
async fn a_frozen_redis_delays_few_answers_and_only_for_the_budget() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let file = "[redis]\nanswer_ms = 500\nconnect_ms = 500\nfailures = 2\nrest_ms = 50\nlook_ms = 50\n";
    let app = app(&redis.url(), file).await;
    remembered(&app, &redis, "before").await;
    redis.signal(Signal::STOP);
    let mut delays = Vec::new();
    for n in 0..20 {
        let id = format!("frozen_{}", n / 2);
        let began = Instant::now();
        let answer = send(&app, &id).await;
        delays.push(began.elapsed());
        assert_eq!(answer, if n % 2 == 0 { NEW } else { DUPLICATE }, "{id}");
    }
    println!("while Redis was frozen: {delays:?}");
    let slow = delays
        .iter()
        .filter(|delay| **delay >= Duration::from_millis(500));
    assert!(slow.count() < 10, "{delays:?}");
    redis.signal(Signal::CONT);
    // Answers to what was asked before it froze may come now; they must not be taken for others.
    pairs(&app, "after", 10).await;
    remembered(&app, &redis, "frozen_0").await;
    app.finish().await;
}

#[tokio::test]
async fn an_emptied_redis_learns_again() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    remembered(&app, &redis, "1").await;
    let () = redis.ask(&["FLUSHALL"]).await;
    assert_eq!(send(&app, "1").await, DUPLICATE);
    remembered(&app, &redis, "1").await;
    assert_eq!(stored(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_full_redis_still_tells_what_it_has() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    remembered(&app, &redis, "1").await;
    let () = redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
    pairs(&app, "full", 20).await;
    assert_eq!(redis.ask::<i64>(&["DBSIZE"]).await, 1, "nothing was added");
    let mut holder = inbox_locked(&app).await;
    assert_eq!(send(&app, "1").await, DUPLICATE);
    holder.execute("rollback").await.unwrap();
    let () = redis.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    remembered(&app, &redis, "full_0").await;
    assert_eq!(redis.ask::<i64>(&["EXISTS", &key("full_0")]).await, 1);
    app.finish().await;
}

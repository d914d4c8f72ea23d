//! Two replicas and one Redis, which may die, freeze, forget, be full or lie: a looser limit is the worst of it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::Signal;

use super::{TIGHT, app, get, operator, refused};
use crate::limits::call;
use crate::redis::false_answers::{Answers, liar};
use crate::support::TestApp;
use crate::support::redis::RedisServer;

/// Room for ten by user and twenty by address.
fn room() -> String {
    TIGHT
        .replace("burst = 2", "burst = 20")
        .replace("burst = 1 ", "burst = 10 ")
}

async fn replica(redis: &RedisServer, file: &str) -> TestApp {
    let app = app(&[("REDIS_URL", &redis.url())], file).await;
    let before: i64 = redis.ask(&["DBSIZE"]).await;
    let asked = AtomicU8::new(0);
    app.until("it uses Redis", || async {
        let from = format!("198.51.100.{}", asked.fetch_add(1, Ordering::Relaxed));
        get(&app, "/nowhere", &from, None).await;
        redis.ask::<i64>(&["DBSIZE"]).await > before
    })
    .await;
    app
}

#[tokio::test]
async fn replicas_share_limits_by_user_and_by_address() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let (one, other) = (replica(&redis, &room()).await, replica(&redis, &room()).await);
    let user = operator(&one, 1);
    let path = "/api/services";
    for n in 0..10 {
        let app = if n % 2 == 0 { &one } else { &other };
        assert_eq!(
            get(app, path, &format!("203.0.113.{n}"), Some(&user)).await,
            200,
            "{n}"
        );
    }
    for app in [&one, &other] {
        let answer = call(app, reqwest::Method::GET, path, "203.0.113.99", Some(&user)).await;
        let seconds = refused(answer).await;
        assert!((50..=60).contains(&seconds), "{seconds}");
    }
    for n in 0..20 {
        let app = if n % 3 == 0 { &one } else { &other };
        assert_eq!(get(app, "/nowhere", "203.0.113.1", None).await, 404, "{n}");
    }
    assert_eq!(get(&one, "/nowhere", "203.0.113.1", None).await, 429);
    assert_eq!(get(&other, "/nowhere", "203.0.113.1", None).await, 429);
    // Users of one address share its limit, over all replicas too.
    for n in 0..20 {
        let (app, user) = (if n % 2 == 0 { &one } else { &other }, operator(&one, 100 + n));
        assert_eq!(get(app, path, "203.0.113.202", Some(&user)).await, 200, "{n}");
    }
    assert_eq!(
        get(&one, path, "203.0.113.202", Some(&operator(&one, 200))).await,
        429
    );

    let keys: Vec<String> = redis.ask(&["KEYS", "limite:*"]).await;
    assert!(!keys.is_empty());
    for key in keys {
        assert!(!key.contains("203.0.113"), "{key}");
        let lives: i64 = redis.ask(&["PTTL", &key]).await;
        assert!((1..=20 * 60_000).contains(&lives), "{key} {lives}");
    }
    one.finish().await;
    other.finish().await;
}

#[tokio::test]
async fn a_redis_killed_under_load_changes_nothing_for_honest_callers() {
    let Some(mut redis) = RedisServer::start().await else {
        return;
    };
    let app = replica(&redis, &room()).await;
    let place = &app;
    let honest = (0..8).map(|n| async move {
        for m in 0..10 {
            let user = operator(place, 1000 + n);
            let status = get(place, "/api/services", &format!("203.0.{n}.{m}"), Some(&user)).await;
            assert_eq!(status, 200, "{n} {m}");
        }
    });
    let kill = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        redis.kill();
    };
    tokio::join!(join_all(honest), kill);
    let user = operator(&app, 1000);
    assert_eq!(
        get(&app, "/api/services", "203.0.113.1", Some(&user)).await,
        429,
        "its own buckets hold"
    );
    redis.run().await;
    app.finish().await;
}

#[tokio::test]
async fn a_redis_that_forgets_freezes_or_is_full_makes_limits_looser_and_no_answer_late() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let file = room().replace("answer_ms = 10000", "answer_ms = 300\nfailures = 2");
    let app = replica(&redis, &file).await;
    let spend = async |from: &str| {
        for n in 0..20 {
            assert_eq!(get(&app, "/nowhere", from, None).await, 404, "{from} {n}");
        }
        assert_eq!(get(&app, "/nowhere", from, None).await, 429, "{from}");
    };
    spend("203.0.113.1").await;
    let () = redis.ask(&["FLUSHALL"]).await;
    let () = redis.ask(&["SCRIPT", "FLUSH"]).await;
    spend("203.0.113.2").await;
    assert!(
        redis.ask::<i64>(&["DBSIZE"]).await > 0,
        "the script is sent again"
    );
    let () = redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
    spend("203.0.113.3").await;
    let () = redis.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    redis.signal(Signal::STOP);
    let began = Instant::now();
    spend("203.0.113.4").await;
    redis.signal(Signal::CONT);
    // Two that fail, and one now and then that tries again.
    println!("21 requests while Redis was frozen: {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    app.finish().await;
}

#[tokio::test]
async fn no_answer_of_a_liar_refuses_an_honest_caller() {
    fn list(words: &[&str]) -> String {
        let bulks = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        format!("*{}\r\n{}", words.len(), bulks.collect::<String>())
    }
    let liars: [(&str, Answers); 7] = [
        ("no to everything", |_, _| "-ERR no\r\n".to_owned()),
        ("a number", |_, _| ":60000000\r\n".to_owned()),
        ("another question's", |_, _| list(&["x", "60000000"])),
        ("too long a wait", |words, _| list(&[&words[4], "600000000000"])),
        ("a wait that was over", |words, _| list(&[&words[4], "-1"])),
        ("too many waits", |words, _| {
            list(&[&words[4], "1000000", "1000000"])
        }),
        ("no number", |words, _| list(&[&words[4], "soon"])),
    ];
    for (name, answers) in liars {
        let url = liar(answers).await;
        let app = app(&[("REDIS_URL", &url)], &room()).await;
        for n in 0..20 {
            assert_eq!(
                get(&app, "/nowhere", "203.0.113.1", None).await,
                404,
                "{name} {n}"
            );
        }
        assert_eq!(get(&app, "/nowhere", "203.0.113.1", None).await, 429, "{name}");
        app.finish().await;
    }
}

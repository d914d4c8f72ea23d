//! What is remembered, for how long, and what of it counts.

use sqlx::Executor;

use super::{DUPLICATE, NEW, PATIENT, app, key, remembered, send};
use crate::receive::{inbox_locked, stored, unhandled};
use crate::support::gate::Gate;
use crate::support::redis::RedisServer;
use crate::support::{Story, TestApp};

#[tokio::test]
async fn a_stored_event_has_the_key_and_the_seven_days_of_the_specification() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    remembered(&app, &redis, "1").await;
    assert_eq!(
        redis.ask::<Vec<String>>(&["KEYS", "*"]).await,
        ["webhook:processed:evt_1"]
    );
    let left: i64 = redis.ask(&["TTL", "webhook:processed:evt_1"]).await;
    assert!((604_700..=604_800).contains(&left), "{left} s");
    let value: String = redis.ask(&["GET", "webhook:processed:evt_1"]).await;
    assert!(value.starts_with("stripe evt_1 "), "{value}");
    assert_eq!(stored(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_repeated_event_is_answered_while_the_inbox_is_locked() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    remembered(&app, &redis, "1").await;
    let mut holder = inbox_locked(&app).await;
    for _ in 0..3 {
        assert_eq!(send(&app, "1").await, DUPLICATE);
    }
    let meanwhile = async {
        assert_eq!(send(&app, "1").await, DUPLICATE);
        holder.execute("rollback").await.unwrap();
    };
    assert_eq!(tokio::join!(send(&app, "2"), meanwhile).0, NEW);
    assert_eq!(stored(&app).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn a_forged_signature_learns_nothing_from_redis() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    remembered(&app, &redis, "1").await;
    assert_eq!(app.post("t=1,v1=00", unhandled("1")).await.status(), 400);
    app.finish().await;
}

/// The inbox is the truth: what was not committed must not be remembered.
#[tokio::test]
async fn an_event_that_could_not_be_stored_has_no_key() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    remembered(&app, &redis, "before").await;
    let refuse = "alter table webhooks.events add constraint of_a_test check (event_id <> 'evt_bad')";
    app.pool.execute(refuse).await.unwrap();
    for _ in 0..3 {
        assert_eq!(app.post_signed(unhandled("bad")).await.status(), 503);
    }
    remembered(&app, &redis, "after").await;
    assert_eq!(redis.ask::<i64>(&["EXISTS", &key("bad")]).await, 0);
    let allow = "alter table webhooks.events drop constraint of_a_test";
    app.pool.execute(allow).await.unwrap();
    assert_eq!(send(&app, "bad").await, NEW);
    app.finish().await;
}

#[tokio::test]
async fn a_repeated_payment_has_its_effect_once() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let mut app = app(&redis.url(), PATIENT).await;
    app.work();
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    app.handle(&event).await;
    let before = app.row("servicios", story.service).await;
    assert_eq!(before["estado_pago"], "pagado");
    let event_key = format!("webhook:processed:{}", event["id"].as_str().unwrap());
    app.until("it is remembered", || async {
        app.handle(&event).await;
        redis.ask::<i64>(&["EXISTS", &event_key]).await == 1
    })
    .await;
    app.handle(&event).await;
    assert_eq!(app.row("servicios", story.service).await, before);
    assert_eq!(stored(&app).await, 1);
    app.finish().await;
}

/// Two databases behind one Redis, or a fresh database behind an old one: each takes every event.
#[tokio::test]
async fn a_key_of_another_database_does_not_count() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let old = app(&redis.url(), PATIENT).await;
    remembered(&old, &redis, "1").await;
    let fresh = app(&redis.url(), PATIENT).await;
    // It asks Redis by now, so that what follows is not answered for want of a connection.
    remembered(&fresh, &redis, "2").await;
    assert_eq!(send(&fresh, "1").await, NEW);
    assert_eq!(stored(&fresh).await, 2);
    old.finish().await;
    fresh.finish().await;
}

#[tokio::test]
async fn an_emptied_inbox_takes_its_events_again() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    remembered(&app, &redis, "1").await;
    app.pool.execute("truncate webhooks.events").await.unwrap();
    app.until("the program has seen it", || async {
        send(&app, "1").await == NEW
    })
    .await;
    assert_eq!(stored(&app).await, 1);
    app.finish().await;
}

/// While nobody can say which database it is, no key counts.
#[tokio::test]
async fn without_a_database_redis_is_not_believed() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    remembered(&app, &redis, "1").await;
    let mut gate = Gate::of(&app).await;
    gate.shut().await;
    app.until("the program has seen it", || async {
        app.post_signed(unhandled("1")).await.status() == 503
    })
    .await;
    gate.allow(true).await;
    assert_eq!(send(&app, "1").await, DUPLICATE);
    app.finish().await;
}

/// A key with another value, as other programs or providers may leave it.
#[tokio::test]
async fn a_key_that_names_something_else_does_not_count() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let app = app(&redis.url(), PATIENT).await;
    remembered(&app, &redis, "0").await;
    let ours: String = redis.ask(&["GET", &key("0")]).await;
    let database = ours.strip_prefix("stripe evt_0 ").unwrap();
    let values = [
        ("a", "1".to_owned()),
        ("b", String::new()),
        ("c", ours.clone()),
        ("d", format!("otro evt_d {database}")),
        ("e", "stripe evt_e 1.2.3.4".to_owned()),
    ];
    for (id, value) in &values {
        let () = redis.ask(&["SET", &key(id), value]).await;
        assert_eq!(send(&app, id).await, NEW, "{value}");
    }
    let () = redis
        .ask(&["SET", &key("f"), &format!("stripe evt_f {database}")])
        .await;
    assert_eq!(
        send(&app, "f").await,
        DUPLICATE,
        "the values above differ in what they should"
    );
    let _: i64 = redis.ask(&["RPUSH", &key("list"), "1"]).await;
    assert_eq!(send(&app, "list").await, NEW);
    assert_eq!(send(&app, "list").await, DUPLICATE);
    assert_eq!(stored(&app).await, 7);
    app.finish().await;
}

#[tokio::test]
async fn without_an_address_nothing_changes() {
    let app = TestApp::without_workers(&[]).await;
    assert_eq!([send(&app, "1").await, send(&app, "1").await], [NEW, DUPLICATE]);
    app.finish().await;
}

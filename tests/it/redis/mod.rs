//! Redis remembers what was stored of late. Whatever happens to it, every event is stored once and answered rightly,
//! and no answer waits for it long.

pub mod false_answers;
mod memory;
mod outage;
mod process;

use crate::receive::unhandled;
use crate::support::TestApp;
use crate::support::redis::RedisServer;

pub const NEW: &str = r#"{"received":true}"#;
pub const DUPLICATE: &str = r#"{"received":true,"duplicate":true}"#;

/// A busy machine must not make Redis look slow, and a test need not wait for the next try.
pub const PATIENT: &str = "[redis]\nanswer_ms = 10000\nconnect_ms = 10000\nrest_ms = 20\nlook_ms = 20\n";

/// The program beside a Redis at this address.
async fn app(url: &str, file: &str) -> TestApp {
    TestApp::configured(&[("REDIS_URL", url)], Some(file)).await
}

/// Sends an event that nobody handles; what is answered with 200.
async fn send(app: &TestApp, id: &str) -> String {
    let answer = app.post_signed(unhandled(id)).await;
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

fn key(id: &str) -> String {
    format!("webhook:processed:evt_{id}")
}

/// Sends the event until Redis has its key: the first time it is new, after that it is found in the inbox.
async fn remembered(app: &TestApp, redis: &RedisServer, id: &str) {
    app.until("Redis has the key of the event", || async {
        send(app, id).await;
        redis.ask::<i64>(&["EXISTS", &key(id)]).await == 1
    })
    .await;
}

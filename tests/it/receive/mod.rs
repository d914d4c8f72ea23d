//! The webhook endpoint: each bad input of the contract gets its answer, and nothing is lost or kept that should not
//! be.

mod away;
mod fetched;
mod flood;
mod odd;
mod platform;
mod refused;

use onlycar::dev::stripe;
use reqwest::Response;
use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection};

use crate::support::app::SECRET;
use crate::support::wire::{Wire, head};
use crate::support::{Story, TestApp};

const MIB: usize = 1024 * 1024;

pub async fn stored(app: &TestApp) -> i64 {
    app.one("select count(*) from webhooks.events").await
}

/// Holds the inbox's table, so that every insert waits until this rolls back.
pub async fn inbox_locked(app: &TestApp) -> PgConnection {
    let options = app.pool.connect_options();
    let mut holder = PgConnection::connect_with(options.as_ref()).await.unwrap();
    let lock = "set idle_in_transaction_session_timeout = 0; begin; lock table webhooks.events";
    holder.execute(lock).await.unwrap();
    holder
}

/// Status and text of an answer.
pub async fn told(answer: Response) -> (u16, String) {
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A body nobody handles, so that accepting it leaves nothing to do.
pub fn unhandled(id: &str) -> Vec<u8> {
    format!(r#"{{"id":"evt_{id}","object":"event","type":"plan.created"}}"#).into_bytes()
}

/// A payment's event of exactly so many bytes.
fn payment_of_size(app: &TestApp, story: &Story, bytes: usize) -> (Value, Vec<u8>) {
    let mut event = story.event("payment_intent.succeeded", app.now());
    event["data"]["object"]["description"] = "".into();
    let rest = bytes - stripe::body(&event).len();
    event["data"]["object"]["description"] = "x".repeat(rest).into();
    let body = stripe::body(&event);
    assert_eq!(body.len(), bytes);
    (event, body)
}

/// A connection on which the head of a signed request was sent; the body is still to come.
async fn announced(app: &TestApp, body: &[u8], lines: &[&str]) -> Wire {
    let signature = format!("stripe-signature: {}", stripe::sign(SECRET, app.now(), body));
    let lines: Vec<&[u8]> = lines
        .iter()
        .chain([&signature.as_str()])
        .map(|line| line.as_bytes())
        .collect();
    let mut wire = Wire::open(&app.url).await;
    wire.send(head(&lines)).await;
    wire
}

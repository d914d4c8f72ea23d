//! From a webhook of Gigstack's to a stored and recorded invoice, over real HTTP, with a real store.

mod at_once;
mod cancelled;
mod envelopes;
mod linked;
mod outages;
mod refused;
mod stamped;
mod unseen;

use chrono::TimeDelta;
use onlycar::dev::gigstack::{Delivery, Event, Invoice, Order};
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Story, TestApp};

/// An order for a service of ours.
pub fn order_of(service: Uuid) -> Order {
    Order::default().noting("servicio_id", &service.to_string())
}

/// Gigstack tells of an invoice; returns when all that follows from it is done.
pub async fn tell(app: &TestApp, event: Event, subject: &str) {
    tell_as(app, event, subject, Delivery::default()).await;
}

async fn tell_as(app: &TestApp, event: Event, subject: &str, delivery: Delivery) {
    for answer in app.gigstack.deliver(event, subject, delivery).await.unwrap() {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    app.drain().await;
}

/// What is recorded of an invoice.
async fn row(app: &TestApp, invoice: &Invoice) -> Value {
    find(app, invoice).await.expect("the invoice is recorded")
}

async fn find(app: &TestApp, invoice: &Invoice) -> Option<Value> {
    let sql = "select to_jsonb(f) from facturas_emitidas f where uuid_sat = $1";
    let row = sqlx::query_scalar(sql).bind(invoice.uuid);
    row.fetch_optional(&app.pool).await.unwrap()
}

/// Everything that waits for a later attempt is due: so much time goes by, step by step.
async fn wait(app: &TestApp, time: TimeDelta) {
    let step = (time / 30).max(TimeDelta::seconds(10));
    let mut gone = TimeDelta::zero();
    while gone < time {
        app.advance(step);
        gone += step;
        app.drain().await;
    }
}

/// State of the events of Gigstack's, in order.
async fn states(app: &TestApp) -> Vec<String> {
    let sql = "select state::text from webhooks.events where provider = 'gigstack' order by id";
    sqlx::query_scalar(sql).fetch_all(&app.pool).await.unwrap()
}

async fn story(app: &TestApp) -> Story {
    Story::create(&app.pool).await
}

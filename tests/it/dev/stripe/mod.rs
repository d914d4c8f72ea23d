//! The simulator of Stripe: the events that `onlycar trigger` sends.

mod deliveries;
mod events;
mod old_shape;
mod questions;
mod set;
mod storms;

use chrono::{DateTime, Utc};
use onlycar::dev::stripe::{KINDS, Sample, event};
use serde_json::Value;

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    at("2026-11-22T18:00:00Z")
}

fn sample() -> Sample {
    Sample {
        service_id: Some("0197a000-0000-7000-8000-000000000001".into()),
        contract_id: Some("0197a000-0000-7000-8000-000000000002".into()),
        customer_id: "cus_TestCustomer01".into(),
        subscription_id: "sub_1TestSubscription0000000001".into(),
        payment_intent_id: Some("pi_3TestPayment000000000001".into()),
        amount: 123_456,
        ..Sample::default()
    }
}

fn made(kind: &str) -> Value {
    event(kind, &sample(), noon()).unwrap()
}

fn every() -> impl Iterator<Item = (&'static str, Value)> {
    KINDS.iter().map(|(kind, _)| (*kind, made(kind)))
}

/// Every object of an event that has a name, wherever it is.
fn objects(value: &Value) -> Vec<&Value> {
    let inner: Vec<&Value> = match value {
        Value::Object(fields) => fields.values().flat_map(objects).collect(),
        Value::Array(items) => items.iter().flat_map(objects).collect(),
        _ => Vec::new(),
    };
    let own = value.get("object").is_some_and(Value::is_string).then_some(value);
    own.into_iter().chain(inner).collect()
}

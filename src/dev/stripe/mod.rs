//! Events as Stripe would deliver them today, for `onlycar trigger` and for tests.
//!
//! The fields are those of the API version [`API_VERSION`] (Stripe's API reference: "The Event
//! object" and the page of each object), so after the change of 2025-03-31.basil: an invoice names
//! its subscription in `parent`, names no payment, and periods live on subscription items.
//! [`old_shape`] gives the same event as an account with an older default version renders it.

mod billing;
mod charge;
mod customer;
mod ids;
mod invoice;
mod old;
mod path;
mod payment;
pub mod simulator;

pub use old::old_shape;
pub use path::set_path;
pub use simulator::Simulator;

use crate::payments::signature;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// The version the events are rendered in.
pub const API_VERSION: &str = "2026-10-28.endive";

/// Every kind [`event`] can build, with what it stands for.
pub const KINDS: &[(&str, &str)] = &[
    (
        "payment_intent.created",
        "a payment was started, nothing is paid yet",
    ),
    (
        "payment_intent.requires_action",
        "an OXXO voucher was issued and waits to be paid in cash",
    ),
    (
        "payment_intent.processing",
        "an OXXO voucher expired; whether it was paid is still open",
    ),
    ("payment_intent.succeeded", "a service was paid by card"),
    (
        "payment_intent.payment_failed",
        "a card was declined: not enough funds",
    ),
    (
        "payment_intent.canceled",
        "a payment was cancelled before it was paid",
    ),
    (
        "charge.succeeded",
        "the charge of a card payment, with brand, last four digits and receipt",
    ),
    ("charge.refunded", "a charge was refunded in full"),
    ("customer.created", "a customer was created"),
    (
        "customer.subscription.created",
        "a contract's subscription began and is active",
    ),
    (
        "customer.subscription.updated",
        "a subscription was renewed: its period moved by a month",
    ),
    (
        "customer.subscription.deleted",
        "a subscription ended at the customer's wish",
    ),
    (
        "invoice.paid",
        "a contract's monthly invoice is paid, by whatever way",
    ),
    (
        "invoice.payment_succeeded",
        "a contract's monthly invoice was charged (twin of invoice.paid)",
    ),
    (
        "invoice.payment_failed",
        "a contract's monthly invoice could not be charged; one try of four",
    ),
];

/// Who and what an event is about. Ids not named here (charge, invoice, event and so on) are
/// made up anew for each event, in Stripe's format.
#[derive(Debug, Clone)]
pub struct Sample {
    /// `metadata.service_id` of the payment; `None` makes a payment that matches no service.
    pub service_id: Option<String>,
    /// `metadata.contract_id` of the subscription and its invoices.
    pub contract_id: Option<String>,
    /// Stripe's customer.
    pub customer_id: String,
    /// Stripe's subscription.
    pub subscription_id: String,
    /// The payment to talk about, so that several events tell one story; `None`: a new one.
    pub payment_intent_id: Option<String>,
    /// Who pays.
    pub name: String,
    /// Where receipts go.
    pub email: String,
    /// In centavos: 150000 is $1,500.00 MXN.
    pub amount: i64,
}

/// A stranger: made-up ids and nothing that matches a row of ours.
impl Default for Sample {
    fn default() -> Self {
        Self {
            service_id: None,
            contract_id: None,
            customer_id: ids::customer(),
            subscription_id: ids::subscription(),
            payment_intent_id: None,
            name: "María Fernanda Ríos".to_owned(),
            email: "maria.rios@example.com".to_owned(),
            amount: 150_000,
        }
    }
}

/// What the builders of objects need: the sample and one moment.
struct Scene<'s> {
    sample: &'s Sample,
    at: DateTime<Utc>,
}

impl Scene<'_> {
    fn now(&self) -> i64 {
        self.at.timestamp()
    }

    fn payment_intent(&self) -> String {
        self.sample
            .payment_intent_id
            .clone()
            .unwrap_or_else(ids::payment_intent)
    }

    fn service_metadata(&self) -> Value {
        metadata("service_id", self.sample.service_id.as_deref())
    }

    fn contract_metadata(&self) -> Value {
        metadata("contract_id", self.sample.contract_id.as_deref())
    }
}

fn metadata(key: &str, value: Option<&str>) -> Value {
    value.map_or_else(|| json!({}), |value| json!({ key: value }))
}

/// An event of `kind` that happened at `at`; `None` when the kind is not in [`KINDS`].
#[must_use]
pub fn event(kind: &str, sample: &Sample, at: DateTime<Utc>) -> Option<Value> {
    let scene = &Scene { sample, at };
    let mut previous = None;
    let object = match kind {
        "payment_intent.created" => payment::created(scene),
        "payment_intent.requires_action" => payment::voucher_issued(scene),
        "payment_intent.processing" => payment::voucher_expired(scene),
        "payment_intent.succeeded" => payment::succeeded(scene),
        "payment_intent.payment_failed" => payment::failed(scene),
        "payment_intent.canceled" => payment::canceled(scene),
        "charge.succeeded" => charge::succeeded(scene),
        "charge.refunded" => {
            previous = Some(json!({ "amount_refunded": 0, "refunded": false }));
            charge::refunded(scene)
        }
        "customer.created" => customer::customer(scene),
        "customer.subscription.created" => billing::subscription(scene),
        "customer.subscription.updated" => {
            let renewed = billing::renewed_subscription(scene);
            previous = Some(billing::before_renewal(scene, &renewed));
            renewed
        }
        "customer.subscription.deleted" => billing::ended_subscription(scene),
        "invoice.paid" | "invoice.payment_succeeded" => invoice::paid(scene),
        "invoice.payment_failed" => invoice::failed(scene),
        _ => return None,
    };
    Some(envelope(kind, &object, previous, at))
}

/// The event around an object. Charges and payments get the id prefix Stripe gives them.
fn envelope(kind: &str, object: &Value, previous: Option<Value>, at: DateTime<Utc>) -> Value {
    let of_payment = kind.starts_with("payment_intent.") || kind.starts_with("charge.");
    // What a customer's request set off names it; what Stripe did by itself (renewals) does not.
    let request = if of_payment {
        json!({ "id": ids::request(), "idempotency_key": ids::idempotency_key() })
    } else {
        json!({ "id": null, "idempotency_key": null })
    };
    let data = previous.map_or_else(
        || json!({ "object": object }),
        |previous| json!({ "object": object, "previous_attributes": previous }),
    );
    json!({
        "id": ids::event(of_payment),
        "object": "event",
        "api_version": API_VERSION,
        "created": at.timestamp(),
        "data": data,
        "livemode": false,
        "pending_webhooks": 1,
        "request": request,
        "type": kind,
    })
}

/// `base` with some of its fields changed or added.
fn with(mut base: Value, changes: Value) -> Value {
    if let (Some(fields), Value::Object(changes)) = (base.as_object_mut(), changes) {
        fields.extend(changes);
    }
    base
}

/// The bytes to send: Stripe prints its events for people, with two spaces.
#[must_use]
pub fn body(event: &Value) -> Vec<u8> {
    format!("{event:#}").into_bytes()
}

/// The `Stripe-Signature` value for `body` sent at `at`.
#[must_use]
pub fn sign(secret: &str, at: DateTime<Utc>, body: &[u8]) -> String {
    let time = at.timestamp().to_string();
    let mac = signature::mac(&signature::keyed(secret.as_bytes()), time.as_bytes(), body);
    format!("t={time},v1={}", hex::encode(mac.as_bytes()))
}

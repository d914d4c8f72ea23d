//! Events as Stripe would deliver them today, for `onlycar trigger` and for tests.
//!
//! The fields are those of the API version [`API_VERSION`] (Stripe's API reference: "The Event
//! object" and the page of each object), so after the change of 2025-03-31.basil: an invoice names
//! its subscription in `parent`, names no payment, and periods live on subscription items.
//! [`old_shape`] gives the same event as an account with an older default version renders it.

mod billing;
mod charge;
mod customer;
mod dispute;
mod ids;
mod invoice;
mod kinds;
mod old;
mod path;
mod payment;
mod payment_method;
mod refund;
mod session;
pub mod simulator;

pub use kinds::KINDS;
pub use old::old_shape;
pub use path::set_path;
pub use simulator::Simulator;

use crate::payments::signature;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

/// The version the events are rendered in.
pub const API_VERSION: &str = "2026-10-28.endive";

/// Who and what an event is about. An id not named here follows from those that are (the charge from its payment, the
/// refund from its charge), so that events with the same ids tell one story; payment and invoice, unnamed, are new ones.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sample {
    /// `metadata.service_id` of the payment; `None` makes a payment that matches no service.
    pub service_id: Option<String>,
    /// `metadata.contract_id` of the subscription and its invoices.
    pub contract_id: Option<String>,
    /// Stripe's customer.
    pub customer_id: String,
    /// Stripe's subscription.
    pub subscription_id: String,
    /// The payment.
    pub payment_intent_id: Option<String>,
    /// The payment's charge, also the one that failed.
    pub charge_id: Option<String>,
    /// The charge's refund.
    pub refund_id: Option<String>,
    /// The charge's dispute.
    pub dispute_id: Option<String>,
    /// The means of payment; by default the customer's only one.
    pub payment_method_id: Option<String>,
    /// The checkout session that led to the payment.
    pub session_id: Option<String>,
    /// The subscription's invoice.
    pub invoice_id: Option<String>,
    /// The link between the invoice and its payment.
    pub invoice_payment_id: Option<String>,
    /// Who pays.
    pub name: String,
    /// Where receipts go.
    pub email: String,
    /// In centavos: 150000 is $1,500.00 MXN.
    pub amount: i64,
    /// How much of it is refunded; all, unless told.
    pub refund_amount: Option<i64>,
    /// When the object was made; with the event, unless told.
    pub created: Option<DateTime<Utc>>,
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
            charge_id: None,
            refund_id: None,
            dispute_id: None,
            payment_method_id: None,
            session_id: None,
            invoice_id: None,
            invoice_payment_id: None,
            name: "María Fernanda Ríos".to_owned(),
            email: "maria.rios@example.com".to_owned(),
            amount: 150_000,
            refund_amount: None,
            created: None,
        }
    }
}

impl Sample {
    /// Decides on a payment and an invoice, so that all events made of it are about the same ones.
    #[must_use]
    pub fn one_story(mut self) -> Self {
        self.payment_intent_id.get_or_insert_with(ids::payment_intent);
        self.invoice_id.get_or_insert_with(ids::invoice);
        self
    }
}

/// What the builders of objects need: the sample with all its ids, and one moment.
struct Scene<'s> {
    sample: &'s Sample,
    at: DateTime<Utc>,
    payment_intent: String,
    charge: String,
    refund: String,
    dispute: String,
    payment_method: String,
    session: String,
    invoice: String,
}

impl<'s> Scene<'s> {
    fn new(sample: &'s Sample, at: DateTime<Utc>) -> Self {
        let or = |told: &Option<String>, else_: &dyn Fn() -> String| told.clone().unwrap_or_else(else_);
        let payment_intent = or(&sample.payment_intent_id, &ids::payment_intent);
        let charge = or(&sample.charge_id, &|| ids::charge(&payment_intent));
        Self {
            sample,
            at,
            refund: or(&sample.refund_id, &|| ids::refund(&charge)),
            dispute: or(&sample.dispute_id, &|| ids::dispute(&charge)),
            payment_method: or(&sample.payment_method_id, &|| {
                ids::payment_method(&sample.customer_id)
            }),
            session: or(&sample.session_id, &|| ids::session(&payment_intent)),
            invoice: or(&sample.invoice_id, &ids::invoice),
            payment_intent,
            charge,
        }
    }

    fn now(&self) -> i64 {
        self.at.timestamp()
    }

    fn created_at(&self) -> DateTime<Utc> {
        self.sample.created.unwrap_or(self.at)
    }

    fn created(&self) -> i64 {
        self.created_at().timestamp()
    }

    fn failed_charge(&self) -> String {
        let told = self.sample.charge_id.clone();
        told.unwrap_or_else(|| ids::failed_charge(&self.payment_intent))
    }

    fn payment_of_invoice(&self) -> String {
        let told = self.sample.payment_intent_id.clone();
        told.unwrap_or_else(|| ids::payment_of_invoice(&self.invoice))
    }

    fn invoice_payment(&self) -> String {
        let told = self.sample.invoice_payment_id.clone();
        told.unwrap_or_else(|| ids::invoice_payment(&self.invoice))
    }

    fn refund_amount(&self) -> i64 {
        self.sample.refund_amount.unwrap_or(self.sample.amount)
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
    event_named(&ids::event(is_of_payment(kind)), kind, sample, at)
}

/// The same with an id of our choice; everything in it then follows from its ids and the time.
fn event_named(id: &str, kind: &str, sample: &Sample, at: DateTime<Utc>) -> Option<Value> {
    let scene = &Scene::new(sample, at);
    let object = kinds::object(kind, scene)?;
    let previous = kinds::previous(kind, scene, &object);
    Some(envelope(id, kind, &object, previous, at))
}

/// The same as an account with a default version of before 2025-03-31.basil has it. Unlike [`old_shape`], which has
/// only the event to go by, it knows the payment of an invoice that the sample names.
#[must_use]
pub fn old_event(kind: &str, sample: &Sample, at: DateTime<Utc>) -> Option<Value> {
    let mut event = old_shape(event(kind, sample, at)?);
    if let Some(payment) = &sample.payment_intent_id {
        old::name_payment(&mut event, payment, sample.charge_id.as_deref());
    }
    Some(event)
}

/// Payments, their charges and refunds get another prefix in the ids of their events.
fn is_of_payment(kind: &str) -> bool {
    ["payment_intent.", "charge.", "refund."]
        .iter()
        .any(|family| kind.starts_with(family))
}

/// The event around an object.
fn envelope(id: &str, kind: &str, object: &Value, previous: Option<Value>, at: DateTime<Utc>) -> Value {
    // What a customer's request set off names it; what Stripe did by itself (renewals) does not.
    let request = if is_of_payment(kind) {
        let key = format!("onlycar-{}", ids::of(id, "idempotency key", 24));
        json!({ "id": format!("req_{}", ids::of(id, "request", 14)), "idempotency_key": key })
    } else {
        json!({ "id": null, "idempotency_key": null })
    };
    let data = previous.map_or_else(
        || json!({ "object": object }),
        |previous| json!({ "object": object, "previous_attributes": previous }),
    );
    json!({
        "id": id,
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

//! Stripe's objects as our handlers need them, from the shape of any API version (newer paths first; the changes
//! are those of Stripe's changelog for 2025-03-31.basil).

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::read::{Object, Unreadable};
use crate::ground::facts::PaymentError;
use crate::ground::values::{ContractId, Money, ServiceId};

const OBJECT: &str = "/data/object";

/// How far an object has come. From `SETTLED` on it is final, and nothing lower is written over it.
pub type Rank = i16;

/// The first final rank.
pub const SETTLED: Rank = 90;

/// A PaymentIntent.
pub struct PaymentIntent {
    pub id: String,
    pub status: String,
    pub amount: Money,
    pub received: Money,
    pub customer: Option<String>,
    /// `metadata.service_id`, when it is an id at all.
    pub service: Option<ServiceId>,
    pub charge: Option<String>,
    /// Before basil only: newer versions do not tell that a payment belongs to an invoice.
    pub invoice: Option<String>,
    pub error: Option<PaymentError>,
    pub livemode: Option<bool>,
}

impl PaymentIntent {
    /// Reads the event's object.
    pub fn of(event: &Value) -> Result<Self, Unreadable> {
        let object = Object::at(event, OBJECT)?;
        let amount = object.required_money("/amount")?;
        Ok(Self {
            id: object.own_id()?,
            status: object.text("/status").unwrap_or_else(|| "unknown".to_owned()),
            amount,
            received: object
                .money("/amount_received")?
                .unwrap_or(Money::from_minor(0, amount.currency)),
            customer: object.first_id(&["/customer", "/customer_account"]),
            service: object.uuid("/metadata/service_id").map(ServiceId),
            charge: object.first_id(&["/latest_charge", "/charges/data/0"]),
            invoice: object.id("/invoice"),
            error: payment_error(object),
            livemode: object.flag("/livemode"),
        })
    }

    /// What was paid. Very old shapes lack `amount_received`.
    pub fn paid(&self) -> Money {
        if self.received.minor > 0 {
            self.received
        } else {
            self.amount
        }
    }

    /// Its place in the order of a PaymentIntent's life (docs.stripe.com/payments/paymentintents/lifecycle).
    pub fn rank(&self) -> Rank {
        match self.status.as_str() {
            "requires_payment_method" => 10,
            "requires_confirmation" => 20,
            "requires_action" => 30,
            "processing" => 40,
            "requires_capture" => 50,
            "canceled" => SETTLED,
            "succeeded" => 100,
            _ => 0,
        }
    }
}

fn payment_error(object: Object<'_>) -> Option<PaymentError> {
    let text = |field: &str| object.text(&format!("/last_payment_error{field}"));
    let code = text("/decline_code")
        .or_else(|| text("/code"))
        .or_else(|| text("/type"));
    let message = text("/message");
    (code.is_some() || message.is_some()).then(|| PaymentError {
        code: code.unwrap_or_else(|| "unknown".to_owned()),
        message: message.unwrap_or_default(),
    })
}

/// An Invoice.
pub struct Invoice {
    pub id: String,
    pub status: String,
    pub subscription: Option<String>,
    /// `metadata.contract_id` of the subscription, as copied onto the invoice.
    pub contract: Option<ContractId>,
    pub customer: Option<String>,
    pub billing_reason: Option<String>,
    pub paid: Money,
    pub paid_at: Option<DateTime<Utc>>,
    /// When the last period on it ends: the day of the next charge.
    pub period_end: Option<DateTime<Utc>>,
    settled: bool,
}

impl Invoice {
    /// Reads the event's object.
    pub fn of(event: &Value) -> Result<Self, Unreadable> {
        let object = Object::at(event, OBJECT)?;
        let lines = object.list("/lines", "/data/object/lines/data/*");
        let line_subscription = ["/subscription", "/parent/subscription_item_details/subscription"]
            .map(|path| lines.iter().find_map(|line| line.id(path)));
        let status = object.text("/status");
        let settled =
            status.as_deref().is_none_or(|status| status == "paid") || object.flag("/paid") == Some(true);
        Ok(Self {
            id: object.own_id()?,
            subscription: object
                .first_id(&["/parent/subscription_details/subscription", "/subscription"])
                .or_else(|| line_subscription.into_iter().flatten().next()),
            contract: [
                "/parent/subscription_details/metadata",
                "/subscription_details/metadata",
                "/metadata",
            ]
            .iter()
            .find_map(|path| object.uuid(&format!("{path}/contract_id")))
            .map(ContractId),
            customer: object.first_id(&["/customer", "/customer_account"]),
            billing_reason: object.text("/billing_reason"),
            paid: match object.money("/amount_paid")? {
                Some(paid) => paid,
                None => object.required_money("/total")?,
            },
            paid_at: object.time("/status_transitions/paid_at"),
            period_end: lines.iter().filter_map(|line| line.time("/period/end")).max(),
            status: status.unwrap_or_else(|| "paid".to_owned()),
            settled,
        })
    }

    /// Whether nothing is left to pay: since basil an invoice can be paid in parts.
    pub fn settled(&self) -> bool {
        self.settled
    }

    /// Whether it begins a new period. A change in the middle of one is billed too, but gives no new services.
    pub fn starts_period(&self) -> bool {
        !matches!(
            self.billing_reason.as_deref(),
            Some("subscription_update" | "subscription_threshold")
        )
    }

    /// Its place in the order of an invoice's life (docs.stripe.com/invoicing/overview).
    pub fn rank(&self) -> Rank {
        match self.status.as_str() {
            "draft" => 10,
            "open" => 20,
            "uncollectible" => 30,
            "void" => SETTLED,
            "paid" => 100,
            _ => 0,
        }
    }
}

/// A Subscription.
pub struct Subscription {
    pub id: String,
    pub status: String,
    pub customer: Option<String>,
    /// `metadata.contract_id`, when it is an id at all.
    pub contract: Option<ContractId>,
    pub canceled_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Subscription {
    /// Reads the event's object.
    pub fn of(event: &Value) -> Result<Self, Unreadable> {
        let object = Object::at(event, OBJECT)?;
        Ok(Self {
            id: object.own_id()?,
            status: object.text("/status").unwrap_or_else(|| "unknown".to_owned()),
            customer: object.first_id(&["/customer", "/customer_account"]),
            contract: object.uuid("/metadata/contract_id").map(ContractId),
            canceled_at: object.time("/canceled_at"),
            ended_at: object.time("/ended_at"),
        })
    }
}

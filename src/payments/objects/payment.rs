//! PaymentIntents.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::{Family, Kept, Learnt, status};
use crate::ground::facts::Instructions;
use crate::ground::values::Money;
use crate::payments::order::{Rank, SETTLED};
use crate::payments::read::{Object, Unreadable};
use crate::payments::told::Told;

/// A row of `stripe.payments`.
#[derive(Debug, Serialize)]
#[allow(clippy::struct_field_names)] // the columns are Stripe's words
pub struct Payment {
    pub id: String,
    /// `metadata.service_id`, when it is an id at all. The service that it is for may be known from elsewhere.
    pub metadata_servicio_id: Option<Uuid>,
    pub customer_id: Option<String>,
    pub status: String,
    pub amount: Decimal,
    pub amount_received: Decimal,
    pub currency: String,
    pub charge_id: Option<String>,
    /// Before basil only: newer versions do not tell that a payment belongs to an invoice.
    pub invoice_id: Option<String>,
    pub payment_method_id: Option<String>,
    pub payment_method_type: Option<String>,
    pub paid_at: Option<DateTime<Utc>>,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    pub instructions: Option<Instructions>,
    pub instructions_url: Option<String>,
    pub instructions_expire: Option<DateTime<Utc>>,
    pub amount_remaining: Option<Decimal>,
    pub canceled_at: Option<DateTime<Utc>>,
    pub cancellation_reason: Option<String>,
    pub livemode: Option<bool>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Kept for Payment {
    const FAMILY: Family = Family::PaymentIntent;
    const TABLE: &'static str = "stripe.payments";
    const PERSONAL: &'static [&'static str] = &["failure_message", "instructions_url"];
    const LEARNT: &'static [(&'static str, Learnt)] =
        &[("invoice_id", Learnt::Known), ("paid_at", Learnt::Earliest)];

    fn read(object: Object<'_>, told: &Told) -> Result<Self, Unreadable> {
        let amount = object.required_money("/amount")?;
        let status = status_told(status(object), told);
        let paid = status == "succeeded";
        let received = object.money("/amount_received")?;
        let error = |field: &str| object.text(&format!("/last_payment_error{field}"));
        let failed = !paid
            && error("/type")
                .or_else(|| error("/message"))
                .or_else(|| error("/code"))
                .is_some();
        let code = error("/decline_code")
            .or_else(|| error("/code"))
            .or_else(|| error("/type"));
        let outside = Outside::of(object);
        Ok(Self {
            id: object.own_id()?,
            metadata_servicio_id: object.uuid("/metadata/service_id"),
            customer_id: object.first_id(&["/customer", "/customer_account"]),
            amount: amount.decimal(),
            amount_received: received_by(paid, amount, received).decimal(),
            currency: amount.currency.code().to_owned(),
            charge_id: object.first_id(&["/latest_charge", "/charges/data/0"]),
            invoice_id: object.id("/invoice"),
            payment_method_id: object.first_id(&["/payment_method", "/source"]),
            payment_method_type: method_type(object),
            paid_at: paid.then_some(told.at),
            failure_code: failed.then(|| code.unwrap_or_else(|| "unknown".to_owned())),
            failure_message: if failed { error("/message") } else { None },
            instructions: outside.as_ref().map(|it| it.by),
            instructions_expire: outside.as_ref().and_then(|it| it.expire),
            instructions_url: outside.and_then(|it| it.url),
            amount_remaining: object
                .money("/next_action/display_bank_transfer_instructions/amount_remaining")?
                .map(Money::decimal),
            canceled_at: object.time("/canceled_at"),
            cancellation_reason: object.text("/cancellation_reason"),
            livemode: object.flag("/livemode"),
            created_at: object.time("/created"),
            status,
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn rank(&self) -> Rank {
        rank(&self.status)
    }
}

/// docs.stripe.com/payments/paymentintents/lifecycle
fn rank(status: &str) -> Rank {
    match status {
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

/// A status that nobody knows, in an event that says by its name what happened, is what the event says.
fn status_told(status: String, told: &Told) -> String {
    let by_name = [
        ("payment_intent.succeeded", "succeeded"),
        ("payment_intent.canceled", "canceled"),
        ("payment_intent.payment_failed", "requires_payment_method"),
    ];
    match by_name.into_iter().find(|(event_type, _)| told.is(event_type)) {
        Some((_, known)) if rank(&status) == 0 => known.to_owned(),
        _ => status,
    }
}

/// What came in. Very old shapes lack `amount_received`.
fn received_by(paid: bool, amount: Money, received: Option<Money>) -> Money {
    match received {
        Some(received) if received.minor > 0 || !paid => received,
        _ if paid => amount,
        _ => Money::from_minor(0, amount.currency),
    }
}

/// The method that was chosen. With several allowed and none chosen, nothing is known.
fn method_type(object: Object<'_>) -> Option<String> {
    let chosen = object
        .text("/payment_method/type")
        .or_else(|| object.text("/last_payment_error/payment_method/type"));
    match (chosen, object.text("/payment_method_types/1")) {
        (None, None) => object.text("/payment_method_types/0"),
        (chosen, _) => chosen,
    }
}

/// What the payer has to do outside: take a voucher to a shop, or make a transfer.
struct Outside {
    by: Instructions,
    url: Option<String>,
    expire: Option<DateTime<Utc>>,
}

impl Outside {
    fn of(object: Object<'_>) -> Option<Self> {
        match object.text("/next_action/type")?.as_str() {
            "oxxo_display_details" => Some(Self {
                by: Instructions::Oxxo,
                url: object.page("/next_action/oxxo_display_details/hosted_voucher_url"),
                expire: object.time("/next_action/oxxo_display_details/expires_after"),
            }),
            "display_bank_transfer_instructions" => Some(Self {
                by: Instructions::Spei,
                url: object.page("/next_action/display_bank_transfer_instructions/hosted_instructions_url"),
                expire: None,
            }),
            _ => None,
        }
    }
}

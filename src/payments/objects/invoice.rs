//! Invoices of subscriptions.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::{Family, Kept, Learnt};
use crate::ground::values::Money;
use crate::payments::order::{Rank, SETTLED};
use crate::payments::read::{Object, Unreadable};
use crate::payments::told::Told;

/// A row of `stripe.invoices`.
#[derive(Debug, Serialize)]
pub struct Invoice {
    pub id: String,
    pub subscription_id: Option<String>,
    /// `metadata.contract_id` of the subscription, as copied onto the invoice.
    pub contrato_id: Option<Uuid>,
    pub customer_id: Option<String>,
    pub number: Option<String>,
    pub status: String,
    pub billing_reason: Option<String>,
    pub amount_due: Option<Decimal>,
    pub amount_paid: Decimal,
    pub amount_remaining: Option<Decimal>,
    pub currency: String,
    pub attempt_count: Option<i64>,
    pub next_payment_attempt: Option<DateTime<Utc>>,
    pub period_end: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
    pub finalized_at: Option<DateTime<Utc>>,
    pub paid_at: Option<DateTime<Utc>>,
    pub hosted_invoice_url: Option<String>,
    pub failure_code: Option<String>,
    /// Before basil only; since then `invoice_payment.paid` tells it, or Stripe when asked.
    pub payment_intent_id: Option<String>,
    pub charge_id: Option<String>,
    pub livemode: Option<bool>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Kept for Invoice {
    const FAMILY: Family = Family::Invoice;
    const TABLE: &'static str = "stripe.invoices";
    const PERSONAL: &'static [&'static str] = &["hosted_invoice_url"];
    const LEARNT: &'static [(&'static str, Learnt)] = &[
        ("contrato_id", Learnt::Known),
        ("payment_intent_id", Learnt::Known),
        ("charge_id", Learnt::Known),
        ("paid_at", Learnt::Earliest),
    ];

    fn read(object: Object<'_>, told: &Told) -> Result<Self, Unreadable> {
        let status = status(object, told);
        let paid = status == "paid";
        let total = object.signed_money("/total")?;
        let amount_paid = if let Some(paid) = object.money("/amount_paid")? {
            paid
        } else {
            let total = total.map_or_else(|| object.required_money("/total"), Ok)?;
            Money::from_minor(if paid { total.minor.max(0) } else { 0 }, total.currency)
        };
        let lines = object.list("/lines", "/data/object/lines/data/*");
        let amount = |path: &str| Ok::<_, Unreadable>(object.signed_money(path)?.map(Money::decimal));
        Ok(Self {
            id: object.own_id()?,
            subscription_id: subscription(object, &lines),
            contrato_id: contract(object),
            customer_id: object.first_id(&["/customer", "/customer_account"]),
            number: object.text("/number"),
            billing_reason: object.text("/billing_reason"),
            amount_due: amount("/amount_due")?,
            amount_paid: amount_paid.decimal(),
            amount_remaining: amount("/amount_remaining")?,
            currency: amount_paid.currency.code().to_owned(),
            attempt_count: object.count("/attempt_count"),
            next_payment_attempt: object.time("/next_payment_attempt"),
            period_end: lines.iter().filter_map(|line| line.time("/period/end")).max(),
            due_at: object.time("/due_date"),
            finalized_at: object.time("/status_transitions/finalized_at"),
            paid_at: paid.then(|| object.time("/status_transitions/paid_at").unwrap_or(told.at)),
            hosted_invoice_url: object.page("/hosted_invoice_url"),
            failure_code: object.text("/last_finalization_error/code"),
            payment_intent_id: object
                .first_id(&["/payments/data/0/payment/payment_intent", "/payment_intent"]),
            charge_id: object.first_id(&["/payments/data/0/payment/charge", "/charge"]),
            livemode: object.flag("/livemode"),
            created_at: object.time("/created"),
            status,
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    /// docs.stripe.com/invoicing/overview
    fn rank(&self) -> Rank {
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

/// Very old shapes have no `status`, but `paid`.
fn status(object: Object<'_>, told: &Told) -> String {
    let paid =
        object.flag("/paid") == Some(true) || told.is("invoice.paid") || told.is("invoice.payment_succeeded");
    object
        .text("/status")
        .unwrap_or_else(|| if paid { "paid" } else { "unknown" }.to_owned())
}

fn subscription(object: Object<'_>, lines: &[Object<'_>]) -> Option<String> {
    let of_lines = ["/subscription", "/parent/subscription_item_details/subscription"]
        .map(|path| lines.iter().find_map(|line| line.id(path)));
    object
        .first_id(&["/parent/subscription_details/subscription", "/subscription"])
        .or_else(|| of_lines.into_iter().flatten().next())
}

fn contract(object: Object<'_>) -> Option<Uuid> {
    [
        "/parent/subscription_details/metadata",
        "/subscription_details/metadata",
        "/metadata",
    ]
    .iter()
    .find_map(|path| object.uuid(&format!("{path}/contract_id")))
}

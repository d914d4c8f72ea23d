//! Invoice payments: since basil the only thing that tells which payment paid which invoice.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{Family, Kept, status};
use crate::ground::values::Money;
use crate::payments::order::{Rank, SETTLED};
use crate::payments::read::{Object, Unreadable};
use crate::payments::told::Told;

/// A row of `stripe.invoice_payments`.
#[derive(Debug, Serialize)]
pub struct InvoicePayment {
    pub id: String,
    pub invoice_id: Option<String>,
    pub payment_intent_id: Option<String>,
    pub charge_id: Option<String>,
    pub status: String,
    pub amount_paid: Option<Decimal>,
    pub currency: Option<String>,
    pub is_default: Option<bool>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Kept for InvoicePayment {
    const FAMILY: Family = Family::InvoicePayment;
    const TABLE: &'static str = "stripe.invoice_payments";

    fn read(object: Object<'_>, _told: &Told) -> Result<Self, Unreadable> {
        let amount = object.money("/amount_paid")?;
        Ok(Self {
            id: object.own_id()?,
            invoice_id: object.id("/invoice"),
            payment_intent_id: object.id("/payment/payment_intent"),
            charge_id: object.id("/payment/charge"),
            status: status(object),
            amount_paid: amount.map(Money::decimal),
            currency: amount.map(|amount| amount.currency.code().to_owned()),
            is_default: object.flag("/is_default"),
            created_at: object.time("/created"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn rank(&self) -> Rank {
        match self.status.as_str() {
            "open" => 10,
            "canceled" => SETTLED,
            "paid" => 100,
            _ => 0,
        }
    }
}

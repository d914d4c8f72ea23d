//! Charges: one try to take the money of a payment.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::{Family, Kept, status};
use crate::ground::values::Money;
use crate::payments::order::{Rank, SETTLED};
use crate::payments::read::{Object, Unreadable};
use crate::payments::told::Told;

/// A row of `stripe.charges`.
#[derive(Debug, Serialize)]
pub struct Charge {
    pub id: String,
    pub payment_intent_id: Option<String>,
    /// `metadata.service_id`: a copy of the payment's, made when the charge was.
    pub servicio_id: Option<Uuid>,
    pub customer_id: Option<String>,
    pub status: String,
    pub amount: Decimal,
    pub amount_captured: Option<Decimal>,
    pub amount_refunded: Decimal,
    pub currency: String,
    pub captured: Option<bool>,
    pub refunded: Option<bool>,
    pub disputed: Option<bool>,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    pub payment_method_id: Option<String>,
    pub payment_method_type: Option<String>,
    pub card_brand: Option<String>,
    pub card_last4: Option<String>,
    pub receipt_url: Option<String>,
    /// Null at first: the fee is known within the hour.
    pub balance_transaction_id: Option<String>,
    pub livemode: Option<bool>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Kept for Charge {
    const FAMILY: Family = Family::Charge;
    const TABLE: &'static str = "stripe.charges";
    const PERSONAL: &'static [&'static str] = &["failure_message", "card_brand", "card_last4", "receipt_url"];

    fn read(object: Object<'_>, _told: &Told) -> Result<Self, Unreadable> {
        let amount = object.required_money("/amount")?;
        let nothing = Money::from_minor(0, amount.currency);
        Ok(Self {
            id: object.own_id()?,
            payment_intent_id: object.id("/payment_intent"),
            servicio_id: object.uuid("/metadata/service_id"),
            customer_id: object.first_id(&["/customer", "/customer_account"]),
            status: status(object),
            amount: amount.decimal(),
            amount_captured: object.money("/amount_captured")?.map(Money::decimal),
            amount_refunded: object.money("/amount_refunded")?.unwrap_or(nothing).decimal(),
            currency: amount.currency.code().to_owned(),
            captured: object.flag("/captured"),
            refunded: object.flag("/refunded"),
            disputed: object.flag("/disputed"),
            failure_code: object.text("/failure_code"),
            failure_message: object.text("/failure_message"),
            payment_method_id: object.first_id(&["/payment_method", "/source"]),
            payment_method_type: object.text("/payment_method_details/type"),
            card_brand: object.text("/payment_method_details/card/brand"),
            card_last4: object.text("/payment_method_details/card/last4"),
            receipt_url: object.page("/receipt_url"),
            balance_transaction_id: object.id("/balance_transaction"),
            livemode: object.flag("/livemode"),
            created_at: object.time("/created"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    /// A charge is tried once; what changes later (capture, refunds, disputes, the fee) does not change its status.
    fn rank(&self) -> Rank {
        match self.status.as_str() {
            "pending" => 20,
            "failed" => SETTLED,
            "succeeded" => 100,
            _ => 0,
        }
    }
}

//! Refunds.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{Family, Kept, status};
use crate::payments::order::{Rank, SETTLED};
use crate::payments::read::{Object, Unreadable};
use crate::payments::told::Told;

/// A row of `stripe.refunds`.
#[derive(Debug, Serialize)]
pub struct Refund {
    pub id: String,
    pub payment_intent_id: Option<String>,
    pub charge_id: Option<String>,
    pub status: String,
    pub amount: Decimal,
    pub currency: String,
    pub reason: Option<String>,
    pub failure_reason: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Refund {
    /// Whether the money stays with us after all.
    pub fn came_to_nothing(&self) -> bool {
        matches!(self.status.as_str(), "failed" | "canceled")
    }
}

impl Kept for Refund {
    const FAMILY: Family = Family::Refund;
    const TABLE: &'static str = "stripe.refunds";

    fn read(object: Object<'_>, _told: &Told) -> Result<Self, Unreadable> {
        let amount = object.required_money("/amount")?;
        Ok(Self {
            id: object.own_id()?,
            payment_intent_id: object.id("/payment_intent"),
            charge_id: object.id("/charge"),
            status: status(object),
            amount: amount.decimal(),
            currency: amount.currency.code().to_owned(),
            reason: object.text("/reason"),
            failure_reason: object.text("/failure_reason"),
            created_at: object.time("/created"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    /// A refund that has succeeded can still fail, when the bank sends the money back (docs.stripe.com/refunds).
    fn rank(&self) -> Rank {
        match self.status.as_str() {
            "requires_action" => 10,
            "pending" => 20,
            "succeeded" => 50,
            "canceled" => SETTLED,
            "failed" => 100,
            _ => 0,
        }
    }
}

//! Disputes: a payer asked the bank for the money back.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{Family, Kept, status};
use crate::payments::order::{Rank, SETTLED};
use crate::payments::read::{Object, Unreadable};
use crate::payments::told::Told;

/// A row of `stripe.disputes`.
#[derive(Debug, Serialize)]
pub struct Dispute {
    pub id: String,
    pub charge_id: Option<String>,
    pub payment_intent_id: Option<String>,
    pub status: String,
    pub amount: Decimal,
    pub currency: String,
    pub reason: Option<String>,
    pub evidence_due_by: Option<DateTime<Utc>>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Kept for Dispute {
    const FAMILY: Family = Family::Dispute;
    const TABLE: &'static str = "stripe.disputes";

    fn read(object: Object<'_>, _told: &Told) -> Result<Self, Unreadable> {
        let amount = object.required_money("/amount")?;
        Ok(Self {
            id: object.own_id()?,
            charge_id: object.id("/charge"),
            payment_intent_id: object.id("/payment_intent"),
            status: status(object),
            amount: amount.decimal(),
            currency: amount.currency.code().to_owned(),
            reason: object.text("/reason"),
            evidence_due_by: object.time("/evidence_details/due_by"),
            created_at: object.time("/created"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    /// docs.stripe.com/disputes/how-disputes-work
    fn rank(&self) -> Rank {
        match self.status.as_str() {
            "warning_needs_response" => 10,
            "warning_under_review" => 20,
            "needs_response" => 30,
            "under_review" => 40,
            "warning_closed" => SETTLED,
            "prevented" => 91,
            "lost" => 92,
            "won" => 93,
            _ => 0,
        }
    }
}

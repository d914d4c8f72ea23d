//! Subscriptions.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{Family, Kept, status};
use crate::payments::order::{Rank, SETTLED};
use crate::payments::read::{Object, Unreadable};
use crate::payments::told::Told;

/// A row of `stripe.subscriptions`.
#[derive(Debug, Serialize)]
pub struct Subscription {
    pub id: String,
    pub customer_id: Option<String>,
    /// `metadata.contract_id`, when it is an id at all.
    pub contrato_id: Option<Uuid>,
    pub status: String,
    pub current_period_start: Option<DateTime<Utc>>,
    pub current_period_end: Option<DateTime<Utc>>,
    pub cancel_at: Option<DateTime<Utc>>,
    pub cancel_at_period_end: Option<bool>,
    pub cancellation_reason: Option<String>,
    pub canceled_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub trial_start: Option<DateTime<Utc>>,
    pub trial_end: Option<DateTime<Utc>>,
    pub price_id: Option<String>,
    pub quantity: Option<i64>,
    pub latest_invoice_id: Option<String>,
    pub default_payment_method_id: Option<String>,
    pub livemode: Option<bool>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Subscription {
    /// Whether it is on trial now, and is charged when that ends.
    pub fn goes_on_after_trial(&self) -> bool {
        let ends_with_it = self.cancel_at.is_some() && self.cancel_at <= self.trial_end;
        self.status == "trialing" && self.cancel_at_period_end != Some(true) && !ends_with_it
    }
}

impl Kept for Subscription {
    const FAMILY: Family = Family::Subscription;
    const TABLE: &'static str = "stripe.subscriptions";

    fn read(object: Object<'_>, told: &Told) -> Result<Self, Unreadable> {
        let items = object.list("/items", "/data/object/items/data/*");
        // Since basil each item has its period; with mixed intervals the smallest counts, as older versions showed it.
        let of_items = |path: &str| items.iter().filter_map(|item| item.time(path)).min();
        let period = |path: &str| of_items(path).or_else(|| object.time(path));
        let status = status(object);
        // The event that says that it ended is believed, whatever status an odd version shows.
        let ended = told.is("customer.subscription.deleted") && rank(&status) < SETTLED;
        Ok(Self {
            id: object.own_id()?,
            customer_id: object.first_id(&["/customer", "/customer_account"]),
            contrato_id: object.uuid("/metadata/contract_id"),
            status: if ended { "canceled".to_owned() } else { status },
            current_period_start: period("/current_period_start"),
            current_period_end: period("/current_period_end"),
            cancel_at: object.time("/cancel_at"),
            cancel_at_period_end: object.flag("/cancel_at_period_end"),
            cancellation_reason: object.text("/cancellation_details/reason"),
            canceled_at: object.time("/canceled_at"),
            ended_at: object.time("/ended_at"),
            trial_start: object.time("/trial_start"),
            trial_end: object.time("/trial_end"),
            price_id: items
                .first()
                .and_then(|item| item.first_id(&["/price", "/plan"]))
                .or_else(|| object.id("/plan")),
            quantity: items
                .first()
                .and_then(|item| item.count("/quantity"))
                .or_else(|| object.count("/quantity")),
            latest_invoice_id: object.id("/latest_invoice"),
            default_payment_method_id: object.first_id(&["/default_payment_method", "/default_source"]),
            livemode: object.flag("/livemode"),
            created_at: object.time("/created"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn rank(&self) -> Rank {
        rank(&self.status)
    }
}

/// docs.stripe.com/billing/subscriptions/overview. Those that go to and fro share a rank: there the time decides.
fn rank(status: &str) -> Rank {
    match status {
        "incomplete" => 10,
        "trialing" => 20,
        "active" | "past_due" | "unpaid" | "paused" => 30,
        "incomplete_expired" => SETTLED,
        "canceled" => 100,
        _ => 0,
    }
}

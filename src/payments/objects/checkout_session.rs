//! Checkout Sessions: what a Payment Link opens.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::{Family, Kept, status};
use crate::ground::values::Money;
use crate::payments::order::{Rank, SETTLED};
use crate::payments::read::{Object, Unreadable};
use crate::payments::told::Told;

/// A row of `stripe.checkout_sessions`.
#[derive(Debug, Serialize)]
pub struct CheckoutSession {
    pub id: String,
    pub payment_intent_id: Option<String>,
    pub subscription_id: Option<String>,
    /// `metadata.service_id`, when it is an id at all.
    pub servicio_id: Option<Uuid>,
    /// `metadata.contract_id`, when it is an id at all.
    pub contrato_id: Option<Uuid>,
    pub customer_id: Option<String>,
    pub mode: Option<String>,
    pub status: String,
    pub payment_status: Option<String>,
    pub amount_total: Option<Decimal>,
    pub currency: Option<String>,
    pub client_reference_id: Option<String>,
    pub payment_link_id: Option<String>,
    pub livemode: Option<bool>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Kept for CheckoutSession {
    const FAMILY: Family = Family::CheckoutSession;
    const TABLE: &'static str = "stripe.checkout_sessions";
    const PERSONAL: &'static [&'static str] = &["client_reference_id"];

    fn read(object: Object<'_>, _told: &Told) -> Result<Self, Unreadable> {
        let total = object.money("/amount_total")?;
        Ok(Self {
            id: object.own_id()?,
            payment_intent_id: object.id("/payment_intent"),
            subscription_id: object.id("/subscription"),
            servicio_id: object.uuid("/metadata/service_id"),
            contrato_id: object.uuid("/metadata/contract_id"),
            customer_id: object.first_id(&["/customer", "/customer_account"]),
            mode: object.text("/mode"),
            status: status(object),
            payment_status: object.text("/payment_status"),
            amount_total: total.map(Money::decimal),
            currency: total.map(|total| total.currency.code().to_owned()),
            client_reference_id: object.text("/client_reference_id"),
            payment_link_id: object.id("/payment_link"),
            livemode: object.flag("/livemode"),
            created_at: object.time("/created"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    /// `complete` with `unpaid` waits for cash or a transfer (docs.stripe.com/checkout/fulfillment).
    fn rank(&self) -> Rank {
        let paid = matches!(
            self.payment_status.as_deref(),
            Some("paid" | "no_payment_required")
        );
        match self.status.as_str() {
            "open" => 10,
            "complete" if !paid => 40,
            "expired" => SETTLED,
            "complete" => 100,
            _ => 0,
        }
    }
}

//! Payment methods.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Family, Kept};
use crate::payments::order::{Rank, SETTLED};
use crate::payments::read::{Object, Unreadable};
use crate::payments::told::Told;

/// A row of `stripe.payment_methods`.
#[derive(Debug, Serialize)]
pub struct PaymentMethod {
    pub id: String,
    pub customer_id: Option<String>,
    pub attached: bool,
    pub r#type: String,
    pub card_brand: Option<String>,
    pub card_last4: Option<String>,
    pub exp_month: Option<i64>,
    pub exp_year: Option<i64>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Kept for PaymentMethod {
    const FAMILY: Family = Family::PaymentMethod;
    const TABLE: &'static str = "stripe.payment_methods";
    const PERSONAL: &'static [&'static str] = &["card_brand", "card_last4", "exp_month", "exp_year"];

    fn read(object: Object<'_>, told: &Told) -> Result<Self, Unreadable> {
        let owner = object.first_id(&["/customer", "/customer_account"]);
        // Older versions still name the customer it was detached from.
        let customer_id = owner.filter(|_| !told.is("payment_method.detached"));
        Ok(Self {
            id: object.own_id()?,
            attached: customer_id.is_some(),
            customer_id,
            r#type: object.text("/type").unwrap_or_else(|| "unknown".to_owned()),
            card_brand: object.text("/card/brand"),
            card_last4: object.text("/card/last4"),
            exp_month: object
                .count("/card/exp_month")
                .filter(|month| (1..=12).contains(month)),
            exp_year: object
                .count("/card/exp_year")
                .filter(|year| (2000..=9999).contains(year)),
            created_at: object.time("/created"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    /// A payment method that was detached cannot be attached again (docs.stripe.com/api/payment_methods/detach).
    fn rank(&self) -> Rank {
        if self.attached { 10 } else { SETTLED }
    }
}

//! Customers.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{Family, Kept};
use crate::payments::order::{Rank, SETTLED};
use crate::payments::read::{Object, Unreadable};
use crate::payments::told::Told;

/// A row of `stripe.customers`.
#[derive(Debug, Serialize)]
pub struct Customer {
    pub id: String,
    pub email: Option<String>,
    /// `metadata.cliente_id`, when it is an id at all.
    pub cliente_id: Option<Uuid>,
    pub default_payment_method_id: Option<String>,
    pub delinquent: Option<bool>,
    pub deleted: bool,
    pub livemode: Option<bool>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Kept for Customer {
    const FAMILY: Family = Family::Customer;
    const TABLE: &'static str = "stripe.customers";
    const PERSONAL: &'static [&'static str] = &["email"];

    fn read(object: Object<'_>, told: &Told) -> Result<Self, Unreadable> {
        let id = object.own_id()?;
        // Of a deleted customer some versions show all, some three keys; only the id is kept either way.
        if told.is("customer.deleted") || object.flag("/deleted") == Some(true) {
            return Ok(Self::deleted(id));
        }
        Ok(Self {
            id,
            email: object.text("/email"),
            cliente_id: object
                .uuid("/metadata/cliente_id")
                .or_else(|| object.uuid("/metadata/client_id")),
            default_payment_method_id: object
                .first_id(&["/invoice_settings/default_payment_method", "/default_source"]),
            delinquent: object.flag("/delinquent"),
            deleted: false,
            livemode: object.flag("/livemode"),
            created_at: object.time("/created"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn rank(&self) -> Rank {
        if self.deleted { SETTLED } else { 10 }
    }
}

impl Customer {
    fn deleted(id: String) -> Self {
        Self {
            id,
            email: None,
            cliente_id: None,
            default_payment_method_id: None,
            delinquent: None,
            deleted: true,
            livemode: None,
            created_at: None,
        }
    }
}

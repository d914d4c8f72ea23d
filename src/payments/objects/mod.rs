//! Stripe's objects as we keep them: one struct per family, its fields are the columns of its table. Each is read from
//! the shape of any API version, newer paths first (the changes are those of Stripe's changelog for 2025-03-31.basil).

mod charge;
mod checkout_session;
mod customer;
mod dispute;
mod invoice;
mod invoice_payment;
mod payment;
mod payment_method;
mod refund;
mod subscription;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use charge::Charge;
pub use checkout_session::CheckoutSession;
pub use customer::Customer;
pub use dispute::Dispute;
pub use invoice::Invoice;
pub use invoice_payment::InvoicePayment;
pub use payment::Payment;
pub use payment_method::PaymentMethod;
pub use refund::Refund;
pub use subscription::Subscription;

use super::order::Rank;
use super::read::{Object, Unreadable};
use super::told::Told;

/// A kind of object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    PaymentIntent,
    Charge,
    Refund,
    Dispute,
    Customer,
    PaymentMethod,
    Subscription,
    Invoice,
    InvoicePayment,
    CheckoutSession,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::PaymentIntent,
        Self::Charge,
        Self::Refund,
        Self::Dispute,
        Self::Customer,
        Self::PaymentMethod,
        Self::Subscription,
        Self::Invoice,
        Self::InvoicePayment,
        Self::CheckoutSession,
    ];

    /// Where Stripe's API has them, below `/v1/`.
    pub fn path(self) -> &'static str {
        match self {
            Self::PaymentIntent => "payment_intents",
            Self::Charge => "charges",
            Self::Refund => "refunds",
            Self::Dispute => "disputes",
            Self::Customer => "customers",
            Self::PaymentMethod => "payment_methods",
            Self::Subscription => "subscriptions",
            Self::Invoice => "invoices",
            Self::InvoicePayment => "invoice_payments",
            Self::CheckoutSession => "checkout/sessions",
        }
    }

    /// What its objects say they are.
    pub fn object(self) -> &'static str {
        match self {
            Self::PaymentIntent => "payment_intent",
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::Customer => "customer",
            Self::PaymentMethod => "payment_method",
            Self::Subscription => "subscription",
            Self::Invoice => "invoice",
            Self::InvoicePayment => "invoice_payment",
            Self::CheckoutSession => "checkout.session",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.object())
    }
}

/// How a column that is learnt, and no part of the snapshot, takes in what is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Learnt {
    /// A value stays until a newer version tells another.
    Known,
    /// The earliest time told.
    Earliest,
}

/// An object that has a table.
pub trait Kept: Serialize + Send + Sync {
    /// Which kind.
    const FAMILY: Family;
    /// Its table.
    const TABLE: &'static str;
    /// The columns that versions of the API or other events may leave out. The rest is a snapshot.
    const LEARNT: &'static [(&'static str, Learnt)] = &[];
    /// The columns that show a person, or a page that does: of a client who was erased they stay empty.
    const PERSONAL: &'static [&'static str] = &[];

    /// Reads it.
    fn read(object: Object<'_>, told: &Told) -> Result<Self, Unreadable>
    where
        Self: Sized;

    /// Stripe's id of it.
    fn id(&self) -> &str;

    /// Its place in the order of its life.
    fn rank(&self) -> Rank;
}

/// A status that no version of the API leaves out, in whatever words a newer one has for it.
fn status(object: Object<'_>) -> String {
    object.text("/status").unwrap_or_else(|| "unknown".to_owned())
}

//! What facts are told with.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ground::values::ContractId;

/// The payment of a subscription's period.
#[derive(Clone, Debug)]
pub struct PeriodPayment {
    /// Stripe's invoice, `in_…`.
    pub invoice: String,
    /// What was paid.
    pub amount: Decimal,
    /// In which currency.
    pub currency: String,
    /// When.
    pub paid_at: DateTime<Utc>,
}

/// Where a subscription stands at Stripe, all told.
#[derive(Clone, Debug)]
pub struct SubscriptionStanding {
    /// Stripe's subscription, `sub_…`.
    pub subscription: String,
    /// The contract that it names, if it does.
    pub contract: Option<ContractId>,
    /// When it ended, if it did.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether a payment is due that could not be charged.
    pub behind: bool,
    /// When the next charge comes.
    pub next_charge_at: Option<DateTime<Utc>>,
    /// Whether none comes any more: it ended, or will with its period.
    pub charged_out: bool,
    /// The last payment.
    pub last_payment: Option<PeriodPayment>,
    /// The invoice that began the period that is paid: a new one gives new services.
    pub period: Option<String>,
}

/// A document of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Document {
    /// Row of `facturas_emitidas`.
    Invoice(Uuid),
    /// Row of `contratos_firmados`.
    Contract(Uuid),
}

/// How far the mirror at the edge is behind.
#[derive(Clone, Debug)]
pub struct Behind {
    /// For how long a change was not shown.
    pub minutes: i64,
    /// How many documents wait.
    pub documents: i64,
    /// What the mirror's keeper said last, in Spanish for the team.
    pub reason: Option<String>,
}

/// How a payment can be made outside of Stripe's pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instructions {
    /// With a voucher, in cash at a shop.
    Oxxo,
    /// By bank transfer.
    Spei,
}

/// How whoever pays at the counter can be reached.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// A mail address.
    pub email: Option<String>,
    /// A telephone number, E.164.
    pub phone: Option<String>,
}

/// What becomes of a payment at the counter.
#[derive(Clone, Debug)]
pub enum CounterInvoice {
    /// The client makes the own invoice, in Gigstack's portal.
    SelfService(Contact),
    /// The month's global invoice holds it.
    Global,
}

/// A file of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentFile {
    /// The table of the document: `facturas_emitidas`, `contratos_firmados`.
    pub kind: &'static str,
    /// Its row there.
    pub document: Uuid,
    /// Which file of it: `xml`, `pdf`, `acuse`, `original`, `evidencia`.
    pub part: &'static str,
    /// Its key in the store.
    pub key: String,
}

/// Files that are not in the store as they were stored, all that are known now.
#[derive(Clone, Debug)]
pub struct FaultyFiles {
    /// Those that are not there: how many, and the key of one.
    pub missing: Option<(i64, String)>,
    /// Those that have other bytes.
    pub altered: Option<(i64, String)>,
}

/// A file of a document, as it was stored.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// Which.
    pub file: DocumentFile,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// How many there are.
    pub bytes: u64,
    /// The store's own name for them.
    pub etag: String,
    /// The host that it was downloaded from; none when we made it, were given it, or found it stored already.
    pub source: Option<String>,
}

/// An event or a job whose handler did not end.
#[derive(Clone, Debug)]
pub struct Closed {
    /// Whether it is a row of `webhooks.events`; else of `engine.jobs`.
    pub is_event: bool,
    /// The event's type or the job's kind.
    pub kind: String,
    /// What it was, for people.
    pub label: String,
    /// Why.
    pub reason: String,
}

/// Where the audit log is not what was sealed or signed.
#[derive(Clone, Debug)]
pub struct BrokenLog {
    /// The first row that does not fit.
    pub row: i64,
    /// What does not fit about it, in English for the operator.
    pub reason: &'static str,
}

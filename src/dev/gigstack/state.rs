//! What the simulated team holds: receipts, invoices, answers already given, and webhooks sent.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use uuid::{Builder, Uuid};

use super::delivery::Sent;
use super::order::{Item, Order};
use crate::dev::cfdi;

/// What a customer may still have invoiced, and where.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// `receipt_…`
    pub id: String,
    /// `open`, `completed` or `cancelled`.
    pub status: &'static str,
    /// What was sold.
    pub items: Vec<Item>,
    /// As in MXN.
    pub currency: String,
    /// SAT's code of the form of payment.
    pub payment_form: String,
    /// The caller's own id of it.
    pub external_id: Option<String>,
    /// What the caller noted.
    pub metadata: Map<String, Value>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The invoice that was made from it.
    pub invoice: Option<String>,
}

impl Receipt {
    /// What was paid for all of it.
    pub fn total(&self) -> Decimal {
        self.items.iter().map(|item| item.total).sum()
    }
}

/// A stamped invoice.
#[derive(Debug, Clone)]
pub struct Invoice {
    /// `invoice_…`
    pub id: String,
    /// SAT's folio fiscal.
    pub uuid: Uuid,
    /// `stamped` or `cancelled`.
    pub status: &'static str,
    /// What was asked for.
    pub order: Order,
    /// When it was issued and stamped.
    pub created_at: DateTime<Utc>,
    /// When its cancellation was asked for, and SAT's motive.
    pub cancellation: Option<(DateTime<Utc>, String)>,
    /// When it was cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// The document.
    pub cfdi: cfdi::Invoice,
}

/// An answer given under an idempotency key, and to what.
pub(super) struct Given {
    pub(super) asked: Value,
    pub(super) answer: Value,
}

/// Nothing is ever forgotten: it lives as long as a test or a `dev`.
pub(super) struct State {
    pub(super) receipts: Vec<Receipt>,
    pub(super) invoices: Vec<Invoice>,
    pub(super) given: HashMap<String, Given>,
    pub(super) sent: Vec<Sent>,
    pub(super) asked: Vec<String>,
    pub(super) leaked_tokens: usize,
    /// How much larger every PDF is than it need be.
    pub(super) pdf_zeros: usize,
    chance: StdRng,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            receipts: Vec::new(),
            invoices: Vec::new(),
            given: HashMap::new(),
            sent: Vec::new(),
            asked: Vec::new(),
            leaked_tokens: 0,
            pdf_zeros: 0,
            chance: StdRng::seed_from_u64(seed),
        }
    }

    /// As in `invoice_8Tq…`.
    pub(super) fn new_id(&mut self, prefix: &str) -> String {
        const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let letters = (0..20).filter_map(|_| LETTERS.get(self.chance.random_range(0..LETTERS.len())));
        let letters: String = letters.copied().map(char::from).collect();
        format!("{prefix}_{letters}")
    }

    pub(super) fn new_uuid(&mut self) -> Uuid {
        Builder::from_random_bytes(self.chance.random()).into_uuid()
    }

    /// The number of the next invoice in its series.
    pub(super) fn next_folio(&self) -> usize {
        self.invoices.len() + 1
    }

    /// By Gigstack's id or by SAT's, in either case of letters.
    pub(super) fn invoice(&self, name: &str) -> Option<&Invoice> {
        self.invoices.iter().find(|invoice| is_named(invoice, name))
    }

    pub(super) fn invoice_mut(&mut self, name: &str) -> Option<&mut Invoice> {
        self.invoices.iter_mut().find(|invoice| is_named(invoice, name))
    }

    pub(super) fn receipt(&self, id: &str) -> Option<&Receipt> {
        self.receipts.iter().find(|receipt| receipt.id == id)
    }

    pub(super) fn receipt_mut(&mut self, id: &str) -> Option<&mut Receipt> {
        self.receipts.iter_mut().find(|receipt| receipt.id == id)
    }
}

fn is_named(invoice: &Invoice, name: &str) -> bool {
    invoice.id == name || invoice.uuid.to_string().eq_ignore_ascii_case(name)
}

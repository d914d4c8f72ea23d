//! What the global invoice of a month would hold, and what became of it so far.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::engine::Failure;
use crate::ground::values::{Currency, Month};
use crate::invoicing::store::requests::{self, Unmade};
use crate::invoicing::store::sales::{self, Open, PER_DOCUMENT, Requested};
use crate::tools::db::Db;

/// A month.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// As in 2026-11.
    pub month: String,
    /// When it ends, in Nuevo Laredo.
    pub ends_at: DateTime<Utc>,
    /// Whether it has.
    pub over: bool,
    /// Sales that no request has.
    pub open: Vec<Open>,
    /// What of them is paid how, by SAT's code.
    pub by_payment_form: BTreeMap<String, Decimal>,
    /// All of it.
    pub total: Decimal,
    /// The documents that they would make.
    pub documents: Vec<Document>,
    /// Sales in another currency: a global invoice is in pesos.
    pub foreign: Vec<Open>,
    /// What was asked for already.
    pub requests: Vec<Requested>,
    /// Services whose clients were sent to make their own invoice and have not.
    pub self_invoices: Vec<Unmade>,
}

/// A document to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// How many sales.
    pub sales: usize,
    /// What was paid for them.
    pub amount: Decimal,
    /// `FormaPago`: that of the largest sale.
    pub payment_form: String,
}

/// Looks at a month; changes nothing.
pub async fn preview(pool: &Db, month: Month, now: DateTime<Utc>) -> Result<Preview, Failure> {
    let open = sales::open(pool, month).await?;
    let (open, foreign): (Vec<_>, Vec<_>) = open
        .into_iter()
        .partition(|sale| sale.currency == Currency::MXN.code());
    let mut by_payment_form: BTreeMap<String, Decimal> = BTreeMap::new();
    for sale in &open {
        *by_payment_form.entry(sale.payment_form.clone()).or_default() += sale.amount;
    }
    Ok(Preview {
        month: month.to_string(),
        ends_at: month.next().start(),
        over: month.next().start() <= now,
        by_payment_form,
        total: open.iter().map(|sale| sale.amount).sum(),
        documents: open
            .chunks(usize::from(PER_DOCUMENT))
            .filter_map(document)
            .collect(),
        open,
        foreign,
        requests: sales::parts(pool, month).await?,
        self_invoices: requests::unmade(pool, month).await?,
    })
}

fn document(sales: &[Open]) -> Option<Document> {
    let largest = sales.iter().max_by_key(|sale| (sale.amount, sale.service))?;
    Some(Document {
        sales: sales.len(),
        amount: sales.iter().map(|sale| sale.amount).sum(),
        payment_form: largest.payment_form.clone(),
    })
}

//! `onlycar global-invoice preview`

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;

use crate::cli::database::DevFolder;
use crate::cli::{Outcome, say};
use crate::ground::clock::{BUSINESS_ZONE, Clock};
use crate::ground::values::Month;
use crate::invoicing::global::preview::{self, Document};

/// Show what the global invoice of a month would hold, and what was asked for already
///
/// Lists the sales at the counter that no request has yet: folio, time in Nuevo Laredo, amount and SAT's code of how it
/// was paid (01 cash, 04 credit card, 28 debit card). SAT wants the document to name the form of payment of its largest
/// sale. Changes nothing.
///
/// Services whose clients were sent to make their own invoice are listed apart: they are not included, because Gigstack
/// itself puts receipts that nobody invoiced into a global invoice at the end of the month, and they would be in two.
///
/// Example: onlycar global-invoice preview --month 2026-11
#[derive(Args)]
pub struct Preview {
    /// The month, in Nuevo Laredo
    #[arg(long, value_name = "YYYY-MM")]
    month: Month,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Preview {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let pool = self.dev.connect().await?;
        let found = preview::preview(&pool, self.month, Clock::system().now()).await;
        let found = found.context("the month could not be looked up")?;
        say(if self.json {
            serde_json::to_string_pretty(&found)?
        } else {
            tell(&found)
        })?;
        Ok(Outcome::Done)
    }
}

fn local(at: DateTime<Utc>) -> impl std::fmt::Display {
    at.with_timezone(&BUSINESS_ZONE).format("%Y-%m-%d %H:%M:%S %Z")
}

fn tell(found: &preview::Preview) -> String {
    let mut lines: Vec<String> = found
        .open
        .iter()
        .map(|sale| {
            let at = local(sale.sold_at);
            format!("{}  {at}  {:>12}  {}", sale.folio, sale.amount, sale.payment_form)
        })
        .collect();
    lines.push(summary(found));
    let forms = &found.by_payment_form;
    lines.extend(
        forms
            .iter()
            .map(|(form, amount)| format!("  paid by {form}: {amount}")),
    );
    lines.extend(found.documents.iter().map(document));
    lines.extend(requests(found));
    lines.extend(left_out(found));
    lines.push(next_step(found));
    lines.join("\n")
}

fn summary(found: &preview::Preview) -> String {
    let ends = local(found.ends_at);
    let ends = if found.over {
        format!("it ended {ends}")
    } else {
        format!("it ends {ends}")
    };
    let (month, count, total) = (&found.month, found.open.len(), found.total);
    format!("{month}: {count} open sales, {total} MXN; {ends}")
}

fn document(document: &Document) -> String {
    let Document {
        sales,
        amount,
        payment_form,
    } = document;
    format!(
        "  one document: {sales} sales, {amount} MXN, FormaPago {payment_form}, as its largest sale was paid"
    )
}

fn requests(found: &preview::Preview) -> impl Iterator<Item = String> {
    found.requests.iter().map(|part| {
        let at = local(part.asked_at);
        let invoice = match (part.uuid_sat, &part.invoice_state) {
            (Some(uuid), Some(state)) => format!("invoice {uuid} {state}"),
            _ => "not stamped yet".to_owned(),
        };
        format!(
            "asked for, part {}: {}  {at}  {}: {} sales, {} MXN, {} reconciled; {invoice}",
            part.part, part.request, part.state, part.sales, part.amount, part.reconciled
        )
    })
}

fn left_out(found: &preview::Preview) -> Vec<String> {
    let foreign = found.foreign.iter().map(|sale| {
        format!(
            "not included: {} of {} {}; a global invoice is in pesos",
            sale.folio, sale.amount, sale.currency
        )
    });
    let unmade = found.self_invoices.iter().map(|unmade| {
        format!(
            "not included: service {} of {}, whose client has not made the own invoice ({})",
            unmade.service, unmade.amount, unmade.state
        )
    });
    let mut lines: Vec<String> = foreign.chain(unmade).collect();
    if !found.self_invoices.is_empty() {
        lines.push(
            "Gigstack itself puts receipts that nobody invoiced into a global invoice at the end of the month: \
             look there that it did"
                .to_owned(),
        );
    }
    lines
}

fn next_step(found: &preview::Preview) -> String {
    let month = &found.month;
    let waits = found.requests.iter().any(|part| part.state == "requested");
    match (found.open.is_empty(), waits, found.over) {
        (true, false, _) => "nothing is to be done".to_owned(),
        (_, _, false) => "a running server makes the invoice when the month is over".to_owned(),
        (false, _, true) if found.requests.is_empty() => format!(
            "a running server makes the invoice within minutes (unless invoicing.global_every_month is off); by hand: \
             onlycar global-invoice run --month {month}"
        ),
        (false, _, true) => {
            format!("these are left to a person: onlycar global-invoice run --month {month}")
        }
        (true, true, true) => format!(
            "what is not stamped yet is tried again by itself; at once: onlycar global-invoice run --month {month}"
        ),
    }
}

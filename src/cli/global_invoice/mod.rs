//! `onlycar global-invoice`

mod preview;
mod run;

use clap::Subcommand;

use super::Outcome;

/// The monthly invoice of the sales that have none of their own
///
/// On day 1, at 00:15 in Nuevo Laredo, a running server makes the invoice of the month before by itself. These commands
/// look at a month, and make its invoice by hand: what is left of a month, or after an invoice was cancelled.
///
/// Example: onlycar global-invoice preview --month 2026-11
#[derive(Subcommand)]
pub enum GlobalInvoice {
    Preview(preview::Preview),
    Run(run::Run),
}

impl GlobalInvoice {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Preview(preview) => preview.run().await,
            Self::Run(run) => run.run().await,
        }
    }
}

//! `onlycar global-invoice run`

use anyhow::Context;
use clap::Args;
use serde_json::json;

use crate::cli::console::console;
use crate::cli::database::DevFolder;
use crate::cli::{Outcome, Usage, say};
use crate::ground::values::Month;
use crate::invoicing::global;

/// Make the global invoice of a month now
///
/// Gigstack is asked again for what was asked before and is not stamped yet, with the same key, so that nothing is
/// stamped twice. Then the sales that no request has are claimed and asked for, as one more part of the month: also those
/// that a cancelled invoice gave back, and those that came too late, which no schedule takes. A running server does the
/// rest; this command does not wait for it.
///
/// Example: onlycar global-invoice run --month 2026-11
#[derive(Args)]
pub struct Run {
    /// The month, in Nuevo Laredo
    #[arg(long, value_name = "YYYY-MM")]
    month: Month,
    /// Also when the month is not over: what is sold later is left to another run by hand
    #[arg(long)]
    early: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Run {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let machine = self.dev.machine().await?;
        let over = self.month.next().start() <= machine.engine.clock.now();
        if !over && !self.early {
            let month = self.month;
            return Err(Usage(format!(
                "{month} is not over yet in Nuevo Laredo\n\
                 hint: a running server makes its invoice by itself when it is; --early makes one of what was sold so far"
            ))
            .into());
        }
        let run = global::run(&machine.engine, console(), self.month).await;
        let run = run.context("the month could not be asked for")?;
        say(if self.json {
            let new = run
                .new
                .iter()
                .map(|asked| json!({ "request": asked.request, "part": asked.part, "sales": asked.sales }));
            let new: Vec<_> = new.collect();
            let month = self.month.to_string();
            serde_json::to_string_pretty(&json!({ "month": month, "asked_again": run.again, "asked": new }))?
        } else {
            tell(self.month, &run)
        })?;
        Ok(Outcome::Done)
    }
}

fn tell(month: Month, run: &global::Run) -> String {
    let again = run.again.iter().map(|request| format!("asked again  {request}"));
    let new = run.new.iter().map(|asked| {
        format!(
            "asked        {}  part {}, {} sales",
            asked.request, asked.part, asked.sales
        )
    });
    let mut lines: Vec<String> = again.chain(new).collect();
    lines.push(if lines.is_empty() {
        format!("nothing is open in {month}: no sale waits for an invoice")
    } else {
        format!("a running server asks Gigstack now; watch it with: onlycar global-invoice preview --month {month}")
    });
    lines.join("\n")
}

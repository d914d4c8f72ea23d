//! `onlycar reconcile`

use std::io::{IsTerminal, Write};

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::database::DevFolder;
use super::when::when;
use super::{Outcome, say};
use crate::app::Machine;
use crate::engine::reconciliation::{Drift, Drifted, Report};
use crate::ground::clock::Clock;
use crate::payments::Reconcile;
use crate::payments::reconcile::{self, KEPT};

/// Ask a provider what we may have missed, and put it right
///
/// Lists the provider's events and compares: `missing` never came, `stale` rows show an older version of the object,
/// `mismatched` rows show the same version with other content. Missing events go through the same door as a webhook,
/// and the provider is asked for each object that differs; a running server then handles both. It also runs by itself
/// every hour.
///
/// --dry-run only prints what was found.
///
/// Example: onlycar reconcile stripe --since 72h --dry-run
#[derive(Args)]
pub struct Command {
    /// Whom to ask
    provider: Provider,
    /// Since when: a span such as 90m, 72h or 7d, or a time such as 2026-11-22T00:00:00Z; Stripe keeps 30 days
    #[arg(long, value_name = "WHEN", default_value = "72h")]
    since: String,
    /// Change nothing: print what would be put right
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

#[derive(Clone, Copy, ValueEnum)]
enum Provider {
    Stripe,
    /// Every provider there is
    All,
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        // Stripe is the only one so far.
        let (Provider::Stripe | Provider::All) = self.provider;
        let machine = self.dev.machine().await?;
        let now = Clock::system().now();
        let since = when("--since", &self.since, now)?;
        if since < now - KEPT {
            warn("Stripe keeps its events for 30 days: what is older cannot be compared")?;
        }
        let report = self.look(&machine, since).await?;
        let repaired = !self.dry_run && self.ask_for_drifted(&machine, &report).await?;
        say(if self.json {
            serde_json::to_string_pretty(&report)?
        } else {
            tell(&report, repaired)
        })?;
        Ok(Outcome::Done)
    }

    async fn look(&self, machine: &Machine, since: DateTime<Utc>) -> anyhow::Result<Report> {
        let reconcile = Reconcile::new(&machine.engine, machine.stripe.clone(), machine.api.clone());
        let shown = !self.json && std::io::stderr().is_terminal();
        let progress = |listed: u64| {
            if shown {
                let _ = write!(std::io::stderr(), "\r{listed} events compared ");
            }
        };
        let report = reconcile.look(since, !self.dry_run, &progress).await;
        if shown {
            let _ = writeln!(std::io::stderr());
        }
        report.context("Stripe could not be asked\nhint: is STRIPE_SECRET_KEY set, and may it read events?")
    }

    /// Whether anything was put right.
    async fn ask_for_drifted(&self, machine: &Machine, report: &Report) -> anyhow::Result<bool> {
        for drifted in &report.drifted {
            if let Some(question) = reconcile::question(drifted) {
                question.ask_now(&machine.engine).await?;
            }
        }
        Ok(!report.drifted.is_empty() || !report.missing.is_empty())
    }
}

fn warn(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr(), "{text}")?)
}

fn tell(report: &Report, repaired: bool) -> String {
    let mut lines: Vec<String> = report
        .missing
        .iter()
        .map(|event| {
            let at = event.occurred_at.format("%Y-%m-%d %H:%M:%SZ");
            format!("missing     {:34} {}  {at}", event.event_type, event.event_id)
        })
        .collect();
    lines.extend(report.drifted.iter().map(differences));
    lines.extend(report.unfinished.iter().map(|event| {
        format!(
            "unfinished  {:34} {}  {}",
            event.event_type, event.event_id, event.state
        )
    }));
    let Report {
        listed,
        missing,
        drifted,
        ..
    } = report;
    let since = report.since.format("%Y-%m-%d %H:%M:%SZ");
    lines.push(format!(
        "{listed} events since {since}: {} missing, {} of our rows differ",
        missing.len(),
        drifted.len(),
    ));
    if repaired {
        lines.push(
            "what is missing is in the inbox now, and Stripe is asked for what differs; \
                    a running server handles both: onlycar events list --since 10m"
                .to_owned(),
        );
    } else if !missing.is_empty() || !drifted.is_empty() {
        lines.push("nothing was changed; without --dry-run it is put right".to_owned());
    }
    lines.join("\n")
}

fn differences(drifted: &Drifted) -> String {
    let word = match drifted.drift {
        Drift::Stale => "stale",
        Drift::Mismatched => "mismatched",
    };
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let columns = drifted
        .columns
        .iter()
        .map(|(name, ours, theirs)| format!("{name} {} -> {}", shown(ours), shown(theirs)));
    let columns: Vec<String> = columns.collect();
    format!(
        "{word:11} {:34} {}  {}",
        drifted.object,
        drifted.id,
        columns.join(", ")
    )
}

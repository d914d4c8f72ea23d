//! `onlycar reconcile`

use std::io::{IsTerminal, Write};

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::console::{console, note};
use super::database::DevFolder;
use super::when::when;
use super::{Outcome, Usage, say};
use crate::app::Machine;
use crate::engine::reconciliation::{Drift, Drifted, Report};
use crate::ground::clock::Clock;
use crate::payments::Reconcile;
use crate::payments::reconcile::{self, KEPT};

/// Ask a provider what we may have missed, and put it right
///
/// Compares what the provider has with what we have: `missing` never came, `stale` rows show an older version (an invoice
/// that was cancelled, a document that is not stored), `mismatched` rows show the same version with other content.
/// What was missed goes through the same door as a webhook, and the provider is asked again for what is stale; a running
/// server then handles both. A mismatched row of Stripe's is asked for too; one of an invoice is for a person. It also
/// runs by itself every hour.
///
/// Of Gigstack's, --since is about when an invoice was made. Besides, each run asks for 50 of our older valid invoices,
/// those first that nobody looked at for the longest time, and for self-invoices that wait for their client.
///
/// Mifiel is asked for 50 of our documents each time, those first that nobody looked at for the longest time: whatever
/// waits, and what a signer declined that can still be signed or was sent --since. `unfinished` are also documents whose
/// sending never ended.
///
/// --dry-run only prints what was found.
///
/// Example: onlycar reconcile all --since 72h --dry-run
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
    /// Print JSON: a report, or with `all` a list of them
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Provider {
    Stripe,
    Gigstack,
    Mifiel,
    /// Every provider that is configured
    All,
}

impl Provider {
    fn name(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Gigstack => "gigstack",
            Self::Mifiel => "mifiel",
            Self::All => "todos",
        }
    }
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let machine = self.dev.machine().await?;
        let since = when("--since", &self.since, Clock::system().now())?;
        if !self.dry_run {
            let detail = json!({ "desde": since });
            let provider = self.provider.name();
            note(
                &machine.engine,
                console(),
                "conciliacion.pedida",
                "proveedores",
                provider,
                detail,
            )
            .await?;
        }
        let reports = match self.provider {
            Provider::Stripe => vec![self.stripe(&machine, since).await?],
            Provider::Gigstack => vec![self.gigstack(&machine, since).await?],
            Provider::Mifiel => vec![self.mifiel(&machine, since).await?],
            Provider::All => self.all(&machine, since).await?,
        };
        say(self.told(&reports)?)?;
        Ok(Outcome::Done)
    }

    fn told(&self, reports: &[Report]) -> anyhow::Result<String> {
        Ok(match (self.json, reports) {
            (true, [report]) if self.provider != Provider::All => serde_json::to_string_pretty(report)?,
            (true, reports) => serde_json::to_string_pretty(reports)?,
            (false, reports) => {
                let told: Vec<String> = reports.iter().map(|report| self.tell(report)).collect();
                told.join("\n\n")
            }
        })
    }

    /// One that cannot be asked does not keep the others from being asked.
    async fn all(&self, machine: &Machine, since: DateTime<Utc>) -> anyhow::Result<Vec<Report>> {
        let mut asked = vec![self.stripe(machine, since).await];
        if machine.gigstack.is_some() {
            asked.push(self.gigstack(machine, since).await);
        } else {
            warn("Gigstack is not configured (GIGSTACK_API_KEY and the others): it is left out")?;
        }
        if machine.mifiel.is_some() {
            asked.push(self.mifiel(machine, since).await);
        } else {
            warn("Mifiel is not configured (MIFIEL_APP_ID and the others): it is left out")?;
        }
        let (told, failed): (Vec<_>, Vec<_>) = asked.into_iter().partition(Result::is_ok);
        let told: Vec<Report> = told.into_iter().filter_map(Result::ok).collect();
        let mut failed = failed.into_iter().filter_map(Result::err);
        let Some(error) = failed.next() else {
            return Ok(told);
        };
        if !told.is_empty() {
            say(self.told(&told)?)?;
        }
        for other in failed {
            warn(&format!("{other:#}"))?;
        }
        Err(error)
    }

    async fn stripe(&self, machine: &Machine, since: DateTime<Utc>) -> anyhow::Result<Report> {
        if since < Clock::system().now() - KEPT {
            warn("Stripe keeps its events for 30 days: what is older cannot be compared")?;
        }
        let reconcile = Reconcile::new(&machine.engine, machine.stripe.clone(), machine.api.clone());
        let progress = |listed: u64| self.progress("events", listed);
        let report = reconcile.look(since, !self.dry_run, &progress).await;
        self.end_progress();
        let report = report
            .context("Stripe could not be asked\nhint: is STRIPE_SECRET_KEY set, and may it read events?")?;
        let questions = report.drifted.iter().filter_map(reconcile::question);
        for question in questions.filter(|_| !self.dry_run) {
            question.ask_now(&machine.engine).await?;
        }
        Ok(report)
    }

    async fn gigstack(&self, machine: &Machine, since: DateTime<Utc>) -> anyhow::Result<Report> {
        let reconcile = machine.gigstack.as_ref();
        let reconcile = reconcile.and_then(|gigstack| gigstack.reconcile(&machine.engine));
        let reconcile = reconcile.ok_or_else(|| {
            Usage(
                "Gigstack is not configured\n\
                 hint: set GIGSTACK_API_KEY, GIGSTACK_API_SECRET and GIGSTACK_ENV"
                    .to_owned(),
            )
        })?;
        let progress = |listed: u64| self.progress("invoices", listed);
        let look = reconcile.look(since, !self.dry_run, &progress).await;
        self.end_progress();
        let look = look.context(
            "Gigstack could not be asked\nhint: are GIGSTACK_API_KEY and GIGSTACK_BASE_URL right?",
        )?;
        if !self.dry_run {
            look.ask_now(&machine.engine).await?;
        }
        Ok(look.report)
    }

    async fn mifiel(&self, machine: &Machine, since: DateTime<Utc>) -> anyhow::Result<Report> {
        let mifiel = machine.mifiel.as_ref().ok_or_else(|| {
            Usage(
                "Mifiel is not configured\n\
                 hint: set MIFIEL_APP_ID, MIFIEL_APP_SECRET, MIFIEL_ENV and MIFIEL_WEBHOOK_URL"
                    .to_owned(),
            )
        })?;
        let progress = |listed: u64| self.progress("documents", listed);
        let reconcile = mifiel.reconcile(&machine.engine);
        let look = reconcile.look(since, !self.dry_run, &progress).await;
        self.end_progress();
        let look = look.context(
            "Mifiel could not be asked\nhint: are MIFIEL_APP_ID, MIFIEL_APP_SECRET and MIFIEL_BASE_URL right, and this \
             machine's clock?",
        )?;
        if !self.dry_run {
            look.ask_now(&machine.engine).await?;
        }
        Ok(look.report)
    }

    /// Whether somebody watches who waits.
    fn shown(&self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }

    fn progress(&self, what: &str, listed: u64) {
        if self.shown() {
            let _ = write!(std::io::stderr(), "\r{listed} {what} compared ");
        }
    }

    fn end_progress(&self) {
        if self.shown() {
            let _ = writeln!(std::io::stderr());
        }
    }

    fn tell(&self, report: &Report) -> String {
        let mut lines = findings(report);
        let Report { provider, listed, .. } = report;
        let since = report.since.format("%Y-%m-%d %H:%M:%SZ");
        let what = match *provider {
            "gigstack" => "invoices",
            "mifiel" => "documents",
            _ => "events",
        };
        lines.push(format!(
            "{provider}: {listed} {what} since {since}: {} missing, {} stale, {} mismatched",
            report.missing.len(),
            report.count(Drift::Stale),
            report.count(Drift::Mismatched),
        ));
        if !report.missing.is_empty() || !report.drifted.is_empty() {
            lines.push(if self.dry_run {
                "nothing was changed; without --dry-run it is put right".to_owned()
            } else {
                "what was missed is in the inbox now, and what is stale is asked for; \
                 a running server handles both: onlycar events list --since 10m"
                    .to_owned()
            });
        }
        if *provider == "gigstack" && report.count(Drift::Mismatched) > 0 {
            lines.push(
                "a mismatched invoice is not changed: compare its XML with Gigstack's panel".to_owned(),
            );
        }
        lines.join("\n")
    }
}

fn warn(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr(), "{text}")?)
}

fn findings(report: &Report) -> Vec<String> {
    let missing = report.missing.iter().map(|event| {
        let at = event.occurred_at.format("%Y-%m-%d %H:%M:%SZ");
        format!("missing     {:34} {}  {at}", event.event_type, event.event_id)
    });
    let unfinished = report.unfinished.iter().map(|event| {
        format!(
            "unfinished  {:34} {}  {}",
            event.event_type, event.event_id, event.state
        )
    });
    let drifted = report.drifted.iter().map(differences);
    missing.chain(drifted).chain(unfinished).collect()
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

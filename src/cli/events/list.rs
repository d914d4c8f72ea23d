//! `onlycar events list`

use clap::Args;

use crate::cli::database::DevFolder;
use crate::cli::when::when;
use crate::cli::{Outcome, say};
use crate::engine::history::{self, Filter, Summary};
use crate::ground::clock::Clock;

/// List events, the newest first
///
/// Example: onlycar events list --state dead --since 48h
#[derive(Args)]
pub struct List {
    /// Only of this provider: stripe, gigstack or mifiel
    #[arg(long)]
    provider: Option<String>,
    /// Only of this type, as in payment_intent.succeeded
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = ["pending", "processing", "processed", "ignored", "parked", "failed", "dead"])]
    state: Option<String>,
    /// Only received since: a span such as 90m, 48h or 7d, or a time such as 2026-11-22T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let since = self
            .since
            .as_deref()
            .map(|text| when("--since", text, Clock::system().now()))
            .transpose()?;
        let filter = Filter {
            provider: self.provider,
            event_type: self.event_type,
            state: self.state,
            since,
            limit: i64::from(self.limit),
            ..Filter::default()
        };
        let pool = self.dev.connect().await?;
        let events = history::list(&pool, &filter).await?;
        if self.json {
            say(serde_json::to_string_pretty(&events)?)?;
            return Ok(Outcome::Done);
        }
        for event in &events {
            say(line(event))?;
        }
        say(format!(
            "{} events{}",
            events.len(),
            if events.is_empty() {
                ""
            } else {
                "; `onlycar events show ID` tells the story of one"
            }
        ))?;
        Ok(Outcome::Done)
    }
}

fn line(event: &Summary) -> String {
    let Summary {
        received_at,
        provider,
        event_type,
        event_id,
        state,
        last_error,
        ..
    } = event;
    let why = last_error
        .as_deref()
        .map(|error| format!("  {error}"))
        .unwrap_or_default();
    format!(
        "{}  {provider:8} {state:10} {event_type:34} {event_id}{why}",
        received_at.format("%Y-%m-%d %H:%M:%SZ")
    )
}

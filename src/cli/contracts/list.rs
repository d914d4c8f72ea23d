//! `onlycar contracts list`

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;

use crate::cli::database::DevFolder;
use crate::cli::{Outcome, say};
use crate::contracts::list::{self, Contract, DOCUMENT_STATES, Page, STATES, Which};
use crate::ground::clock::{BUSINESS_ZONE, Clock};

/// List contracts with what became of their newest document
///
/// What waits for a signature comes first, and of that what can be signed for the shortest time. Times are those of Nuevo
/// Laredo. Who has to sign is not in the database: Mifiel's panel shows it.
///
/// Example: onlycar contracts list --waiting
#[derive(Args)]
pub struct List {
    /// Only those whose newest document waits for signatures
    #[arg(long, conflicts_with = "document")]
    waiting: bool,
    /// Only contracts in this state
    #[arg(long, value_parser = STATES)]
    state: Option<String>,
    /// Only those whose newest document is in this state
    #[arg(long, value_parser = DOCUMENT_STATES)]
    document: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let waiting = self.waiting.then(|| "pendiente".to_owned());
        let which = Which {
            state: self.state,
            document_state: waiting.or(self.document),
            after: None,
        };
        let pool = self.dev.connect().await?;
        let page = list::page(&pool, &which, i64::from(self.limit)).await;
        let page = page.context("the contracts could not be looked up")?;
        say(if self.json {
            serde_json::to_string_pretty(&page.contracts)?
        } else {
            tell(&page)
        })?;
        Ok(Outcome::Done)
    }
}

fn tell(page: &Page) -> String {
    let now = Clock::system().now();
    let mut lines: Vec<String> = page
        .contracts
        .iter()
        .map(|contract| line(contract, now))
        .collect();
    let more = if page.next.is_some() {
        "; there are more: --limit"
    } else {
        ""
    };
    lines.push(format!("{} contracts{more}", page.contracts.len()));
    lines.join("\n")
}

fn line(contract: &Contract, now: DateTime<Utc>) -> String {
    let Contract {
        id,
        client,
        kind,
        state,
        document,
    } = contract;
    let name = &client.name;
    let Some(document) = document else {
        return format!("{id}  {kind:14} {state:15} {name}  not sent for signature");
    };
    let stands = match (document.state.as_str(), document.expires_at, document.sent_at) {
        ("firmado", ..) => format!("signed {}", day(document.signed_at)),
        ("rechazado", ..) => format!("declined or deleted {}", day(document.declined_at)),
        (_, Some(end), _) if end <= now => format!("nobody signed it in time; it ended {}", day(Some(end))),
        (_, Some(end), _) => format!("waits for signatures until {}", day(Some(end))),
        (_, None, Some(sent)) => format!("waits for signatures since {}", day(Some(sent))),
        (_, None, None) => format!("waits to be sent to Mifiel since {}", day(document.created_at)),
    };
    format!(
        "{id}  {kind:14} {state:15} {name}  document {}: {stands}",
        document.id
    )
}

fn day(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(
        || "at a time that is not known".to_owned(),
        |at| {
            at.with_timezone(&BUSINESS_ZONE)
                .format("%Y-%m-%d %H:%M")
                .to_string()
        },
    )
}

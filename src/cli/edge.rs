//! `onlycar edge`

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::console::{console, note};
use super::database::DevFolder;
use super::{Outcome, Usage, say};
use crate::app::Machine;
use crate::edge::{self, metadata};

/// The mirror of documents' metadata in Cloudflare's D1
///
/// A running server tells D1 every 30 seconds what changed. These commands look at how that goes, and have everything told
/// again. Nothing else of the program depends on D1.
///
/// Example: onlycar edge status
#[derive(Subcommand)]
pub enum Edge {
    Status(Status),
    Resync(Resync),
}

/// What waits to be told, how telling goes, and how many documents D1 shows
///
/// Example: onlycar edge status --json
#[derive(Args)]
pub struct Status {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

/// Have every document told again, as after D1 was emptied or the database was put back from a backup
///
/// Only marks them; a running server tells them, up to 2,500 every 30 seconds. Another database in D1_DATABASE_ID needs no
/// resync: the server sees that by itself.
///
/// Example: onlycar edge resync
#[derive(Args)]
pub struct Resync {
    #[command(flatten)]
    dev: DevFolder,
}

impl Edge {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Status(status) => status.run().await,
            Self::Resync(resync) => resync.run().await,
        }
    }
}

impl Status {
    async fn run(self) -> anyhow::Result<Outcome> {
        let machine = self.dev.machine().await?;
        let (backlog, standing) = edge::standing(&machine.engine.pool).await?;
        let shown = shown(&machine).await;
        let told = json!({
            "waiting": backlog.documents,
            "waiting_since": backlog.since,
            "failures": standing.failures,
            "last_error": standing.last_error,
            "retry_at": standing.retry_at.filter(|_| standing.failures > 0),
            "in_d1": shown.as_ref().ok().map(|rows| rows.clone().into_iter().collect::<serde_json::Map<_, _>>()),
            "d1_error": shown.as_ref().err().map(ToString::to_string),
        });
        let text = if self.json {
            serde_json::to_string_pretty(&told)?
        } else {
            lines(&told)
        };
        say(text)?;
        Ok(Outcome::Done)
    }
}

impl Resync {
    async fn run(self) -> anyhow::Result<Outcome> {
        let machine = self.dev.machine().await?;
        mirrored(&machine)?;
        let marked = edge::resync(&machine.engine.pool, &machine.engine.clock).await?;
        let (action, detail) = ("espejo.completo_pedido", json!({ "documentos": marked }));
        note(&machine.engine, console(), action, "espejo", "d1", detail).await?;
        say(format_args!(
            "{marked} documents are marked; a running server tells D1 within the next minutes (onlycar edge status)"
        ))?;
        Ok(Outcome::Done)
    }
}

/// The database that mirrors, where there is one.
fn mirrored(machine: &Machine) -> Result<&edge::Edge, Usage> {
    let edge = machine.edge.as_ref().filter(|edge| edge.database.is_some());
    edge.ok_or_else(|| {
        let said = "no mirror is configured\n\
                    hint: set CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_API_TOKEN and D1_DATABASE_ID";
        Usage(said.to_owned())
    })
}

/// How many documents of each kind D1 shows.
async fn shown(machine: &Machine) -> anyhow::Result<Vec<(String, Value)>> {
    let edge = mirrored(machine)?;
    let database = edge.database.as_deref().unwrap_or_default();
    let answer = edge.api.query(database, &metadata::count()).await?;
    let rows = answer.into_iter().last().context("D1 did not count")?;
    let counted = rows.into_iter().map(|row| {
        let name = row.get("recurso").and_then(Value::as_str).unwrap_or_default();
        (name.to_owned(), row.get("documents").cloned().unwrap_or_default())
    });
    Ok(counted.collect())
}

fn lines(told: &Value) -> String {
    let mut lines = vec![format!(
        "waiting     {} documents, since {}",
        told["waiting"],
        told["waiting_since"].as_str().unwrap_or("-")
    )];
    if let Some(error) = told["last_error"].as_str() {
        lines.push(format!(
            "last error  {error} ({} in a row; again at {})",
            told["failures"],
            told["retry_at"].as_str().unwrap_or("-")
        ));
    }
    lines.push(match told["d1_error"].as_str() {
        Some(error) => format!("D1          {error}"),
        None => format!("D1          {}", told["in_d1"]),
    });
    lines.join("\n")
}

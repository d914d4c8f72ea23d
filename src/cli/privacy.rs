//! `onlycar privacy`

use std::io::{IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::console::console;
use super::database::DevFolder;
use super::{Outcome, Usage, say};
use crate::engine::work::Unit;
use crate::ground::erasure::Erasure;
use crate::ground::values::ClientId;
use crate::privacy::{self, Elsewhere};

/// Personal data: docs/privacy.md says what is where, why and for how long
///
/// Example: onlycar privacy erase --cliente 0c000000-0000-4000-8000-000000000000 --dry-run
#[derive(Subcommand)]
pub enum Privacy {
    Erase(Erase),
}

/// Erase a client: remove what the law allows, keep what it demands, and say which
///
/// Removes the name, mail address, telephone and login of the client, their contacts at the counter, what Stripe told of
/// them, the payloads of events about them, contracts that were never signed, and every document whose time is over. Rows
/// that amounts, invoices and signed contracts refer to stay, without the person. What Stripe tells later does not bring
/// the person back. Objects are removed from the store by a running server, within seconds.
///
/// Nothing is removed while something is open that needs the person: a service, a payment, a self-invoice, a signature, a
/// subscription (exit code 1). It cannot be undone: at a terminal it asks first, unless --yes is there. Run again, it
/// removes what has come over its time since, or says that nothing is left.
///
/// Example: onlycar privacy erase --cliente 0c000000-0000-4000-8000-000000000000 --dry-run
///
/// Example: onlycar privacy erase --cliente 0c000000-0000-4000-8000-000000000000 --yes
#[derive(Args)]
pub struct Erase {
    /// The client: row of `clientes`
    #[arg(long, value_name = "ID")]
    cliente: Uuid,
    /// Change nothing: say what would go and what would stay
    #[arg(long)]
    dry_run: bool,
    /// Do not ask first; it cannot be undone
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Privacy {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let Self::Erase(erase) = self;
        erase.run().await
    }
}

impl Erase {
    async fn run(self) -> anyhow::Result<Outcome> {
        if !self.yes && !self.dry_run && std::io::stdin().is_terminal() && !self.is_meant()? {
            let hint = "--dry-run shows what would go and what would stay";
            return Err(Usage(format!("nothing was erased\nhint: {hint}")).into());
        }
        let machine = self.dev.machine().await?;
        let unit = Unit::by(console());
        let ended = privacy::erase(&machine.engine, ClientId(self.cliente), unit, self.dry_run).await?;
        let outcome = match &ended {
            privacy::Outcome::Done { .. } => Outcome::Done,
            privacy::Outcome::Refused { .. } | privacy::Outcome::Unknown => Outcome::FellShort,
        };
        if self.json {
            say(serde_json::to_string_pretty(&ended)?)?;
            return Ok(outcome);
        }
        match ended {
            privacy::Outcome::Unknown => {
                anyhow::bail!(
                    "there is no client {}\nhint: the id is that of a row of `clientes`",
                    self.cliente
                )
            }
            privacy::Outcome::Refused { open } => {
                say("nothing was erased: something is open that needs the client")?;
                for open in open {
                    say(format!("  - {}: {}", open.what, open.hint))?;
                }
                say("hint: settle these, then run this again")?;
            }
            privacy::Outcome::Done { erasure, elsewhere } => self.tell(&erasure, &elsewhere)?,
        }
        Ok(outcome)
    }

    /// Asks the person at the terminal.
    fn is_meant(&self) -> anyhow::Result<bool> {
        let mut asked = std::io::stderr();
        write!(
            asked,
            "Erase client {}? It cannot be undone. [yes/no] ",
            self.cliente
        )?;
        asked.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(answer.trim() == "yes")
    }

    fn tell(&self, erasure: &Erasure, elsewhere: &[Elsewhere]) -> anyhow::Result<()> {
        let (removed, kept) = if self.dry_run {
            ("would remove", "would keep")
        } else {
            ("removed", "kept")
        };
        if erasure.removed.is_empty() {
            say("nothing is left to remove")?;
        } else {
            say(format!("{removed}:"))?;
        }
        for removed in &erasure.removed {
            say(format!("  {:>5}  {}", removed.count, removed.what))?;
        }
        say(format!("{kept}:"))?;
        for kept in &erasure.kept {
            let until = kept
                .until
                .map_or_else(|| "with the log".to_owned(), |day| format!("until {day}"));
            say(format!(
                "  {:>5}  {} ({}; {until})",
                kept.count,
                kept.what,
                kept.law.name()
            ))?;
        }
        say("to be asked elsewhere:")?;
        for elsewhere in elsewhere {
            say(format!("         {}: {}", elsewhere.place, elsewhere.what))?;
        }
        Ok(())
    }
}

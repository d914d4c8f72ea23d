//! `onlycar doctor done` and `onlycar doctor undo`: the steps by hand.

use clap::Args;

use crate::checklist::{self, STEPS, Step};
use crate::cli::console::console;
use crate::cli::database::DevFolder;
use crate::cli::{Outcome, Usage, say};
use crate::engine::work::Unit;

/// A note is a line or two, for whoever reads the list later.
const LONGEST: usize = 500;

/// Note that a step by hand is done
///
/// It is shown with the date and who typed this, and is in the audit log; the note is not.
///
/// Example: onlycar doctor done plantillas-contrato --note "Despacho Ríos, acta 12"
#[derive(Args)]
pub(super) struct Done {
    /// The step, as `onlycar doctor` names it
    #[arg(value_name = "KEY")]
    key: String,
    /// What a later reader should know; no personal data
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    dev: DevFolder,
}

/// Take back that a step by hand is done
///
/// Example: onlycar doctor undo plantillas-contrato
#[derive(Args)]
pub(super) struct Undo {
    /// The step, as `onlycar doctor` names it
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    dev: DevFolder,
}

impl Done {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let step = named(&self.key)?;
        let note = self
            .note
            .as_deref()
            .map(str::trim)
            .filter(|note| !note.is_empty());
        if note.is_some_and(|note| note.chars().count() > LONGEST || note.contains('\0')) {
            let said =
                format!("the note is longer than {LONGEST} letters\nhint: name the document that says more");
            return Err(Usage(said).into());
        }
        let engine = self.dev.engine().await?;
        let by = console();
        let mut work = engine.begin(Unit::by(by)).await?;
        checklist::done(&mut work, step, by, note).await?;
        work.commit().await?;
        say(format_args!("{} is done, says {by}", step.key))?;
        Ok(Outcome::Done)
    }
}

impl Undo {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let step = named(&self.key)?;
        let engine = self.dev.engine().await?;
        let mut work = engine.begin(Unit::by(console())).await?;
        let there = checklist::undone(&mut work, step).await?;
        work.commit().await?;
        if there {
            say(format_args!("{} is to be done again", step.key))?;
        } else {
            say(format_args!("nobody had said that {} is done", step.key))?;
        }
        Ok(Outcome::Done)
    }
}

fn named(key: &str) -> Result<&'static Step, Usage> {
    checklist::step(key).ok_or_else(|| {
        let keys: Vec<&str> = STEPS.iter().map(|step| step.key).collect();
        Usage(format!(
            "there is no step {key:?}\nhint: one of {}",
            keys.join(", ")
        ))
    })
}

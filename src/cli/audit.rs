//! `onlycar audit`

use clap::{Args, Subcommand};

use super::database::DevFolder;
use super::{Outcome, say};
use crate::engine::audit;

/// Prove that the audit log was not changed
///
/// Example: onlycar audit verify
#[derive(Subcommand)]
pub enum Audit {
    Verify(Verify),
}

/// Seal what is new, then compute every hash of the chain again; name the first row that does not fit
///
/// Exit code 0 when the chain holds, 1 when it is broken. Note the printed hash elsewhere: nobody can then rewrite
/// the log before it without being seen.
///
/// Example: onlycar audit verify
#[derive(Args)]
pub struct Verify {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Audit {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let Self::Verify(verify) = self;
        let pool = verify.dev.connect().await?;
        audit::seal(&pool).await?;
        let verdict = audit::verify(&pool).await?;
        let outcome = if verdict.is_ok() {
            Outcome::Done
        } else {
            Outcome::FellShort
        };
        if verify.json {
            say(serde_json::to_string(&verdict)?)?;
            return Ok(outcome);
        }
        match verdict {
            Ok(intact) => say(format!(
                "the chain holds: {} rows, the last is {} with hash {}",
                intact.rows, intact.last_id, intact.last_hash
            ))?,
            Err(broken) => say(format!(
                "the chain is broken at row {} of logs_auditoria: {}\n\
                 hint: compare that row and the one before it with a backup",
                broken.id, broken.reason
            ))?,
        }
        Ok(outcome)
    }
}

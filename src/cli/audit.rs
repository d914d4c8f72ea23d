//! `onlycar audit`

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::database::DevFolder;
use super::{Outcome, say};
use crate::engine::audit;
use crate::tools::signing::Signer;

/// Prove that the audit log was not changed
///
/// Example: onlycar audit verify
#[derive(Subcommand)]
pub enum Audit {
    Verify(Verify),
    Key(Key),
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

/// Print the public half of the key that signs the log's daily heads and bundles of evidence
///
/// Note it outside of the house: with it anybody can check what was signed, and nobody can sign.
///
/// Example: onlycar audit key
#[derive(Args)]
pub struct Key {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Audit {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let verify = match self {
            Self::Verify(verify) => verify,
            Self::Key(key) => return key.run(),
        };
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

impl Key {
    fn run(self) -> anyhow::Result<Outcome> {
        let settings = self.dev.settings()?;
        let own = settings.audit_signing_key.is_some();
        let from = if own {
            "AUDIT_SIGNING_KEY"
        } else {
            "R2_SECRET_ACCESS_KEY"
        };
        let key = Signer::of(&settings).map(|signer| signer.public()).context(
            "nothing is signed here: neither AUDIT_SIGNING_KEY nor R2 is configured\n\
             hint: set AUDIT_SIGNING_KEY to what `openssl rand -base64 32` prints",
        )?;
        if self.json {
            let key = json!({ "key_id": key.id(), "public_key": key.to_string(), "derived": !own });
            say(key)?;
        } else {
            say(format!("{key}\nkey {}, from {from}", key.id()))?;
        }
        Ok(Outcome::Done)
    }
}

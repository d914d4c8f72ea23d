//! `onlycar audit key`

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use crate::cli::database::DevFolder;
use crate::cli::{Outcome, say};
use crate::tools::signing::Signer;

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

impl Key {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
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

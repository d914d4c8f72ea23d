//! `onlycar audit`

mod export;
mod key;
mod verify;

use clap::Subcommand;

use super::Outcome;

/// Prove that the audit log was not changed, and hand it out
///
/// Example: onlycar audit verify
#[derive(Subcommand)]
pub enum Audit {
    Verify(verify::Verify),
    Export(export::Export),
    Key(key::Key),
}

impl Audit {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Verify(verify) => verify.run().await,
            Self::Export(export) => export.run().await,
            Self::Key(key) => key.run(),
        }
    }
}

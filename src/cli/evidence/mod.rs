//! `onlycar evidence`

mod export;
mod verify;

use clap::Subcommand;

use super::Outcome;

/// Prove where a document came from, what it is and who had it
///
/// Example: onlycar evidence export 0197c2a4-7d2f-7c2e-9a57-3f8f6d0b1c11
#[derive(Subcommand)]
pub enum Evidence {
    Export(export::Export),
    Verify(verify::Verify),
}

impl Evidence {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Export(export) => export.run().await,
            Self::Verify(verify) => verify.run(),
        }
    }
}

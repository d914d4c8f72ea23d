//! `onlycar contracts`

mod list;
mod send;

use clap::Subcommand;

use super::Outcome;

/// Contracts and their signatures at Mifiel
///
/// Example: onlycar contracts list --waiting
#[derive(Subcommand)]
pub enum Contracts {
    Send(send::Send),
    List(list::List),
}

impl Contracts {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Send(send) => send.run().await,
            Self::List(list) => list.run().await,
        }
    }
}

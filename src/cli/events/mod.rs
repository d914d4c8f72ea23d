//! `onlycar events`

mod list;
mod rehearsal;
mod replay;
mod show;

use clap::Subcommand;

use super::Outcome;

/// Look into the inbox: which events came, what became of each, and handle them again
///
/// Example: onlycar events list --since 24h
#[derive(Subcommand)]
pub enum Events {
    List(list::List),
    Show(show::Show),
    Replay(replay::Replay),
}

impl Events {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Replay(replay) => replay.run().await,
        }
    }
}

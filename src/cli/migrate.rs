//! `onlycar migrate`

use clap::Args;

use super::database::DevFolder;
use super::{Outcome, say};
use crate::tools::db;

/// Apply the migrations that the database of DATABASE_URL lacks
///
/// They are built into the program; running it again changes nothing.
///
/// Example: DATABASE_URL=postgres://… onlycar migrate
#[derive(Args)]
pub struct Migrate {
    #[command(flatten)]
    dev: DevFolder,
}

impl Migrate {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let pool = self.dev.connect().await?;
        match db::migrate(&pool).await? {
            0 => say("the database is up to date")?,
            applied => say(format!("{applied} migrations applied"))?,
        }
        Ok(Outcome::Done)
    }
}

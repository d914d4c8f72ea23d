//! `onlycar migrate`

use clap::Args;
use serde_json::json;

use super::console::{console, note};
use super::database::DevFolder;
use super::{Outcome, say};
use crate::engine::{Engine, Failure};
use crate::ground::facts::Actor;
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
        let engine = self.dev.engine().await?;
        match db::migrate(&engine.pool).await? {
            0 => say("the database is up to date")?,
            applied => {
                noted(&engine, console(), applied).await?;
                say(format!("{applied} migrations applied"))?;
            }
        }
        Ok(Outcome::Done)
    }
}

/// Writes down that the tables are others now.
pub(super) async fn noted(engine: &Engine, by: Actor, applied: usize) -> Result<(), Failure> {
    let detail = json!({ "cuantas": applied });
    let version = env!("CARGO_PKG_VERSION");
    note(engine, by, "migracion.aplicada", "base_de_datos", version, detail).await
}

//! `onlycar openapi`

use clap::Args;

use super::{Outcome, say};
use crate::routes;

/// Print the OpenAPI document of the HTTP interface
///
/// Example: onlycar openapi > openapi.json
#[derive(Args)]
pub struct Openapi {}

impl Openapi {
    #[allow(clippy::unused_self)] // one shape for all commands
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        say(routes::openapi().to_pretty_json()?)?;
        Ok(Outcome::Done)
    }
}

//! `onlycar dev`

use std::path::PathBuf;

use clap::Args;

use super::{Outcome, database, serve};
use crate::dev::{self, Options};
use crate::tools::telemetry;

/// Start everything on this machine with nothing configured
///
/// PostgreSQL, an S3-compatible store, captured mail and sample data; prints the URLs and what to try. Ctrl-C, or a
/// kill, leaves no process behind, and the next start works on the same data.
///
/// Example: onlycar dev --port 8081
#[derive(Args)]
pub struct Dev {
    /// Where the server listens, on this machine only
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where everything is kept
    #[arg(long, value_name = "FOLDER", default_value = database::DATA_DIR)]
    data_dir: PathBuf,
    /// Forget what was kept
    #[arg(long)]
    fresh: bool,
}

impl Dev {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        telemetry::log(false, "info,sqlx=warn,s3s=off");
        let options = Options {
            port: self.port,
            data_dir: self.data_dir,
            fresh: self.fresh,
        };
        dev::run(&options, serve::stop_signal()?).await?;
        Ok(Outcome::Done)
    }
}

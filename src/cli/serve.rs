//! `onlycar serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::console::note;
use super::{Outcome, migrate};
use crate::app::App;
use crate::engine::{Engine, Failure};
use crate::ground::clock::Clock;
use crate::ground::config::Settings;
use crate::ground::facts::Actor;
use crate::tools::{db, telemetry};

/// The end does not wait longer for the audit log.
const PATIENCE: Duration = Duration::from_secs(2);

/// Run the service: receive webhooks and work on them
///
/// Configured by the environment (.env.example lists every variable) and an optional settings file. Stops softly on
/// SIGTERM or Ctrl-C: what is under way is finished; a second signal stops at once, and nothing is lost either.
///
/// Example: DATABASE_URL=postgres://… STRIPE_WEBHOOK_SECRET=whsec_… onlycar serve --migrate
#[derive(Args)]
pub struct Serve {
    /// Settings that differ from config/default.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Apply pending migrations first; without it, pending ones stop the start
    #[arg(long)]
    migrate: bool,
    /// Answer requests only; another replica does the work
    #[arg(long, conflicts_with = "no_http")]
    no_worker: bool,
    /// Do the work only; another replica answers requests
    #[arg(long)]
    no_http: bool,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let settings = self.settings()?;
        telemetry::log(settings.log_json, "info,sqlx=warn");
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        let pools = db::connect(&settings.database_url, &settings.file).await?;
        let applied = self.migrations(&pools).await?;
        let app = App::new(&settings, pools, Clock::system())?;
        let engine = Arc::clone(&app.engine);
        if applied > 0 {
            migrate::noted(&engine, Actor::System, applied).await?;
        }
        let listener = if self.no_http {
            None
        } else {
            Some(listen(settings.bind_addr).await?)
        };
        let stop = stop_signal()?;
        tracing::info!(address = %settings.bind_addr, production = settings.production, "ready");
        self.note(&engine, "servidor.iniciado").await?;
        app.run(listener, !self.no_worker, stop).await?;
        let noted = tokio::time::timeout(PATIENCE, self.note(&engine, "servidor.detenido")).await;
        if !matches!(noted, Ok(Ok(()))) {
            tracing::warn!("the stop could not be written into the audit log");
        }
        Ok(Outcome::Done)
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let file =
            match &self.config {
                Some(path) => {
                    let text = std::fs::read_to_string(path);
                    Some(text.map_err(|error| {
                        super::Usage(format!("{} cannot be read: {error}", path.display()))
                    })?)
                }
                None => None,
            };
        Ok(Settings::load(file.as_deref())?)
    }

    /// That there was a server, which one, and for how long.
    async fn note(&self, engine: &Engine, action: &'static str) -> Result<(), Failure> {
        let detail = json!({ "http": !self.no_http, "trabajos": !self.no_worker });
        let version = env!("CARGO_PKG_VERSION");
        note(engine, Actor::System, action, "servidor", version, detail).await
    }

    /// How many were applied.
    async fn migrations(&self, pools: &db::Pools) -> anyhow::Result<usize> {
        if self.migrate {
            let applied = db::migrate(&pools.main).await?;
            tracing::info!(applied, "migrations are up to date");
            return Ok(applied);
        }
        let pending = db::pending(&pools.main).await?;
        anyhow::ensure!(
            pending.is_empty(),
            "the database lacks {} migrations: {}\nhint: run `onlycar migrate` once, or start with --migrate",
            pending.len(),
            pending.join(", "),
        );
        Ok(0)
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let hint =
        || format!("cannot listen on {address}\nhint: is another server running? choose another BIND_ADDR");
    TcpListener::bind(address).await.with_context(hint)
}

/// Cancelled by the first SIGTERM or Ctrl-C; the second one ends the process on the spot.
pub(super) fn stop_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let cancel = stop.clone();
    tokio::spawn(async move {
        for stage in ["soft", "hard"] {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            tracing::info!(stage, "stopping");
            if cancel.is_cancelled() {
                std::process::exit(1);
            }
            cancel.cancel();
        }
    });
    Ok(stop)
}

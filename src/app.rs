//! The composition root: what the program is made of.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::engine::watch::Watch;
use crate::engine::worker::Workers;
use crate::ground::clock::Clock;
use crate::ground::config::Settings;
use crate::notifications::Notify;
use crate::payments::Stripe;
use crate::tools::db::Pools;
use crate::tools::{layers, telemetry};
use crate::{routes, story};

/// The program, put together and not yet running.
pub struct App {
    /// The webhook machine.
    pub engine: Arc<Engine>,
    /// Every route with its layers.
    pub router: Router,
    shutdown: Duration,
}

/// Which halves run: replicas can be split.
#[derive(Debug, Clone, Copy)]
pub struct Halves {
    /// Answer requests.
    pub http: bool,
    /// Work on what came in.
    pub worker: bool,
}

/// What routes share.
#[derive(Clone)]
pub struct Shared {
    /// The webhook machine.
    pub engine: Arc<Engine>,
    /// The metrics to print.
    pub metrics: PrometheusHandle,
}

impl App {
    /// Puts the program together over a migrated database.
    pub fn new(settings: &Settings, pools: Pools, clock: Clock) -> anyhow::Result<Self> {
        let metrics = telemetry::metrics()?;
        let stripe = Arc::new(Stripe::new(&settings.stripe));
        let watch = &settings.file.watch;
        let notify = Notify::new(pools.main.clone(), &settings.mail)?;
        let engine = Engine::new(pools.clone(), clock, &settings.file, story::react)
            .with_source(stripe.clone())
            .with_job(notify)
            .with_job(Watch::new(pools.main, watch))
            .with_schedule(Watch::schedule(watch));
        let engine = Arc::new(engine);
        let shared = Shared {
            engine: Arc::clone(&engine),
            metrics,
        };
        let routes = routes::all(shared, stripe, &settings.file.http);
        let router = layers::around(
            routes,
            Duration::from_secs(settings.file.http.request_timeout_seconds),
        );
        Ok(Self {
            engine,
            router,
            shutdown: Duration::from_secs(settings.file.http.shutdown_seconds),
        })
    }

    /// Runs until `stop`; then soft (finish what is under way), and after the configured time hard.
    pub async fn run(
        self,
        listener: TcpListener,
        halves: Halves,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let workers = halves.worker.then(|| Workers::start(&self.engine));
        let soft = stop.clone();
        let http = async move {
            if halves.http {
                let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                    // Answers are small: waiting to fill a packet would only delay them.
                    let _ = stream.set_nodelay(true);
                });
                axum::serve(listener, self.router)
                    .with_graceful_shutdown(soft.cancelled_owned())
                    .await
            } else {
                soft.cancelled().await;
                Ok(())
            }
        };
        let mut server = tokio::spawn(http);
        tokio::select! {
            ended = &mut server => return ended?.context("the HTTP server ended"),
            () = stop.cancelled() => {}
        }
        let soft = async {
            let _ = server.await;
            if let Some(workers) = workers {
                workers.stop().await;
            }
        };
        if tokio::time::timeout(self.shutdown, soft).await.is_err() {
            tracing::warn!("not everything ended in time; what is left is done by the next start");
        }
        Ok(())
    }
}

//! The composition root: what the program is made of.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::FromRef;
use axum::serve::ListenerExt;
use chrono::TimeDelta;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::engine::Engine;
use crate::engine::recent::Recent;
use crate::engine::retention::Retention;
use crate::engine::watch::Watch;
use crate::engine::worker::Workers;
use crate::ground::clock::Clock;
use crate::ground::config::{self, Settings};
use crate::invoicing::gigstack::api::GigstackApi;
use crate::invoicing::{self, Gigstack};
use crate::notifications::Notify;
use crate::payments::api::StripeApi;
use crate::payments::{self, Ask, Reconcile, Stripe};
use crate::tools::db::Pools;
use crate::tools::objects::Objects;
use crate::tools::redis::Redis;
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

/// What routes share.
#[derive(Clone)]
pub struct Shared {
    /// The webhook machine.
    pub engine: Arc<Engine>,
    /// The metrics to print.
    pub metrics: PrometheusHandle,
    /// Who may come in.
    pub access: Access,
}

impl FromRef<Shared> for Access {
    fn from_ref(shared: &Shared) -> Self {
        shared.access.clone()
    }
}

impl FromRef<Shared> for Arc<Engine> {
    fn from_ref(shared: &Shared) -> Self {
        Arc::clone(&shared.engine)
    }
}

/// The webhook machine with everything that handles events and jobs. Nothing of it runs yet, and nothing listens:
/// commands take it as it is.
pub struct Machine {
    /// The machine.
    pub engine: Engine,
    /// Stripe, to be given a door.
    pub stripe: Arc<Stripe>,
    /// Stripe, to be asked.
    pub api: Option<StripeApi>,
    /// Gigstack, to be given its doors, where it is configured.
    pub gigstack: Vec<(invoicing::Door, Arc<Gigstack>)>,
}

impl Machine {
    /// Puts it together over a migrated database.
    pub fn new(settings: &Settings, pools: Pools, clock: Clock) -> anyhow::Result<Self> {
        let stripe = Arc::new(Stripe::new(&settings.stripe));
        let watch = &settings.file.watch;
        let notify = Notify::new(pools.main.clone(), &settings.mail)?;
        let api = StripeApi::new(&settings.stripe, &settings.file.stripe)?;
        let recent = recent(settings, &pools)?;
        let engine = Engine::new(pools.clone(), clock.clone(), &settings.file, story::react)
            .with_recent(recent)
            .with_source(stripe.clone())
            .with_job(notify)
            .with_job(Ask::new(api.clone(), clock))
            .with_job(payments::Watch::new(api.clone(), &settings.public_url))
            .with_job(Watch::new(pools.main, watch))
            .with_schedule(Watch::schedule(watch));
        let retention = Retention::new(&engine, &settings.file.retention);
        let reconcile = Reconcile::new(&engine, stripe.clone(), api.clone());
        let engine = engine
            .with_job(retention)
            .with_schedule(Retention::schedule())
            .with_job(reconcile);
        let engine = if api.is_some() {
            asking(engine, &settings.file.stripe)
        } else {
            engine
        };
        let (engine, gigstack) = invoicing(engine, settings)?;
        Ok(Self {
            engine,
            stripe,
            api,
            gigstack,
        })
    }
}

/// Gigstack's doors, and its jobs where everything is configured that they need.
fn invoicing(
    mut engine: Engine,
    settings: &Settings,
) -> anyhow::Result<(Engine, Vec<(invoicing::Door, Arc<Gigstack>)>)> {
    let Some(gigstack) = &settings.gigstack else {
        return Ok((engine, Vec::new()));
    };
    let file = &settings.file;
    let door = |door| (door, Arc::new(Gigstack::new(door, gigstack, &file.gigstack)));
    let doors: Vec<_> = invoicing::Door::ALL.into_iter().map(door).collect();
    for (_, source) in &doors {
        engine = engine.with_source(source.clone());
    }
    let api = GigstackApi::new(gigstack, &file.gigstack)?;
    engine = {
        let ask = invoicing::Ask::new(engine.pool.clone(), api.clone());
        engine.with_job(ask)
    };
    if let (Some(r2), Some(issuer)) = (&settings.r2, &settings.issuer) {
        let rules = invoicing::Rules {
            issuer: issuer.rfc.clone(),
            postal_code: issuer.postal_code.clone(),
            live: gigstack.mode == config::Mode::Production,
            accept: invoicing::cfdi::Accept {
                cfdi_33: file.invoicing.accept_cfdi_33,
            },
            tell_client: file.invoicing.tell_client,
        };
        let (pool, clock) = (engine.pool.clone(), engine.clock.clone());
        engine = engine
            .with_job(invoicing::Keep::new(pool, clock, api, Objects::new(r2), rules))
            .with_job(invoicing::global::Monthly::new(file.invoicing.global_every_month))
            .with_schedule(invoicing::global::Monthly::schedule());
    }
    Ok((engine, doors))
}

impl App {
    /// Puts the program together over a migrated database.
    pub fn new(settings: &Settings, pools: Pools, clock: Clock) -> anyhow::Result<Self> {
        let metrics = telemetry::metrics()?;
        let access = Access::new(settings.supabase.as_ref(), &settings.file.access, clock.clone())?;
        let Machine {
            engine,
            stripe,
            gigstack,
            ..
        } = Machine::new(settings, pools, clock)?;
        let engine = Arc::new(engine);
        let shared = Shared {
            engine: Arc::clone(&engine),
            metrics,
            access,
        };
        let urls = routes::all(shared, stripe, gigstack, &settings.file.http);
        let router = layers::around(
            urls,
            Duration::from_secs(settings.file.http.request_timeout_seconds),
        );
        Ok(Self {
            engine,
            router,
            shutdown: Duration::from_secs(settings.file.http.shutdown_seconds),
        })
    }

    /// Answers on `listener`, when there is one, and works, when asked to: replicas can be split. Runs until `stop`;
    /// then soft (what is under way is finished), and after the configured time hard.
    pub async fn run(
        self,
        listener: Option<TcpListener>,
        work: bool,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let workers = work.then(|| Workers::start(&self.engine));
        let mut server = tokio::spawn(serve(self.router, listener, stop.clone()));
        tokio::select! {
            // Told to stop, the server may have ended already: the workers are waited for all the same.
            biased;
            () = stop.cancelled() => {}
            ended = &mut server => return ended?,
        }
        // Both at once: a client that never ends its request must not keep claimed rows from being given back.
        let soft = async {
            let workers = async {
                if let Some(workers) = workers {
                    workers.stop().await;
                }
            };
            tokio::join!(workers, async { server.await.map(drop) })
        };
        if tokio::time::timeout(self.shutdown, soft).await.is_err() {
            tracing::warn!("not everything ended in time; what is left is done by the next start");
        }
        Ok(())
    }
}

/// Redis, where `REDIS_URL` names one.
fn recent(settings: &Settings, pools: &Pools) -> anyhow::Result<Option<Recent>> {
    let Some(url) = &settings.redis_url else {
        return Ok(None);
    };
    let redis = Redis::open(url, &settings.file.redis)?;
    Ok(Some(Recent::open(redis, &pools.main, &settings.file.redis)))
}

/// Asks Stripe by itself, as often as the settings say.
fn asking(mut engine: Engine, settings: &config::StripeFile) -> Engine {
    let seconds = |seconds: u32| TimeDelta::seconds(i64::from(seconds));
    if settings.reconcile_every_seconds > 0 {
        engine = engine.with_schedule(Reconcile::schedule(seconds(settings.reconcile_every_seconds)));
    }
    if settings.watch_every_seconds > 0 {
        engine = engine.with_schedule(payments::Watch::schedule(seconds(settings.watch_every_seconds)));
    }
    engine
}

async fn serve(router: Router, listener: Option<TcpListener>, stop: CancellationToken) -> anyhow::Result<()> {
    let Some(listener) = listener else {
        stop.cancelled().await;
        return Ok(());
    };
    let listener = listener.tap_io(|stream| {
        // Answers are small: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    server.await.context("the HTTP server ended")
}

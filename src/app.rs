//! The composition root: what the program is made of.

mod providers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::FromRef;
use axum::serve::ListenerExt;
use futures_util::future::OptionFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::access::session::Sessions;
use crate::contracts::mifiel::api::MifielApi;
use crate::contracts::{self, Mifiel};
use crate::documents::Links;
use crate::edge::{self, Edge};
use crate::engine::Engine;
use crate::engine::audit::Sign;
use crate::engine::recent::Recent;
use crate::engine::retention::Retention;
use crate::engine::source::Source;
use crate::engine::uploads::Uploads;
use crate::engine::watch::Watch;
use crate::engine::worker::Workers;
use crate::ground::clock::Clock;
use crate::ground::config::{self, Settings};
use crate::invoicing::gigstack::api::GigstackApi;
use crate::invoicing::{self, Gigstack};
use crate::monitoring::{self, refusals};
use crate::notifications::Notify;
use crate::panel::Closed;
use crate::payments::api::StripeApi;
use crate::payments::{self, Ask, Reconcile, Stripe};
use crate::tools::db::Pools;
use crate::tools::layers;
use crate::tools::limits::Limits;
use crate::tools::objects::Objects;
use crate::tools::redis::Redis;
use crate::tools::telemetry::Metrics;
use crate::tools::traces::Traces;
use crate::{routes, story};

pub use providers::{Invoicer, Signatures};

/// The end waits for a collector of traces no longer.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// The program, put together and not yet running.
pub struct App {
    /// The webhook machine.
    pub engine: Arc<Engine>,
    /// Every route with its layers.
    pub router: Router,
    /// How much one client may ask for, and who is over it.
    pub limits: Limits,
    traces: Traces,
    shutdown: Duration,
}

/// What routes share.
#[derive(Clone)]
pub struct Shared {
    /// The webhook machine.
    pub engine: Arc<Engine>,
    /// The metrics to print.
    pub metrics: Metrics,
    /// Who may come in.
    pub access: Access,
    /// Who is signed in to the panel.
    pub sessions: Sessions,
    /// The store of documents, where there is one.
    pub objects: Option<Objects>,
    /// Hands out links to documents.
    pub links: Links,
    /// Figures of the panel that are counted now and then.
    pub closed: Closed,
}

macro_rules! handed_out {
    ($($kind:ty: $field:ident),+) => {
        $(impl FromRef<Shared> for $kind {
            fn from_ref(shared: &Shared) -> Self {
                shared.$field.clone()
            }
        })+
    };
}

// A handler takes of it what it needs.
handed_out!(Access: access, Arc<Engine>: engine, Closed: closed, Links: links, Option<Objects>: objects, Sessions: sessions);

/// The webhook machine with everything that handles events and jobs. Nothing of it runs yet, and nothing listens:
/// commands take it as it is.
pub struct Machine {
    /// The machine.
    pub engine: Engine,
    /// Stripe, to be given a door.
    pub stripe: Arc<Stripe>,
    /// Stripe, to be asked.
    pub api: Option<StripeApi>,
    /// Gigstack, where it is configured.
    pub gigstack: Option<Invoicer>,
    /// Mifiel, where it is configured.
    pub mifiel: Option<Signatures>,
    /// The store of documents, where it is configured.
    pub objects: Option<Objects>,
    /// What replicas share besides the database, where it is configured.
    pub redis: Option<Arc<Redis>>,
    /// Cloudflare, where it is configured.
    pub edge: Option<Edge>,
    /// Who may come in.
    pub access: Access,
}

impl Machine {
    /// Puts it together over a migrated database.
    pub fn new(settings: &Settings, pools: Pools, clock: Clock) -> anyhow::Result<Self> {
        let stripe = Arc::new(Stripe::new(&settings.stripe));
        let (watch, stripe_file) = (&settings.file.watch, &settings.file.stripe);
        let notify = Notify::new(pools.main.clone(), &settings.mail, &settings.public_url)?;
        let mail = notify.probe();
        let api = StripeApi::new(&settings.stripe, stripe_file)?;
        let redis = redis(settings)?;
        let recent = redis
            .clone()
            .map(|redis| Recent::open(redis, &pools.main, &settings.file.redis));
        let engine = Engine::new(pools.clone(), clock.clone(), &settings.file, story::react)
            .with_recent(recent)
            .with_source(stripe.clone())
            .with_job(notify)
            .with_job(Ask::new(api.clone(), clock.clone()))
            .with_job(payments::Watch::new(api.clone(), &settings.public_url))
            .with_job(Watch::new(pools.main, watch))
            .with_schedule(Watch::schedule(watch));
        let retention = Retention::new(&engine, &settings.file.retention);
        let reconcile = Reconcile::new(&engine, stripe.clone(), api.clone());
        let engine = engine
            .with_job(retention)
            .with_schedule(Retention::schedule())
            .with_job(reconcile);
        let engine = api.iter().fold(engine, |engine, _| asking(engine, stripe_file));
        // One for all: it bounds the memory of all uploads together.
        let objects = settings.r2.as_ref().map(Objects::new);
        let engine = objects.iter().fold(engine, |engine, objects| {
            let engine = Uploads::set_up(engine, objects, &settings.file.retention);
            Sign::daily(engine, objects, settings)
        });
        let (engine, gigstack) = invoicing(engine, objects.as_ref(), settings)?;
        let (engine, mifiel) = contracts(engine, objects.as_ref(), settings)?;
        let (engine, edge) = edge::set_up(engine, settings)?;
        let access = Access::new(settings.supabase.as_ref(), &settings.file.access, clock)?;
        let probes = [
            api.as_ref().map(StripeApi::probe),
            gigstack.as_ref().map(|gigstack| gigstack.api.probe()),
            mifiel.as_ref().map(|mifiel| mifiel.api.probe()),
            objects.as_ref().map(Objects::probe),
            mail,
            edge.as_ref().and_then(Edge::probe),
            access.probe(),
        ];
        let engine = monitoring::set_up(engine, probes, &settings.file.monitoring);
        Ok(Self {
            engine,
            stripe,
            api,
            gigstack,
            mifiel,
            objects,
            redis,
            edge,
            access,
        })
    }
}

/// Gigstack's doors, and its jobs where everything is configured that they need.
fn invoicing(
    mut engine: Engine,
    objects: Option<&Objects>,
    settings: &Settings,
) -> anyhow::Result<(Engine, Option<Invoicer>)> {
    let Some(gigstack) = &settings.gigstack else {
        return Ok((engine, None));
    };
    let file = &settings.file;
    let door = |door| (door, Arc::new(Gigstack::new(door, gigstack, &file.gigstack)));
    let invoicer = Invoicer {
        doors: invoicing::Door::ALL.into_iter().map(door).collect(),
        api: GigstackApi::new(gigstack, &file.gigstack)?,
    };
    for (_, source) in &invoicer.doors {
        engine = engine.with_source(source.clone());
    }
    let ask = invoicing::Ask::new(engine.pool.clone(), invoicer.api.clone());
    engine = engine.with_job(ask);
    if let Some(reconcile) = invoicer.reconcile(&engine) {
        engine = engine.with_job(reconcile);
    }
    if let (Some(objects), Some(issuer)) = (objects, &settings.issuer) {
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
        let keep = invoicing::Keep::new(pool, clock, invoicer.api.clone(), objects.clone(), rules);
        let remove =
            invoicing::erasure::Remove::new(engine.pool.clone(), objects.clone(), engine.clock.clone());
        engine = engine
            .with_job(keep)
            .with_job(remove)
            .with_job(invoicing::global::Monthly::new(file.invoicing.global_every_month))
            .with_schedule(invoicing::global::Monthly::schedule());
        // What is found can be kept.
        engine = engine.every(
            file.gigstack.reconcile_every_seconds,
            invoicing::Reconcile::schedule,
        );
    }
    Ok((engine, Some(invoicer)))
}

/// Mifiel's door, and its jobs where documents can be stored.
fn contracts(
    mut engine: Engine,
    objects: Option<&Objects>,
    settings: &Settings,
) -> anyhow::Result<(Engine, Option<Signatures>)> {
    let Some(mifiel) = &settings.mifiel else {
        return Ok((engine, None));
    };
    let file = &settings.file.mifiel;
    let signatures = Signatures {
        door: Arc::new(Mifiel::new(mifiel, file)),
        api: MifielApi::new(mifiel, file, engine.clock.clone())?,
    };
    let reconcile = signatures.reconcile(&engine);
    engine = engine
        .with_source(signatures.door.clone())
        .with_job(reconcile)
        .with_job(contracts::Remind);
    if file.reminders {
        engine = engine.with_schedule(contracts::Remind::schedule());
    }
    if let Some(objects) = objects {
        let (pool, clock) = (engine.pool.clone(), engine.clock.clone());
        let (api, objects) = (signatures.api.clone(), objects.clone());
        let send = contracts::sending::Send::new(pool.clone(), api.clone(), objects.clone(), mifiel, file);
        let keep = contracts::Keep::new(pool, clock, api, objects.clone());
        let remove =
            contracts::erasure::Remove::new(engine.pool.clone(), objects.clone(), engine.clock.clone());
        engine = engine.with_job(send).with_job(keep).with_job(remove);
        engine = engine.every(file.reconcile_every_seconds, contracts::Reconcile::schedule);
    }
    Ok((engine, Some(signatures)))
}

impl App {
    /// Puts the program together over a migrated database.
    pub fn new(settings: &Settings, pools: Pools, clock: Clock) -> anyhow::Result<Self> {
        let metrics = Metrics::new(settings)?;
        let traces = Traces::new(settings.otlp_endpoint.as_ref())?;
        let Machine {
            access,
            engine,
            stripe,
            gigstack,
            mifiel,
            objects,
            redis,
            edge,
            ..
        } = Machine::new(settings, pools, clock.clone())?;
        let limits = Limits::new(&settings.file.limits, clock, redis);
        if let Some(edge) = edge {
            edge.tell_blocked(limits.blocked());
        }
        let mut doors: Vec<(&'static str, Arc<dyn Source>)> = vec![("/api/webhooks/stripe", stripe)];
        for (door, source) in gigstack.into_iter().flat_map(|gigstack| gigstack.doors) {
            doors.push((door.path(), source));
        }
        if let Some(mifiel) = mifiel {
            doors.push(("/api/webhooks/mifiel", mifiel.door));
        }
        let engine = Arc::new(engine.with_traces(traces.clone()));
        let links = Links::new(Arc::clone(&engine), objects.clone(), &settings.file.documents);
        let shared = Shared {
            engine: Arc::clone(&engine),
            metrics,
            access: access.noting(Arc::clone(&engine)),
            sessions: Sessions::new(&engine, &settings.file.access, &settings.public_url),
            objects,
            links,
            closed: Closed::default(),
        };
        let urls = routes::all(shared, doors, limits.clone(), &settings.file.http);
        let router = layers::around(urls, &settings.file.http, &settings.public_url, &traces);
        Ok(Self {
            engine,
            router,
            limits,
            traces,
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
        let refusals = tokio::spawn(refusals::keep_writing(Arc::clone(&self.engine), stop.clone()));
        let mut server = tokio::spawn(serve(self.router, listener, stop.clone()));
        tokio::select! {
            // Told to stop, the server may have ended already: the workers are waited for all the same.
            biased;
            () = stop.cancelled() => {}
            ended = &mut server => return ended?,
        }
        // Both at once: a client that never ends its request must not keep claimed rows from being given back.
        let workers = OptionFuture::from(workers.map(Workers::stop));
        let soft = async { tokio::join!(workers, refusals, server) };
        if tokio::time::timeout(self.shutdown, soft).await.is_err() {
            tracing::warn!("not everything ended in time; what is left is done by the next start");
        }
        self.traces.flush(LAST_SPANS).await;
        Ok(())
    }
}

/// Redis, where `REDIS_URL` names one.
fn redis(settings: &Settings) -> anyhow::Result<Option<Arc<Redis>>> {
    let open = |url| Redis::open(url, &settings.file.redis).map(Arc::new);
    settings.redis_url.as_ref().map(open).transpose()
}

/// Asks Stripe by itself, as often as the settings say.
fn asking(engine: Engine, settings: &config::StripeFile) -> Engine {
    let engine = engine.every(settings.reconcile_every_seconds, Reconcile::schedule);
    engine.every(settings.watch_every_seconds, payments::Watch::schedule)
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
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned());
    server.await.context("the HTTP server ended")
}

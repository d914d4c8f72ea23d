//! The edge: what Cloudflare is told of what happened here, so that a Worker there can answer at once. D1 mirrors metadata of
//! documents that is not sensitive, KV tells of clients over their limit and of the panel's sessions. Both are hints: nothing here ever asks them, and
//! whatever Cloudflare does, nothing else notices.

mod blocked;
pub mod cloudflare;
pub mod metadata;
pub mod mirror;
mod sessions;
mod store;

use chrono::{DateTime, TimeDelta, Utc};

use tokio::sync::broadcast::Receiver;

pub use mirror::Mirror;
pub use store::{Backlog, Standing};

use crate::engine::work::Work;
use crate::engine::{Engine, Failure};
use crate::ground::clock::Clock;
use crate::ground::config::{self, Settings};
use crate::ground::facts::Document;
use crate::tools::db::Db;
use crate::tools::limits::Blocked;
use crate::tools::probe::Probe;
use cloudflare::CloudflareApi;
use metadata::{CONTRACTS, INVOICES, RESOURCES};

/// Cloudflare: how it is told.
pub struct Edge {
    /// To be told.
    pub api: CloudflareApi,
    /// The D1 database that mirrors, where there is one.
    pub database: Option<String>,
    /// The KV namespace, where there is one.
    namespace: Option<String>,
    clock: Clock,
    file: config::CloudflareFile,
}

impl Edge {
    /// Asks whether Cloudflare answers.
    pub fn probe(&self) -> Option<Probe> {
        self.api
            .probe(self.database.as_deref(), self.namespace.as_deref())
    }

    /// Tells KV of clients over their limit, in the background for as long as any can be reported.
    pub fn tell_blocked(self, reports: Receiver<Blocked>) {
        if let Some(namespace) = self.namespace {
            tokio::spawn(blocked::keep_telling(
                reports, self.clock, self.api, namespace, self.file,
            ));
        }
    }
}

/// Adds what tells Cloudflare, where it is configured.
pub fn set_up(mut engine: Engine, settings: &Settings) -> anyhow::Result<(Engine, Option<Edge>)> {
    let Some(cloudflare) = &settings.cloudflare else {
        return Ok((engine, None));
    };
    let file = &settings.file.cloudflare;
    let api = CloudflareApi::new(cloudflare, file)?;
    let database = cloudflare.d1_database_id.clone();
    let every = TimeDelta::seconds(i64::from(file.flush_every_seconds));
    if let Some(database) = &database {
        let (pool, clock) = (engine.pool.clone(), engine.clock.clone());
        engine = engine
            .with_job(Mirror::new(pool, clock, api.clone(), database, file))
            .with_schedule(Mirror::schedule(every));
    }
    if let Some(namespace) = &cloudflare.kv_namespace_id {
        let (pool, clock) = (engine.pool.clone(), engine.clock.clone());
        let publish = sessions::Publish::new(pool, clock, api.clone(), namespace, file);
        engine = engine
            .with_job(publish)
            .with_schedule(sessions::Publish::schedule(every));
    }
    let edge = Edge {
        api,
        database,
        namespace: cloudflare.kv_namespace_id.clone(),
        clock: engine.clock.clone(),
        file: file.clone(),
    };
    Ok((engine, Some(edge)))
}

/// A document changed: it is marked, whether there is an edge or not. One row per document is little, and whoever switches
/// the edge on later finds nothing missing.
pub async fn mark(document: Document, work: &mut Work) -> Result<(), Failure> {
    match document {
        Document::Invoice(id) => store::mark(work, INVOICES.name, id).await,
        Document::Contract(id) => store::mark(work, CONTRACTS.name, id).await,
    }
}

/// A session of the panel was opened, until then at the latest. Noted whether there is an edge or not, as a mark is.
pub async fn session_opened(digest: &str, ends_at: DateTime<Utc>, work: &mut Work) -> Result<(), Failure> {
    store::session_opened(work, digest, ends_at).await
}

/// It ended before.
pub async fn session_ended(digest: &str, work: &mut Work) -> Result<(), Failure> {
    store::session_ended(work, digest).await
}

/// Marks all documents, as for a D1 database that was emptied or put back; returns how many.
pub async fn resync(pool: &Db, clock: &Clock) -> Result<u64, Failure> {
    let mut marked = 0;
    for resource in RESOURCES {
        marked += store::mark_all(pool, resource, clock.now()).await?;
    }
    Ok(marked)
}

/// How the mirror stands: what waits, and how asking goes.
pub async fn standing(pool: &Db) -> Result<(Backlog, Standing), Failure> {
    let names = RESOURCES.map(|resource| resource.name);
    let backlog = store::backlog(pool, mirror::STORE, &names).await?;
    Ok((backlog, store::standing(pool, mirror::STORE).await?))
}

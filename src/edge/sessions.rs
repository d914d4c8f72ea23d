//! The job that tells KV of the panel's sessions, so that a Worker can turn away early whoever has none: opened ones with
//! their end, and those that ended before. The panel itself never asks KV. As with the mirror, what cannot be told waits, and
//! no job fails because of Cloudflare.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::cloudflare::{ApiError, CloudflareApi, Pair, SHORTEST_TTL};
use super::mirror::pause;
use super::store::{self, Session};
use crate::engine::Failure;
use crate::engine::job::{Job, Task};
use crate::engine::schedule::Schedule;
use crate::engine::work::Work;
use crate::ground::clock::Clock;
use crate::ground::config;
use crate::tools::db::Db;

const KIND: &str = "publicar_sesiones";

/// Its row of `edge.stores`.
const STORE: &str = "kv";

/// Sessions in one run: one request for those that were opened, one for those that ended.
const AT_ONCE: i64 = 1000;

/// The job.
pub struct Publish {
    db: Db,
    clock: Clock,
    api: CloudflareApi,
    namespace: String,
    /// A run that takes longer has lost its turn.
    longest: TimeDelta,
}

/// How a run went; none without the turn.
pub struct Ran(Option<Result<(), ApiError>>);

impl Publish {
    /// Tells `namespace`.
    pub fn new(
        db: Db,
        clock: Clock,
        api: CloudflareApi,
        namespace: &str,
        file: &config::CloudflareFile,
    ) -> Self {
        let seconds = i64::try_from(file.timeout_seconds).unwrap_or(i64::MAX / 4);
        Self {
            db,
            clock,
            api,
            namespace: namespace.to_owned(),
            longest: TimeDelta::try_seconds(2 * seconds + 60).unwrap_or(TimeDelta::hours(1)),
        }
    }

    /// When it runs.
    pub fn schedule(every: TimeDelta) -> Schedule {
        Schedule { kind: KIND, every }
    }

    async fn tell(&self, sessions: &[Session], now: DateTime<Utc>) -> Result<Vec<String>, ApiError> {
        let (ended, open): (Vec<&Session>, Vec<&Session>) =
            sessions.iter().partition(|session| session.ended);
        let mut not_told = Vec::new();
        if !open.is_empty() {
            let pairs: Vec<Pair> = open.iter().map(|session| pair(session, now)).collect();
            not_told = self.api.put(&self.namespace, &pairs).await?;
        }
        if !ended.is_empty() {
            let keys: Vec<String> = ended.iter().map(|session| key(session)).collect();
            not_told.extend(self.api.delete(&self.namespace, &keys).await?);
        }
        Ok(not_told)
    }
}

impl Job for Publish {
    type Done = Ran;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Ran, Failure> {
        let now = self.clock.now();
        let Some(turn) = store::begin(&self.db, STORE, &self.namespace, now, self.longest).await? else {
            return Ok(Ran(None));
        };
        if turn.is_new {
            store::forget_told_sessions(&self.db).await?;
            store::adopt(&self.db, STORE, &self.namespace, now).await?;
        }
        let sessions = store::sessions(&self.db, now, AT_ONCE).await?;
        let told = match self.tell(&sessions, now).await {
            Ok(not_told) => {
                let told = sessions
                    .iter()
                    .filter(|session| !not_told.contains(&key(session)));
                store::told_sessions(&self.db, told).await?;
                Ok(())
            }
            Err(error) => Err(error),
        };
        Ok(Ran(Some(told)))
    }

    async fn record(&self, _task: &Task, Ran(ran): Ran, work: &mut Work) -> Result<(), Failure> {
        let Some(told) = ran else { return Ok(()) };
        let standing = store::standing(&self.db, STORE).await?;
        let error = told.err();
        let reason = error.as_ref().map(ToString::to_string);
        let pause = error.map(|error| work.now() + pause(&error, standing.failures));
        store::end(work, STORE, pause.zip(reason.as_deref())).await
    }
}

fn key(session: &Session) -> String {
    format!("sesion:{}", session.digest)
}

/// Only admins have sessions. KV forgets it with its end, or a minute later.
fn pair(session: &Session, now: DateTime<Utc>) -> Pair {
    let left = u64::try_from((session.ends_at - now).num_seconds()).unwrap_or(0);
    Pair {
        key: key(session),
        value: json!({ "rol": "admin", "hasta": session.ends_at.timestamp() }).to_string(),
        expiration_ttl: left.max(SHORTEST_TTL),
    }
}

//! The job that makes D1 show what PostgreSQL says. It never fails because of Cloudflare: what cannot be told stays marked,
//! and the next tick that may ask tries again. So a Cloudflare that is away for a day leaves one row behind, not thousands
//! of jobs.

use std::time::Duration;

use chrono::TimeDelta;

use super::cloudflare::{ApiError, CloudflareApi};
use super::metadata::{self, RESOURCES};
use super::store::{self, Backlog};
use crate::engine::Failure;
use crate::engine::job::{Job, Task};
use crate::engine::schedule::Schedule;
use crate::engine::work::Work;
use crate::ground::clock::Clock;
use crate::ground::config;
use crate::ground::facts::{Behind, Fact};
use crate::tools::db::Db;

const KIND: &str = "reflejar_documentos";

/// Its row of `edge.stores`.
pub(super) const STORE: &str = "d1";

/// Requests in one run: of what Cloudflare gives the whole account, a small part.
const REQUESTS: u32 = 5;

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(30);
/// The longest one, also where Cloudflare asks for more than that.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// The job.
pub struct Mirror {
    pool: Db,
    clock: Clock,
    api: CloudflareApi,
    database: String,
    batch_rows: i64,
    /// A run that takes longer has lost its turn.
    longest: TimeDelta,
    behind: TimeDelta,
}

/// How a run went.
pub struct Ran {
    /// Whether it had the turn: else another one has it, or Cloudflare is not to be asked yet.
    had_turn: bool,
    trouble: Option<ApiError>,
    backlog: Backlog,
}

impl Mirror {
    /// Tells `database`.
    pub fn new(
        pool: Db,
        clock: Clock,
        api: CloudflareApi,
        database: &str,
        file: &config::CloudflareFile,
    ) -> Self {
        let seconds = i64::try_from(file.timeout_seconds).unwrap_or(i64::MAX / 2);
        Self {
            pool,
            clock,
            api,
            database: database.to_owned(),
            batch_rows: i64::from(file.batch_rows),
            longest: TimeDelta::try_seconds(seconds.saturating_mul(i64::from(REQUESTS)).saturating_add(60))
                .unwrap_or(TimeDelta::hours(1)),
            behind: TimeDelta::minutes(i64::from(file.behind_minutes)),
        }
    }

    /// When it runs.
    pub fn schedule(every: TimeDelta) -> Schedule {
        Schedule { kind: KIND, every }
    }

    async fn flush(&self) -> Result<Option<ApiError>, Failure> {
        let names = RESOURCES.map(|resource| resource.name);
        for _ in 0..REQUESTS {
            let read_at = self.clock.now();
            let marks = store::waiting(&self.pool, &names, self.batch_rows).await?;
            if marks.is_empty() {
                break;
            }
            let told = store::present(&self.pool, &marks).await?;
            let statements = metadata::upsert(&told, read_at);
            if let Err(error) = self.api.query(&self.database, &statements).await {
                return Ok(Some(error));
            }
            store::told(&self.pool, &marks, read_at).await?;
            metrics::counter!("edge_documents_mirrored_total").increment(marks.len() as u64);
            if i64::try_from(marks.len()).unwrap_or(i64::MAX) < self.batch_rows {
                break;
            }
        }
        Ok(None)
    }
}

impl Job for Mirror {
    type Done = Ran;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Ran, Failure> {
        let now = self.clock.now();
        let turn = store::begin(&self.pool, STORE, &self.database, now, self.longest).await?;
        let trouble = match &turn {
            Some(turn) => {
                if turn.is_new {
                    for resource in RESOURCES {
                        store::mark_all(&self.pool, resource, now).await?;
                    }
                    store::adopt(&self.pool, STORE, &self.database, now).await?;
                }
                self.flush().await?
            }
            None => None,
        };
        let names = RESOURCES.map(|resource| resource.name);
        Ok(Ran {
            had_turn: turn.is_some(),
            trouble,
            backlog: store::backlog(&self.pool, STORE, &names).await?,
        })
    }

    async fn record(&self, _task: &Task, ran: Ran, work: &mut Work) -> Result<(), Failure> {
        let standing = store::standing(&self.pool, STORE).await?;
        let reason = ran.trouble.as_ref().map(ToString::to_string);
        if ran.had_turn {
            let pause = ran.trouble.as_ref().map(|error| pause(error, standing.failures));
            let trouble = pause.map(|pause| work.now() + pause).zip(reason.as_deref());
            store::end(work, STORE, trouble).await?;
        }
        let waited = ran
            .backlog
            .since
            .map(|since| work.now() - since)
            .unwrap_or_default();
        show(&ran.backlog, waited);
        if waited >= self.behind {
            work.say(Fact::MirrorBehind(Behind {
                minutes: waited.num_minutes(),
                documents: ran.backlog.documents,
                reason: reason.or(standing.last_error),
            }));
        } else if ran.had_turn && ran.trouble.is_none() {
            work.say(Fact::MirrorCaughtUp);
        }
        Ok(())
    }
}

/// As long as Cloudflare asks for, or longer each time.
pub(super) fn pause(error: &ApiError, failures: i32) -> TimeDelta {
    let own = FIRST_PAUSE * (1 << failures.clamp(0, 10));
    let asked = match error {
        ApiError::Unavailable { after, .. } => after.unwrap_or(Duration::ZERO),
        ApiError::Refused(_) | ApiError::Unreadable(_) => Duration::ZERO,
    };
    own.max(TimeDelta::from_std(asked).unwrap_or(LONGEST_PAUSE))
        .min(LONGEST_PAUSE)
}

#[allow(clippy::cast_precision_loss)] // gauges
fn show(backlog: &Backlog, waited: TimeDelta) {
    metrics::gauge!("edge_documents_waiting").set(backlog.documents as f64);
    metrics::gauge!("edge_oldest_mark_seconds").set(waited.num_seconds() as f64);
}

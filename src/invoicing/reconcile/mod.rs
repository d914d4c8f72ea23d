//! Asking Gigstack what we may have missed: its list of invoices is compared with ours, those of ours that nobody looked
//! at for long are asked for, and so are self-invoices that wait for their client. What we were not told goes through the
//! same door as a webhook, so that the inbox shows it.

mod news;
mod run;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::documents::Wanted;
use super::gigstack::Gigstack;
use super::gigstack::api::{ApiError, GigstackApi};
use crate::engine::inbox::Inbox;
use crate::engine::job::{Job, Task};
use crate::engine::reconciliation::{self, Progress, Report};
use crate::engine::schedule::Schedule;
use crate::engine::work::Work;
use crate::engine::{Engine, Failure};
use crate::ground::clock::Clock;
use crate::ground::facts::Fact;
use crate::tools::db::Db;
use run::Run;

const KIND: &str = "reconciliar_gigstack";
const PROVIDER: &str = "gigstack";

/// Each run looks so far back at least: the list is by the time an invoice was made, and it may be stamped days later.
const BACK: TimeDelta = TimeDelta::days(3);

/// And looks again at what the one before saw last.
const OVERLAP: TimeDelta = TimeDelta::hours(2);

/// Gigstack, asked for what we may have missed.
pub struct Reconcile {
    source: Arc<Gigstack>,
    api: GigstackApi,
    inbox: Inbox,
    pool: Db,
    clock: Clock,
}

/// What a look came to.
pub struct Look {
    /// What was found.
    pub report: Report,
    /// So many events never came that had time enough.
    lost: usize,
    /// What the inbox cannot bring: to be asked for again.
    wanted: Vec<Wanted>,
    /// Invoices that are not the same there and here, and how, for a person.
    different: Vec<(Uuid, String)>,
}

/// Why there was no look.
#[derive(Debug, thiserror::Error)]
pub enum NoLook {
    /// Gigstack does not take our key.
    #[error("{0}")]
    Key(ApiError),
    /// Something that may pass.
    #[error("{0}")]
    Failed(#[from] Failure),
}

impl From<ApiError> for NoLook {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::KeyRefused(_) => Self::Key(error),
            error => Self::Failed(error.into()),
        }
    }
}

impl Reconcile {
    /// Works on the tables of `engine`.
    pub fn new(engine: &Engine, source: Arc<Gigstack>, api: GigstackApi) -> Self {
        Self {
            source,
            api,
            inbox: engine.inbox.clone(),
            pool: engine.pool.clone(),
            clock: engine.clock.clone(),
        }
    }

    /// When it runs by itself.
    pub fn schedule(every: TimeDelta) -> Schedule {
        Schedule { kind: KIND, every }
    }

    /// Compares what was made since, and some of what is older; with `repair`, puts what is missing into the inbox.
    pub async fn look(
        &self,
        since: DateTime<Utc>,
        repair: bool,
        progress: Progress<'_>,
    ) -> Result<Look, NoLook> {
        let mut run = Run::begin(self, since, repair).await?;
        run.list(progress).await?;
        run.old().await?;
        run.open_requests().await?;
        let look = run.end();
        look.report.measure();
        Ok(look)
    }
}

impl Look {
    /// Asks for what the inbox cannot bring, as a command does.
    pub async fn ask_now(&self, engine: &Engine) -> Result<(), Failure> {
        for wanted in &self.wanted {
            wanted.ask_now(engine).await?;
        }
        Ok(())
    }
}

/// What came of asking.
pub enum Asked {
    /// A look.
    Looked(Look),
    /// Our key is not taken; why, in Spanish.
    KeyRefused(String),
}

impl Job for Reconcile {
    type Done = Asked;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Asked, Failure> {
        let back = self.clock.now() - BACK;
        let last = reconciliation::last(&self.pool, PROVIDER).await?;
        let since = last.map_or(back, |last| back.min(last - OVERLAP));
        match self.look(since, true, &|_| {}).await {
            Ok(look) => Ok(Asked::Looked(look)),
            Err(NoLook::Key(error)) => Ok(Asked::KeyRefused(error.to_string())),
            Err(NoLook::Failed(failure)) => Err(failure),
        }
    }

    async fn record(&self, _task: &Task, asked: Asked, work: &mut Work) -> Result<(), Failure> {
        let look = match asked {
            Asked::Looked(look) => look,
            Asked::KeyRefused(trouble) => {
                work.say(Fact::EndpointTrouble {
                    provider: PROVIDER,
                    trouble,
                });
                return Ok(());
            }
        };
        work.say(Fact::EndpointFine { provider: PROVIDER });
        look.report.say_lost(look.lost, work);
        for wanted in &look.wanted {
            wanted.ask(work)?;
        }
        for (invoice, difference) in look.different {
            work.say(Fact::InvoiceDiffers { invoice, difference });
        }
        look.report.keep(work).await
    }
}

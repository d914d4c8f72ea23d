//! Asking Mifiel what we may have missed. It has no list of what happened, so it is asked about our documents: those that
//! wait, a few at a time, and those whose sending nobody answered. What we were not told goes through the same door as a
//! webhook, so that the inbox shows it.

mod run;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::documents::Wanted;
use super::mifiel::Mifiel;
use super::mifiel::api::{ApiError, MifielApi};
use crate::engine::inbox::Inbox;
use crate::engine::job::{Job, Task};
use crate::engine::reconciliation::{Progress, Report};
use crate::engine::schedule::Schedule;
use crate::engine::work::Work;
use crate::engine::{Engine, Failure};
use crate::ground::clock::Clock;
use crate::ground::facts::Fact;
use crate::tools::db::Db;
use run::Run;

const KIND: &str = "reconciliar_mifiel";
const PROVIDER: &str = "mifiel";

/// What a signer declined is looked at for so long after it was sent, if it cannot be signed any more.
const BACK: TimeDelta = TimeDelta::days(3);

/// Mifiel, asked for what we may have missed.
pub struct Reconcile {
    source: Arc<Mifiel>,
    api: MifielApi,
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
}

/// Why there was no look.
#[derive(Debug, thiserror::Error)]
pub enum NoLook {
    /// Mifiel does not take our key, or our clock.
    #[error("{0}")]
    Refused(ApiError),
    /// Something that may pass.
    #[error("{0}")]
    Failed(#[from] Failure),
}

impl From<ApiError> for NoLook {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::KeyRefused(_) | ApiError::Clock(_) => Self::Refused(error),
            error => Self::Failed(error.into()),
        }
    }
}

impl Reconcile {
    /// Works on the tables of `engine`.
    pub fn new(engine: &Engine, source: Arc<Mifiel>, api: MifielApi) -> Self {
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

    /// Asks about some of what waits; with `repair`, puts what is missing into the inbox.
    pub async fn look(
        &self,
        since: DateTime<Utc>,
        repair: bool,
        progress: Progress<'_>,
    ) -> Result<Look, NoLook> {
        let mut run = Run::begin(self, since, repair).await?;
        run.documents(progress).await?;
        run.unsent().await?;
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
    /// Our key or our clock is not taken; why, in Spanish.
    Refused(String),
}

impl Job for Reconcile {
    type Done = Asked;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Asked, Failure> {
        match self.look(self.clock.now() - BACK, true, &|_| {}).await {
            Ok(look) => Ok(Asked::Looked(look)),
            Err(NoLook::Refused(error)) => Ok(Asked::Refused(error.to_string())),
            Err(NoLook::Failed(failure)) => Err(failure),
        }
    }

    async fn record(&self, _task: &Task, asked: Asked, work: &mut Work) -> Result<(), Failure> {
        let look = match asked {
            Asked::Looked(look) => look,
            Asked::Refused(trouble) => {
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
        look.report.keep(work).await
    }
}

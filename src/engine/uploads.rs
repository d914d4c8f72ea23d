//! Unfinished uploads: of a process that was killed while it stored a large document, parts may stay in the store. No
//! reader sees them, and they are paid for.

use chrono::TimeDelta;

use super::job::{Job, Task};
use super::schedule::Schedule;
use super::work::Work;
use super::{Engine, Failure};
use crate::ground::clock::Clock;
use crate::ground::config;
use crate::tools::objects::Objects;

const KIND: &str = "limpiar_subidas";

/// The job that removes them.
pub struct Uploads {
    objects: Objects,
    clock: Clock,
    after: TimeDelta,
}

impl Uploads {
    /// In this store.
    fn new(objects: Objects, clock: Clock, settings: &config::Retention) -> Self {
        Self {
            objects,
            clock,
            after: TimeDelta::days(i64::from(settings.uploads_days.max(1))),
        }
    }

    /// Adds the job, and has it come by itself where the settings want it.
    pub fn set_up(engine: Engine, objects: &Objects, settings: &config::Retention) -> Engine {
        let uploads = Self::new(objects.clone(), engine.clock.clone(), settings);
        let engine = engine.with_job(uploads);
        if settings.uploads_days > 0 {
            engine.with_schedule(Self::schedule())
        } else {
            engine
        }
    }

    /// When it looks.
    fn schedule() -> Schedule {
        Schedule {
            kind: KIND,
            every: TimeDelta::days(1),
        }
    }
}

impl Job for Uploads {
    type Done = ();

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<(), Failure> {
        let aborted = self.objects.abort_orphans(self.clock.now() - self.after).await?;
        if aborted > 0 {
            tracing::info!(aborted, "unfinished uploads were removed from the store");
        }
        Ok(())
    }

    async fn record(&self, _task: &Task, (): (), _work: &mut Work) -> Result<(), Failure> {
        Ok(())
    }
}

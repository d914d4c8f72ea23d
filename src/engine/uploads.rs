//! Unfinished uploads: of a process that was killed while it stored a large document, parts may stay in the store. No
//! reader sees them, and they are paid for.

use chrono::TimeDelta;

use super::Failure;
use super::job::{Job, Task};
use super::schedule::Schedule;
use super::work::Work;
use crate::ground::clock::Clock;
use crate::tools::objects::Objects;

const KIND: &str = "limpiar_subidas";

/// No upload takes so long: a job is broken off after minutes.
const ORPHANED_AFTER: TimeDelta = TimeDelta::days(1);

/// The job that removes them.
pub struct Uploads {
    objects: Objects,
    clock: Clock,
}

impl Uploads {
    /// In this store.
    pub fn new(objects: Objects, clock: Clock) -> Self {
        Self { objects, clock }
    }

    /// When it looks.
    pub fn schedule() -> Schedule {
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
        let aborted = self
            .objects
            .abort_orphans(self.clock.now() - ORPHANED_AFTER)
            .await?;
        if aborted > 0 {
            tracing::info!(aborted, "unfinished uploads were removed from the store");
        }
        Ok(())
    }

    async fn record(&self, _task: &Task, (): (), _work: &mut Work) -> Result<(), Failure> {
        Ok(())
    }
}

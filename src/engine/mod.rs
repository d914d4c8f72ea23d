//! The webhook machine: receive, keep, handle once in effect. It names no provider and no business.

pub mod audit;
pub mod by_hand;
pub mod erasure;
mod failure;
mod gauges;
pub mod history;
pub mod inbox;
pub mod job;
mod observed;
mod piece;
mod process;
pub mod queue;
pub mod receive;
pub mod recent;
pub mod reconciliation;
pub mod refusals;
pub mod rehearsal;
pub mod replay;
pub mod retention;
pub mod schedule;
pub mod source;
pub mod streaks;
pub mod uploads;
pub mod watch;
pub mod work;
pub mod worker;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::Serialize;

pub use failure::Failure;

use crate::ground::clock::Clock;
use crate::ground::config;
use crate::tools::db::{Db, Pools};
use crate::tools::traces::Traces;
use inbox::Inbox;
use job::{AnyJob, Job, NewJob};
use queue::{Lane, Wakers};
use recent::Recent;
use refusals::Refusals;
use schedule::Schedule;
use source::Source;
use work::{React, Unit, Work};

/// What the machine runs with: its tables, its clock, the providers and jobs it was given, and the story.
pub struct Engine {
    /// For effects and for looking things up.
    pub pool: Db,
    /// For lease renewals alone, so that busy handlers cannot starve them.
    pub leases: Db,
    /// What time it is.
    pub clock: Clock,
    /// How workers behave.
    pub settings: config::Worker,
    /// The door of the inbox.
    pub inbox: Inbox,
    /// What the doors refused, until it is written down.
    pub refusals: Refusals,
    recent: Option<Recent>,
    sources: HashMap<&'static str, Arc<dyn Source>>,
    jobs: HashMap<&'static str, Arc<dyn AnyJob>>,
    schedule: Vec<Schedule>,
    react: React,
    wakers: Wakers,
    traces: Traces,
}

impl Engine {
    /// A machine without providers and jobs; `with_source`, `with_job` and `with_schedule` add them.
    pub fn new(pools: Pools, clock: Clock, file: &config::File, react: React) -> Self {
        let wakers = Wakers::default();
        let inbox = Inbox::open(&pools.inbox, file, &wakers);
        Self {
            pool: pools.main,
            leases: pools.leases,
            clock,
            settings: file.worker.clone(),
            inbox,
            refusals: Refusals::default(),
            recent: None,
            sources: HashMap::new(),
            jobs: HashMap::new(),
            schedule: Vec::new(),
            react,
            wakers,
            traces: Traces::default(),
        }
    }

    /// Adds a memory of the events stored of late, besides the inbox.
    #[must_use]
    pub fn with_recent(mut self, recent: Option<Recent>) -> Self {
        self.recent = recent;
        self
    }

    /// Tells what it does, and how long each takes, to whoever wants traces.
    #[must_use]
    pub fn with_traces(mut self, traces: Traces) -> Self {
        self.traces = traces;
        self
    }

    /// Adds a provider.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn Source>) -> Self {
        self.sources.insert(source.name(), source);
        self
    }

    /// Adds a kind of job.
    #[must_use]
    pub fn with_job(mut self, job: impl Job) -> Self {
        self.jobs.insert(job.kind(), Arc::new(job));
        self
    }

    /// Adds a job that comes by itself.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule.push(schedule);
        self
    }

    /// The same every so many seconds; with 0, never.
    #[must_use]
    pub fn every(self, seconds: u32, schedule: fn(TimeDelta) -> Schedule) -> Self {
        match seconds {
            0 => self,
            seconds => self.with_schedule(schedule(TimeDelta::seconds(i64::from(seconds)))),
        }
    }

    /// The providers it was given, in order.
    pub fn providers(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = self.sources.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// How many events wait (counted up to 10,000), and how many seconds the oldest of them has been due.
    pub async fn backlog(&self) -> Result<(i64, i64), sqlx::Error> {
        queue::backlog(&self.pool, self.clock.now()).await
    }

    /// Asks for a job from outside of a unit of work, as a command does; a running server does it.
    pub async fn request(&self, kind: &'static str, payload: &impl Serialize) -> Result<(), Failure> {
        let (id, now) = (self.clock.new_id(), self.clock.now());
        let payload = serde_json::to_value(payload).map_err(Failure::retry)?;
        let job = NewJob::new(id, kind, payload, now);
        job::insert(&self.pool, &[job], now).await?;
        self.wakers.wake(Lane::Jobs);
        Ok(())
    }

    /// Opens a unit of work: one transaction, and what it will say and ask for.
    pub async fn begin(&self, unit: Unit) -> Result<Work, Failure> {
        Work::begin(self, unit).await
    }
}

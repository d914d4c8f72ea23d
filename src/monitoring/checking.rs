//! Looks every minute at what no event tells: whether what is due waits, whether a provider that usually calls is silent,
//! whether its webhooks are refused.

use chrono::{DateTime, TimeDelta, Utc};

use super::silence::{self, Silence};
use super::store::{self, Door, Due};
use crate::engine::Failure;
use crate::engine::job::{Job, Task};
use crate::engine::schedule::Schedule;
use crate::engine::work::Work;
use crate::ground::clock::Clock;
use crate::ground::config;
use crate::ground::facts::{Fact, Health};
use crate::tools::db::Db;

const KIND: &str = "vigilar_operacion";
/// More refusals than these, with no good webhook between, are told.
const TOLERATED: i64 = 3;
/// For so long none may be refused before that is over. Whoever knows our address can be refused as often as they like: so
/// they cannot open and close an incident by the minute.
const CALM: TimeDelta = TimeDelta::hours(1);

/// The job that looks.
pub struct Check {
    pool: Db,
    clock: Clock,
    settings: config::Monitoring,
    providers: Vec<&'static str>,
}

/// What was seen.
pub struct Seen {
    due: Due,
    silences: Vec<(&'static str, Silence)>,
    doors: Vec<Door>,
}

impl Check {
    /// Looks after these providers.
    pub fn new(pool: Db, clock: Clock, settings: &config::Monitoring, providers: Vec<&'static str>) -> Self {
        Self {
            pool,
            clock,
            settings: settings.clone(),
            providers,
        }
    }

    /// When it looks.
    pub fn schedule(every: TimeDelta) -> Schedule {
        Schedule { kind: KIND, every }
    }

    fn queue(&self, due: &Due, now: DateTime<Utc>) -> Health {
        let waited =
            |since: Option<DateTime<Utc>>| since.map_or(0, |since| (now - since).num_seconds().max(0));
        let (events, jobs) = (waited(due.event), waited(due.job));
        let seconds = events.max(jobs);
        if seconds > i64::from(self.settings.queue_late_seconds) {
            let is_event = events >= jobs;
            return Health::QueueLate { is_event, seconds };
        }
        Health::QueueInTime
    }
}

/// What the refusals at a door mean; nothing while that is open.
fn signatures(door: Door, now: DateTime<Utc>) -> Option<Health> {
    let Door {
        provider,
        refused_in_row: refused,
        refused_since,
        last_refused_at,
    } = door;
    if refused > TOLERATED {
        let since = refused_since.unwrap_or(now);
        return Some(Health::SignaturesRefused {
            provider,
            refused,
            since,
        });
    }
    let calm = last_refused_at.is_none_or(|last| last <= now - CALM);
    (refused == 0 && calm).then_some(Health::SignaturesFine { provider })
}

impl Job for Check {
    type Done = Seen;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Seen, Failure> {
        let now = self.clock.now();
        let mut silences = Vec::new();
        for provider in &self.providers {
            let silence = silence::look(&self.pool, provider, now, self.settings.silence_expects).await?;
            silences.push((*provider, silence));
        }
        Ok(Seen {
            due: store::due(&self.pool, now).await?,
            silences,
            doors: store::doors(&self.pool).await?,
        })
    }

    async fn record(&self, _task: &Task, seen: Seen, work: &mut Work) -> Result<(), Failure> {
        let now = work.now();
        work.say(Fact::Health(self.queue(&seen.due, now)));
        for (provider, silence) in seen.silences {
            let provider = provider.to_owned();
            match silence {
                Silence::Unknown => {}
                Silence::Heard => work.say(Fact::Health(Health::ProviderHeard { provider })),
                Silence::Silent { since, usual } => work.say(Fact::Health(Health::ProviderSilent {
                    provider,
                    since,
                    usual,
                })),
            }
        }
        for health in seen.doors.into_iter().filter_map(|door| signatures(door, now)) {
            work.say(Fact::Health(health));
        }
        Ok(())
    }
}

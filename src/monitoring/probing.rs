//! Asks every service that we need whether it answers us.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::store::{self, Probed, Told};
use super::traffic::hour_of;
use crate::engine::Failure;
use crate::engine::job::{Job, Task};
use crate::engine::schedule::Schedule;
use crate::engine::work::Work;
use crate::ground::clock::Clock;
use crate::ground::facts::{Fact, Health};
use crate::tools::probe::Probe;

const KIND: &str = "sondear_proveedores";
/// A service that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// So much is kept of what a service said.
const LONGEST_REASON: usize = 300;

/// The job that asks, all at once.
pub struct Ask {
    probes: Vec<Probe>,
    clock: Clock,
}

impl Ask {
    /// Asks by these.
    pub fn new(probes: Vec<Probe>, clock: Clock) -> Self {
        Self { probes, clock }
    }

    /// When it asks.
    pub fn schedule(every: TimeDelta) -> Schedule {
        Schedule { kind: KIND, every }
    }

    async fn ask(&self, probe: &Probe) -> Probed {
        let (at, begun) = (self.clock.now(), Instant::now());
        // A task of its own: one that panics says so, and the others are told of all the same.
        let asked = tokio::spawn(tokio::time::timeout(PATIENCE, probe.ask())).await;
        let error = match asked {
            Ok(Ok(answer)) => answer.err(),
            Ok(Err(_)) => Some(format!("no contestó en {} s", PATIENCE.as_secs())),
            Err(_) => Some("la pregunta no terminó".to_owned()),
        };
        let took = begun.elapsed();
        metrics::histogram!("probe_seconds", "service" => probe.service).record(took.as_secs_f64());
        let up = if error.is_none() { 1.0 } else { 0.0 };
        metrics::gauge!("service_up", "service" => probe.service).set(up);
        Probed {
            service: probe.service,
            at,
            took_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
            error: error.map(|error| {
                error
                    .replace('\0', "\u{fffd}")
                    .chars()
                    .take(LONGEST_REASON)
                    .collect()
            }),
        }
    }
}

impl Job for Ask {
    type Done = Vec<Probed>;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Vec<Probed>, Failure> {
        let mut answers = join_all(self.probes.iter().map(|probe| self.ask(probe))).await;
        // Everybody writes in one order.
        answers.sort_unstable_by_key(|probed| probed.service);
        Ok(answers)
    }

    async fn record(&self, _task: &Task, answers: Vec<Probed>, work: &mut Work) -> Result<(), Failure> {
        for probed in answers {
            let service = probed.service;
            match store::probed(work, &probed, hour_of(probed.at)).await? {
                Told::Nothing => {}
                Told::Down(since) => work.say(Fact::Health(Health::ServiceDown {
                    service,
                    since,
                    reason: probed.error.unwrap_or_default(),
                })),
                Told::Up => work.say(Fact::Health(Health::ServiceUp { service })),
            }
        }
        Ok(())
    }
}

//! Monitoring: whether the providers bring what they usually bring, whether they answer, and whether we keep up. It reads the
//! inbox, asks the services, keeps figures by the hour, and says what is not as it should be.

pub mod availability;
mod checking;
mod counting;
mod probing;
pub mod refusals;
mod silence;
mod store;
pub mod traffic;

pub use checking::Check;
pub use counting::Count;
pub use probing::Ask;

use crate::engine::Engine;
use crate::ground::config;
use crate::tools::probe::Probe;

/// Adds what looks after the providers and the queues, as often as the settings say.
pub fn set_up(
    engine: Engine,
    probes: impl IntoIterator<Item = Option<Probe>>,
    settings: &config::Monitoring,
) -> Engine {
    let probes = probes.into_iter().flatten().collect();
    let (pool, clock) = (engine.pool.clone(), engine.clock.clone());
    let check = Check::new(pool.clone(), clock.clone(), settings, engine.providers());
    engine
        .with_job(Count::new(pool, clock.clone()))
        .with_job(Ask::new(probes, clock))
        .with_job(check)
        .every(settings.count_every_seconds, Count::schedule)
        .every(settings.probe_every_seconds, Ask::schedule)
        .every(settings.check_every_seconds, Check::schedule)
}

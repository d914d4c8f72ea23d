//! The measured steps, each on a fresh database and a quiet machine, and their order in a round.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use sqlx::{Connection as _, PgConnection};
use tokio::time::sleep;

use crate::calm::Calm;
use crate::database::{self, Cluster};
use crate::load::{self, Arrivals, Pace};
use crate::machine::Usage;
use crate::server::{Server, Start};
use crate::yardstick;

const DRAIN: Duration = Duration::from_mins(2);

/// How much one round sends.
#[derive(Clone, Copy)]
pub struct Size {
    pub warm_up: u64,
    pub events: u64,
    pub seconds: u32,
    pub arrivals: Arrivals,
}

impl Size {
    fn pace(self, rate: u32) -> Pace {
        Pace {
            rate,
            seconds: self.seconds,
            warm_up: 1,
            arrivals: self.arrivals,
        }
    }

    /// Each event pays a service of its own: this many are seeded.
    pub fn services(self) -> u64 {
        (self.warm_up + self.events).max(self.pace(FAST).events())
    }
}

pub const FAST: u32 = 1_000;
pub const SLOW: u32 = 200;

/// A closed loop with all workers on.
pub struct Burst {
    pub accepted: f64,
    /// Events a second from the first sending until the last effect is committed.
    pub sustained: f64,
    pub latencies: Vec<u32>,
    /// Processor time for each event, effects included, in microseconds.
    pub server_cpu: f64,
    pub postgres_cpu: f64,
    pub generator_cpu: f64,
    pub life: Life,
}

/// What a server process showed from its start to the end of a step.
pub struct Life {
    pub start: Start,
    pub idle_mib: f64,
    pub peak_mib: f64,
}

pub struct Paced {
    pub latencies: Vec<u32>,
    pub life: Life,
}

/// Yardstick and server by turns: what stands in front of and behind a step judges it.
pub struct Round {
    pub closed: [f64; 3],
    pub burst64: Burst,
    pub burst16: Burst,
    pub open: [Vec<u32>; 2],
    pub fast: Paced,
    pub slow: Paced,
}

pub struct Bench<'a> {
    pub cluster: &'a Cluster,
    pub postmaster: u32,
    pub size: Size,
    pub calm: Calm,
}

impl Bench<'_> {
    pub async fn round(&mut self) -> Result<Round> {
        let first = self.closed().await?;
        let burst64 = self.burst(64).await?;
        let second = self.closed().await?;
        let burst16 = self.burst(16).await?;
        let third = self.closed().await?;
        let before = self.open().await?;
        let fast = self.paced(FAST).await?;
        let after = self.open().await?;
        let slow = self.paced(SLOW).await?;
        Ok(Round {
            closed: [first, second, third],
            burst64,
            burst16,
            open: [before, after],
            fast,
            slow,
        })
    }

    async fn closed(&mut self) -> Result<f64> {
        let (cluster, rows) = (self.cluster, self.size.events);
        let rate = self
            .calm
            .measure(cluster, async |database| {
                yardstick::closed(cluster, database, rows).await
            })
            .await?;
        eprintln!("  pgbench, 16 clients                {rate:>8.0}/s");
        Ok(rate)
    }

    async fn open(&mut self) -> Result<Vec<u32>> {
        let (cluster, pace) = (self.cluster, self.size.pace(FAST));
        let latencies = self
            .calm
            .measure(cluster, async |database| {
                yardstick::open(cluster, database, pace).await
            })
            .await?;
        eprintln!(
            "  pgbench at {FAST}/s, p99           {:>8} us",
            load::percentile(&latencies, 99)
        );
        Ok(latencies)
    }

    async fn burst(&mut self, connections: usize) -> Result<Burst> {
        let (size, cluster, postmaster) = (self.size, self.cluster, self.postmaster);
        let step = async |database: &str| burst(cluster, database, postmaster, size, connections).await;
        let burst = self.calm.measure(cluster, step).await?;
        let (accepted, sustained) = (burst.accepted, burst.sustained);
        eprintln!(
            "  onlycar, {connections} connections           {accepted:>8.0}/s accepted, {sustained:.0}/s with effects"
        );
        Ok(burst)
    }

    async fn paced(&mut self, rate: u32) -> Result<Paced> {
        let (cluster, pace) = (self.cluster, self.size.pace(rate));
        let paced = self
            .calm
            .measure(cluster, async |database| paced(cluster, database, pace).await)
            .await?;
        eprintln!(
            "  onlycar at {rate}/s, p99            {:>8} us",
            load::percentile(&paced.latencies, 99)
        );
        Ok(paced)
    }
}

async fn burst(
    cluster: &Cluster,
    database: &str,
    postmaster: u32,
    size: Size,
    connections: usize,
) -> Result<Burst> {
    let server = Server::start(database, &cluster.log).await?;
    let idle_mib = server.idle_mib().await?;
    let mut watch = PgConnection::connect(database).await?;
    load::closed(server.address, connections, 0..size.warm_up).await?;
    drained(&mut watch).await?;
    let before = Usage::now(postmaster, Some(server.pid()))?;
    let all = size.warm_up + size.events;
    let run = load::closed(server.address, connections, size.warm_up..all).await?;
    drained(&mut watch).await?;
    let whole = run.began.elapsed();
    let used = Usage::now(postmaster, Some(server.pid()))?.since(before);
    database::check_effects(&mut watch, all).await?;
    let each = |spent: Duration| spent.as_secs_f64() * 1e6 / count(size.events);
    Ok(Burst {
        accepted: run.per_second(),
        sustained: count(size.events) / whole.as_secs_f64(),
        latencies: run.latencies,
        server_cpu: each(used.server),
        postgres_cpu: each(used.postgres),
        generator_cpu: each(used.generator),
        life: Life {
            start: server.start,
            idle_mib,
            peak_mib: server.peak_mib()?,
        },
    })
}

async fn paced(cluster: &Cluster, database: &str, pace: Pace) -> Result<Paced> {
    let server = Server::start(database, &cluster.log).await?;
    let idle_mib = server.idle_mib().await?;
    let mut watch = PgConnection::connect(database).await?;
    let run = load::open(server.address, pace, 0).await?;
    drained(&mut watch).await?;
    database::check_effects(&mut watch, pace.events()).await?;
    let life = Life {
        start: server.start,
        idle_mib,
        peak_mib: server.peak_mib()?,
    };
    Ok(Paced {
        latencies: run.latencies,
        life,
    })
}

/// Returns when every accepted event has its effects.
async fn drained(watch: &mut PgConnection) -> Result<()> {
    let began = Instant::now();
    while database::backlog(watch).await? {
        if began.elapsed() > DRAIN {
            bail!(
                "the backlog is not empty after {DRAIN:?}:\n{}",
                database::states(watch).await?
            );
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn count(events: u64) -> f64 {
    f64::from(u32::try_from(events).unwrap_or(u32::MAX))
}

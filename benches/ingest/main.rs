//! `cargo bench --bench ingest [-- --quick]`: how fast a signed event is accepted and gets its effects, beside pgbench
//! inserting the same row on the same PostgreSQL in the same minutes.
//!
//! It brings its own PostgreSQL (fsync on), runs the release server as a child and takes everything down again, also on
//! Ctrl-C. Linux only: memory and processor time come from /proc.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark is read on the terminal"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "it measures real time; it is not part of the program"
)]

mod calm;
mod database;
mod events;
mod load;
mod machine;
mod report;
mod server;
mod sql;
mod steps;
mod yardstick;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::calm::Calm;
use crate::database::Cluster;
use crate::load::Arrivals;
use crate::steps::{Bench, Size};

/// Measures the ingest of webhook events against pgbench's rate for the same row.
#[derive(Parser)]
struct Arguments {
    /// One short round: a first impression, not a figure to quote
    #[arg(long)]
    quick: bool,
    /// Exit with 1 if a target is missed
    #[arg(long)]
    check: bool,
    /// Rounds; the figures are their medians
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// When the open loop sends
    #[arg(long, value_enum, default_value = "constant")]
    arrivals: Arrivals,
    /// Cargo passes this to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

struct Plan {
    rounds: u32,
    waits: u32,
    repeats: u32,
    size: Size,
}

impl Arguments {
    fn plan(&self) -> Plan {
        let arrivals = self.arrivals;
        let mut plan = if self.quick {
            Plan {
                rounds: 1,
                waits: 20,
                repeats: 2,
                size: Size {
                    warm_up: 1_000,
                    events: 6_000,
                    seconds: 4,
                    arrivals,
                },
            }
        } else {
            Plan {
                rounds: 3,
                waits: 180,
                repeats: 9,
                size: Size {
                    warm_up: 2_000,
                    events: 20_000,
                    seconds: 8,
                    arrivals,
                },
            }
        };
        plan.rounds = self.rounds.unwrap_or(plan.rounds);
        plan
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// False if `--check` found a missed target.
fn run(arguments: &Arguments) -> Result<bool> {
    // One thread: the generator must leave the processors to what it measures.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let guard = runtime.enter();
    let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    drop(guard);
    let folder = Folder::new()?;
    let cluster = Cluster::start(&folder.0)?;
    let outcome = runtime.block_on(async {
        // Whichever ends first drops the other, and with it the server and pgbench.
        tokio::select! {
            outcome = bench(&cluster, arguments) => outcome,
            () = stopped(interrupt, terminate) => bail!("stopped by a signal"),
        }
    });
    cluster.stop()?;
    outcome
}

async fn stopped(mut interrupt: Signal, mut terminate: Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn bench(cluster: &Cluster, arguments: &Arguments) -> Result<bool> {
    let plan = arguments.plan();
    let postgres = cluster.prepare(plan.size.services()).await?;
    let (events, bytes) = (plan.size.events, events::sample().len());
    println!(
        "PostgreSQL {postgres}; {events} events of {bytes} bytes in a step; rounds: {}",
        plan.rounds
    );
    let postmaster = cluster.postmaster().await?;
    let calm = Calm::new(postmaster, plan.waits, plan.repeats);
    let mut bench = Bench {
        cluster,
        postmaster,
        size: plan.size,
        calm,
    };
    let mut done = Vec::new();
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        done.push(bench.round().await?);
    }
    let met = report::print(&bench, &done);
    Ok(met || !arguments.check)
}

/// Everything the run writes; removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ingest-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}

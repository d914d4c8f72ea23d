//! The readable table: what was measured, what was asked for, and whether it holds.

use std::time::Duration;

use crate::calm::NOISE;
use crate::load::percentile;
use crate::steps::{Bench, Burst, FAST, Life, Round, SLOW};

/// One judged figure.
struct Line {
    name: &'static str,
    measured: String,
    target: String,
    met: bool,
}

/// Prints everything; true if every target is met.
pub fn print(bench: &Bench<'_>, rounds: &[Round]) -> bool {
    let lines = judged(rounds);
    println!("\n{:<50}{:<44}{:<22}", "", "measured", "target");
    for line in &lines {
        println!(
            "{:<50}{:<44}{:<22}{}",
            line.name,
            line.measured,
            line.target,
            if line.met { "ok" } else { "MISSED" }
        );
    }
    println!();
    details(rounds);
    disturbances(bench);
    lines.iter().all(|line| line.met)
}

fn judged(rounds: &[Round]) -> [Line; 6] {
    [
        at_least(
            "accepted, 64 connections, of pgbench's rate",
            1.0,
            over(rounds, |round| round.burst64.accepted / pgbench_rate(round)),
        ),
        at_least(
            "with all effects, of pgbench's rate",
            0.25,
            over(rounds, |round| round.burst64.sustained / pgbench_rate(round)),
        ),
        at_most(
            "p99 at 1,000/s, of pgbench's p99",
            2.0,
            "",
            over(rounds, |round| {
                f64::from(percentile(&round.fast.latencies, 99)) / pgbench_p99(round)
            }),
        ),
        at_most(
            "memory when idle (RSS)",
            25.0,
            " MiB",
            lives(rounds, |life| life.idle_mib),
        ),
        at_most(
            "memory under load (peak RSS)",
            80.0,
            " MiB",
            over(rounds, peak_mib),
        ),
        at_most(
            "start to the first 200 of /readyz",
            300.0,
            " ms",
            lives(rounds, |life| millis(life.start.readyz)),
        ),
    ]
}

/// The better of the two around the server's step, so that a stall of the disk during the other one does not flatter
/// us; likewise for the latency.
fn pgbench_rate(round: &Round) -> f64 {
    f64::max(round.closed[0], round.closed[1])
}

fn pgbench_p99(round: &Round) -> f64 {
    let [before, after] = round
        .open
        .each_ref()
        .map(|latencies| f64::from(percentile(latencies, 99)));
    before.min(after)
}

/// Of all servers of a round: the slow steps need less.
fn peak_mib(round: &Round) -> f64 {
    lives_of(round)
        .iter()
        .map(|life| life.peak_mib)
        .fold(0.0, f64::max)
}

fn details(rounds: &[Round]) {
    let pgbench = Spread::of(rounds.iter().flat_map(|round| round.closed).collect());
    row("pgbench, 16 clients, autocommit", &pgbench.show(0, "/s"));
    burst(64, &rounds.iter().map(|round| &round.burst64).collect::<Vec<_>>());
    burst(16, &rounds.iter().map(|round| &round.burst16).collect::<Vec<_>>());
    latency(
        &format!("latency at {FAST}/s"),
        rounds.iter().map(|round| &round.fast.latencies),
    );
    latency(
        &format!("  pgbench at {FAST}/s"),
        rounds.iter().flat_map(|round| &round.open),
    );
    latency(
        &format!("latency at {SLOW}/s"),
        rounds.iter().map(|round| &round.slow.latencies),
    );
    let healthz = lives(rounds, |life| millis(life.start.healthz));
    row("start to the first 200 of /healthz", &healthz.show(0, " ms"));
}

fn burst(connections: usize, bursts: &[&Burst]) {
    let over = |value: fn(&Burst) -> f64| Spread::of(bursts.iter().map(|burst| value(burst)).collect());
    row(
        &format!("accepted, {connections} connections"),
        &over(|burst| burst.accepted).show(0, "/s"),
    );
    row("  with all effects", &over(|burst| burst.sustained).show(0, "/s"));
    latency("  latency", bursts.iter().map(|burst| &burst.latencies));
    let micros = |value| over(value).show(0, " us");
    row(
        "  processor time for each event: server",
        &micros(|burst| burst.server_cpu),
    );
    row(
        "                                 PostgreSQL",
        &micros(|burst| burst.postgres_cpu),
    );
    row(
        "                                 this generator",
        &micros(|burst| burst.generator_cpu),
    );
}

fn row(name: &str, value: &str) {
    println!("{name:<50}{value}");
}

fn latency<'a>(name: &str, runs: impl Iterator<Item = &'a Vec<u32>>) {
    let runs: Vec<_> = runs.collect();
    let at = |percent| {
        Spread::of(
            runs.iter()
                .map(|run| f64::from(percentile(run, percent)) / 1000.0)
                .collect(),
        )
        .median
    };
    let [p50, p95, p99, max] = [50, 95, 99, 100].map(at);
    row(
        name,
        &format!("p50 {p50:.2} ms, p95 {p95:.2} ms, p99 {p99:.2} ms, max {max:.1} ms"),
    );
}

fn disturbances(bench: &Bench<'_>) {
    let noise = Spread::of(bench.calm.noise.iter().map(|share| share * 100.0).collect());
    row(
        "others on this machine during the steps",
        &noise.show(1, " % of it"),
    );
    if noise.max > NOISE * 100.0 {
        println!("NOISY: others kept this machine busy; the figures above are worth less than they look.");
    }
}

/// Median, lowest and highest of the rounds.
#[derive(Clone, Copy)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        Self {
            median: mean(at(last / 2), at(values.len() / 2)),
            min: at(0),
            max: at(last),
        }
    }

    fn show(self, decimals: usize, unit: &str) -> String {
        let Self { median, min, max } = self;
        format!("{median:.decimals$}{unit} [{min:.decimals$} - {max:.decimals$}]")
    }
}

fn at_least(name: &'static str, target: f64, value: Spread) -> Line {
    Line {
        name,
        measured: value.show(2, ""),
        target: format!(">= {target:.2}"),
        met: value.median >= target,
    }
}

fn at_most(name: &'static str, target: f64, unit: &str, value: Spread) -> Line {
    let measured = value.show(if unit.is_empty() { 2 } else { 1 }, unit);
    Line {
        name,
        measured,
        target: format!("<= {target}{unit}"),
        met: value.median <= target,
    }
}

fn over(rounds: &[Round], value: impl Fn(&Round) -> f64) -> Spread {
    Spread::of(rounds.iter().map(value).collect())
}

/// Over every server process of every round.
fn lives(rounds: &[Round], value: impl Fn(&Life) -> f64) -> Spread {
    Spread::of(rounds.iter().flat_map(lives_of).map(value).collect())
}

const fn lives_of(round: &Round) -> [&Life; 4] {
    [
        &round.burst64.life,
        &round.burst16.life,
        &round.fast.life,
        &round.slow.life,
    ]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

const fn mean(a: f64, b: f64) -> f64 {
    f64::midpoint(a, b)
}

//! The readable table: what was measured, what was asked for, and whether it holds.

use std::time::Duration;

use crate::load::percentile;
use crate::machine::NOISE;
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
    println!("\n{:<46}{:<44}{:<22}", "", "measured", "target");
    for line in &lines {
        println!(
            "{:<46}{:<44}{:<22}{}",
            line.name,
            line.measured,
            line.target,
            if line.met { "ok" } else { "MISSED" }
        );
    }
    println!();
    details(rounds);
    println!("{}", disturbances(bench));
    lines.iter().all(|line| line.met)
}

fn judged(rounds: &[Round]) -> [Line; 6] {
    [
        at_least(
            "accepted, 64 connections, of pgbench's rate",
            1.0,
            over(rounds, |round| {
                round.burst64.accepted / mean(round.closed[0], round.closed[1])
            }),
        ),
        at_least(
            "with all effects, of pgbench's rate",
            0.25,
            over(rounds, |round| {
                round.burst64.sustained / mean(round.closed[0], round.closed[1])
            }),
        ),
        at_most(
            "p99 at 1,000/s, of pgbench's p99",
            2.0,
            "",
            over(rounds, |round| {
                let yardsticks = round
                    .open
                    .each_ref()
                    .map(|latencies| f64::from(percentile(latencies, 99)));
                f64::from(percentile(&round.fast.latencies, 99)) / mean(yardsticks[0], yardsticks[1])
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
            lives(rounds, |life| life.peak_mib),
        ),
        at_most(
            "start to the first 200 of /readyz",
            300.0,
            " ms",
            lives(rounds, |life| millis(life.start.readyz)),
        ),
    ]
}

fn details(rounds: &[Round]) {
    let rate = |name: &str, values: Spread| println!("{name:<46}{}", values.show(0, "/s"));
    rate(
        "pgbench, 16 clients, autocommit",
        Spread::of(rounds.iter().flat_map(|round| round.closed).collect()),
    );
    for (connections, pick) in [("64", burst64 as fn(&Round) -> &Burst), ("16", burst16)] {
        rate(
            &format!("accepted, {connections} connections"),
            over(rounds, |round| pick(round).accepted),
        );
        rate(
            &format!("with all effects, {connections} connections"),
            over(rounds, |round| pick(round).sustained),
        );
        latency(&format!("latency, {connections} connections"), rounds, |round| {
            &pick(round).latencies
        });
        let (server, postgres) = (
            over(rounds, |round| pick(round).server_cpu),
            over(rounds, |round| pick(round).postgres_cpu),
        );
        println!(
            "{:<46}server {:.0} us, PostgreSQL {:.0} us",
            "  processor time for each event", server.median, postgres.median
        );
    }
    latency(&format!("latency at {FAST}/s"), rounds, |round| {
        &round.fast.latencies
    });
    latency(&format!("  pgbench at {FAST}/s"), rounds, |round| &round.open[1]);
    latency(&format!("latency at {SLOW}/s"), rounds, |round| {
        &round.slow.latencies
    });
    println!(
        "{:<46}{}",
        "start to the first 200 of /healthz",
        lives(rounds, |life| millis(life.start.healthz)).show(0, " ms")
    );
}

const fn burst64(round: &Round) -> &Burst {
    &round.burst64
}

const fn burst16(round: &Round) -> &Burst {
    &round.burst16
}

fn latency(name: &str, rounds: &[Round], pick: impl Fn(&Round) -> &Vec<u32>) {
    let at = |percent| {
        over(rounds, |round| {
            f64::from(percentile(pick(round), percent)) / 1000.0
        })
        .median
    };
    println!(
        "{name:<46}p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms, max {:.1} ms",
        at(50),
        at(95),
        at(99),
        at(100)
    );
}

fn disturbances(bench: &Bench<'_>) -> String {
    let noise = Spread::of(bench.noise.iter().map(|share| share * 100.0).collect());
    let mut text = format!(
        "other processes during the steps{:<14}{}",
        "",
        noise.show(1, " % of the machine")
    );
    if noise.max > NOISE * 100.0 || bench.never_quiet {
        text += "\nNOISY: this machine did not keep still; the figures above are worth less than they look.";
    }
    text
}

/// Median, lowest and highest of the rounds.
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

    fn show(&self, decimals: usize, unit: &str) -> String {
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
    let lives = rounds.iter().flat_map(|round| {
        [
            &round.burst64.life,
            &round.burst16.life,
            &round.fast.life,
            &round.slow.life,
        ]
    });
    Spread::of(lives.map(value).collect())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

const fn mean(a: f64, b: f64) -> f64 {
    f64::midpoint(a, b)
}

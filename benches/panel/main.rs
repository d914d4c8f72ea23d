//! `cargo bench --bench panel`: every page, list, filter and deep page of the panel over two million events and half a million
//! invoices, twenty times each over HTTP; and every figure against a plain count.
//!
//! It brings its own PostgreSQL with stock settings, which makes the rows itself, and runs the release server as a child. It
//! fails when an answer took longer than the limit, or a figure is another.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark is read on the terminal"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "it measures real time; it is not part of the program"
)]

mod plain;
mod server;
mod urls;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use clap::Parser;
use onlycar::dev::postgres::{Options, Postgres};
use sqlx::{AssertSqlSafe, PgPool};

use server::Server;

const ROWS: &str = include_str!("generate.sql");

/// Measures the pages of the panel over many rows.
#[derive(Parser)]
struct Arguments {
    /// How many events there are
    #[arg(long, default_value_t = 2_000_000)]
    events: u64,
    /// How many invoices there are
    #[arg(long, default_value_t = 500_000)]
    invoices: u64,
    /// How often each page is asked for
    #[arg(long, default_value_t = 20)]
    times: usize,
    /// How long an answer may take; more on a machine that does other work
    #[arg(long, default_value_t = 200)]
    limit_ms: u64,
    /// Cargo passes this to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
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

fn run(arguments: &Arguments) -> Result<bool> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let options = Options {
        settings: vec![("max_connections".to_owned(), "100".to_owned())],
        ..Options::kept(folder.path().join("postgres"))
    };
    let postgres = Postgres::start(&options, Path::new(server::PROGRAM), &mut |line| {
        eprintln!("{line}");
    })?;
    let database = postgres.url("postgres");
    let outcome = tokio::runtime::Runtime::new()?.block_on(bench(arguments, folder.path(), &database));
    postgres.stop()?;
    outcome
}

async fn bench(arguments: &Arguments, folder: &Path, database: &str) -> Result<bool> {
    server::migrate(folder, database)?;
    let pool = PgPool::connect(database).await?;
    generate(arguments, &pool).await?;
    let server = Server::start(folder, database).await?;
    let figures = compare(&server, &pool).await?;
    let pages = measure(arguments, &server).await?;
    Ok(figures && pages)
}

/// The rows, as the server's own statements make them.
async fn generate(arguments: &Arguments, pool: &PgPool) -> Result<()> {
    let begun = Instant::now();
    let sql = ROWS
        .replace(":events", &arguments.events.to_string())
        .replace(":invoices", &arguments.invoices.to_string())
        .replace(":now", "now()");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await?;
    sqlx::query("vacuum analyze").execute(pool).await?;
    let size: String = sqlx::query_scalar("select pg_size_pretty(pg_database_size(current_database()))")
        .fetch_one(pool)
        .await?;
    println!(
        "{} events, {} invoices: {size}, made in {:.0?}\n",
        arguments.events,
        arguments.invoices,
        begun.elapsed()
    );
    Ok(())
}

/// Every figure of every period against a plain count. The first page after the start counts the past months of the year.
async fn compare(server: &Server, pool: &PgPool) -> Result<bool> {
    let first = server.get("/panel?periodo=anio").await?.0;
    println!("the first page after the start, which counts the past months: {first:.0?}\n");
    let mut right = true;
    for (period, bounds) in PERIODS {
        let (from, until): (DateTime<Utc>, DateTime<Utc>) =
            sqlx::query_as(AssertSqlSafe(format!("with zone as (select now() at time zone 'America/Matamoros' as now)
                select ({}) at time zone 'America/Matamoros', ({}) at time zone 'America/Matamoros' from zone", bounds.0, bounds.1)))
                .fetch_one(pool)
                .await?;
        let (_, page) = server.get(&format!("/panel?periodo={period}")).await?;
        for (id, sql) in plain::COUNTS {
            let counted: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(from)
                .bind(until)
                .fetch_one(pool)
                .await?;
            let shown = plain::figure(&page, id).with_context(|| format!("the page has no figure {id}"))?;
            if shown != counted {
                println!("{id} of {period}: the page says {shown}, a plain count {counted}");
                right = false;
            }
        }
    }
    println!(
        "{} figures of {} periods: {}\n",
        plain::COUNTS.len(),
        PERIODS.len(),
        if right {
            "each is what a plain count says"
        } else {
            "not what plain counts say"
        }
    );
    Ok(right)
}

/// The first moment of a period and the first after it, by the clock of Nuevo Laredo.
const PERIODS: [(&str, (&str, &str)); 4] = [
    (
        "hoy",
        (
            "date_trunc('day', now)",
            "date_trunc('day', now) + interval '1 day'",
        ),
    ),
    (
        "mes",
        (
            "date_trunc('month', now)",
            "date_trunc('day', now) + interval '1 day'",
        ),
    ),
    (
        "mes-anterior",
        (
            "date_trunc('month', now) - interval '1 month'",
            "date_trunc('month', now)",
        ),
    ),
    (
        "anio",
        (
            "date_trunc('year', now)",
            "date_trunc('day', now) + interval '1 day'",
        ),
    ),
];

/// Every page, and how long it took.
async fn measure(arguments: &Arguments, server: &Server) -> Result<bool> {
    let limit = Duration::from_millis(arguments.limit_ms);
    let mut slow = Vec::new();
    println!("| page | p50 | p95 | max |\n|---|---|---|---|");
    for (name, url) in urls::all(server).await? {
        let mut took = Vec::new();
        for _ in 0..arguments.times.max(1) {
            took.push(server.get(&url).await?.0);
        }
        took.sort_unstable();
        let at = |share: usize| {
            let last = took.len() - 1;
            took.get(last * share / 100).copied().unwrap_or_default()
        };
        println!("| `{name}` | {} | {} | {} |", ms(at(50)), ms(at(95)), ms(at(100)));
        if at(100) > limit {
            slow.push(name);
        }
    }
    println!();
    for name in &slow {
        println!("{name} took longer than {limit:?}");
    }
    Ok(slow.is_empty())
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

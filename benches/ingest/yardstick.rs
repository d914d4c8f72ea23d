//! pgbench inserting the same row on the same PostgreSQL: what one commit per event can reach on this machine.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use crate::database::Cluster;
use crate::load::Pace;
use crate::{events, sql};

const CLIENTS: u64 = 16;

/// Inserts a second of 16 clients, each committing every row on its own.
pub async fn closed(cluster: &Cluster, database: &str, rows: u64) -> Result<f64> {
    let per_client = (rows / CLIENTS).to_string();
    let said = pgbench(cluster, database, &["-t", &per_client]).await?;
    let rate = said
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
    Ok(rate
        .with_context(|| format!("pgbench names no rate:\n{said}"))?
        .parse()?)
}

/// The latencies of the same insert at a given rate, from each transaction's intended start, sorted. pgbench knows random
/// (Poisson) arrivals only.
pub async fn open(cluster: &Cluster, database: &str, pace: Pace) -> Result<Vec<u32>> {
    let (rate, seconds) = (pace.rate.to_string(), (pace.seconds + pace.warm_up).to_string());
    let prefix = cluster.folder.join("transactions").display().to_string();
    let prefix_option = format!("--log-prefix={prefix}");
    pgbench(
        cluster,
        database,
        &["-R", &rate, "-T", &seconds, "--log", &prefix_option],
    )
    .await?;
    let mut latencies = read_log(&cluster.folder, pace.warm_up)?;
    latencies.sort_unstable();
    Ok(latencies)
}

async fn pgbench(cluster: &Cluster, database: &str, options: &[&str]) -> Result<String> {
    let script = cluster.folder.join("yardstick.sql");
    fs::write(&script, sql::YARDSTICK)?;
    let mut command = Command::new(cluster.pgbench());
    // The body goes as a parameter with each execution; it holds no backslash, so bytea's text form is the text itself.
    command
        .args([
            "-n",
            "-M",
            "prepared",
            "-j",
            "1",
            "-c",
            &CLIENTS.to_string(),
            "-f",
        ])
        .arg(&script)
        .args(options);
    let sha256 = format!(r"\x{}", hex::encode(Sha256::digest(events::sample())));
    for (name, value) in [
        ("payload", events::sample()),
        ("payload_sha256", &sha256),
        ("prefix", events::ID_PREFIX),
        ("event_type", events::TYPE),
        ("api_version", events::API_VERSION),
    ] {
        command.arg("-D").arg(format!("{name}={value}"));
    }
    let output = command
        .arg(database)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("running pgbench")?;
    if !output.status.success() {
        bail!(
            "pgbench failed ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Reads and removes pgbench's log: "client number latency script second microsecond lag" for each transaction.
fn read_log(folder: &Path, warm_up: u32) -> Result<Vec<u32>> {
    let mut rows = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("transactions."))
        {
            rows.extend(fs::read_to_string(&path)?.lines().filter_map(transaction));
            fs::remove_file(path)?;
        }
    }
    let began = rows
        .iter()
        .map(|(ended, _)| *ended)
        .min()
        .context("pgbench logged no transaction")?;
    let measured_from = began + u64::from(warm_up) * 1_000_000;
    Ok(rows
        .into_iter()
        .filter(|(ended, _)| *ended >= measured_from)
        .map(|(_, latency)| latency)
        .collect())
}

/// When it ended and what it took, both in microseconds.
fn transaction(line: &str) -> Option<(u64, u32)> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [_, _, latency, _, second, microsecond, ..] = fields.as_slice() else {
        return None;
    };
    let ended = second.parse::<u64>().ok()? * 1_000_000 + microsecond.parse::<u64>().ok()?;
    Some((ended, latency.parse().ok()?))
}

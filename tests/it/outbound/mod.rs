//! Downloads, from servers that do what no decent server does.

mod addresses;
mod bodies;
mod server;

use std::time::Duration;

use futures_util::TryStreamExt as _;
use onlycar::engine::Failure;
use onlycar::tools::outbound::{DownloadError, Downloads, Hosts, Limits};

use server::{Server, Step, answer};

const LIMIT: u64 = 100_000;

fn patient() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        idle: Duration::from_secs(20),
        total: Duration::from_secs(40),
    }
}

/// Long enough for a server of this machine to answer, short enough to wait for.
fn hasty() -> Limits {
    Limits {
        connect: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        total: Duration::from_millis(900),
    }
}

/// A client for this server, as for a simulator that the configuration names.
fn downloads(server: &Server, limits: Limits) -> Downloads {
    let hosts = Hosts::new(&["*.gigstack.io", "localhost"]).with(&server.url("/"));
    Downloads::patient(hosts, limits).unwrap()
}

async fn get(server: &Server, path: &str) -> Result<Vec<u8>, DownloadError> {
    get_within(server, path, patient()).await
}

async fn get_within(server: &Server, path: &str, limits: Limits) -> Result<Vec<u8>, DownloadError> {
    let download = downloads(server, limits)
        .get(server.url(path).as_str(), LIMIT)
        .await?;
    let chunks: Vec<_> = download.into_stream().try_collect().await?;
    Ok(chunks.concat())
}

#[track_caller]
fn forbidden<T: std::fmt::Debug>(result: Result<T, DownloadError>) -> &'static str {
    match result {
        Err(DownloadError::Forbidden { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unavailable<T: std::fmt::Debug>(result: Result<T, DownloadError>) -> String {
    match result {
        Err(DownloadError::Unavailable { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

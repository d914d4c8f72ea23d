//! `cargo bench --bench documents`: 50 documents of 40 MiB, downloaded and stored at once, and the memory that takes.
//!
//! Source, store and the program's own code share this process, so its peak is an upper bound for the program's part.
//! Exits with 1 above the limit. Linux only: the peak comes from /proc.

#![allow(clippy::print_stdout, reason = "a benchmark is read on the terminal")]

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::routing::get;
use bytes::Bytes;
use futures_util::{future, stream};
use onlycar::dev::objects::ObjectStore;
use onlycar::ground::config;
use onlycar::tools::objects::{FIVE_YEARS, Meta, Objects};
use onlycar::tools::outbound::{Downloads, Hosts};
use tokio::net::TcpListener;
use url::Url;

const DOCUMENTS: u32 = 50;
const MIB: u64 = 1024 * 1024;
const SIZE: u64 = 40 * MIB;
const PIECE: u64 = 64 * 1024;
const LIMIT_MIB: u64 = 300;
const BUCKET: &str = "onlycar-bench";

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let store = ObjectStore::open(folder.path(), BUCKET, "key", "secret")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let objects = Objects::new(&config::R2 {
        endpoint: Url::parse(&format!("http://{}", listener.local_addr()?))?,
        access_key_id: "key".to_owned(),
        secret_access_key: "secret".into(),
        bucket: BUCKET.to_owned(),
    });
    tokio::spawn(store.serve(listener, future::pending()));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let source = Url::parse(&format!("http://{}/documento.pdf", listener.local_addr()?))?;
    let routes = Router::new().route(
        "/documento.pdf",
        get(async || ([(CONTENT_LENGTH, SIZE)], document())),
    );
    tokio::spawn(axum::serve(listener, routes).into_future());
    let downloads = Downloads::new(Hosts::default().with(&source))?;

    let before = resident("VmRSS")?;
    let begun = Instant::now();
    let tasks = (0..DOCUMENTS).map(|number| store_one(&objects, &downloads, &source, number));
    let stored = future::try_join_all(tasks).await?;
    let took = begun.elapsed();
    ensure!(
        stored.iter().all(|sha256| Some(sha256) == stored.first()),
        "documents differ"
    );

    let peak = resident("VmHWM")?;
    let total = u64::from(DOCUMENTS) * SIZE / MIB;
    println!(
        "{DOCUMENTS} documents of {} MiB at once ({total} MiB) in {took:.1?}",
        SIZE / MIB
    );
    println!("resident before: {before} MiB; at its peak: {peak} MiB; limit: {LIMIT_MIB} MiB");
    Ok(if peak < LIMIT_MIB {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn store_one(objects: &Objects, downloads: &Downloads, source: &Url, number: u32) -> Result<String> {
    let meta = Meta {
        content_type: "application/pdf",
        file_name: "documento.pdf",
        cache_control: FIVE_YEARS,
        metadata: Vec::new(),
    };
    let download = downloads.get(source.as_str(), SIZE).await?;
    let stored = objects
        .put(
            &format!("facturas/{number}.pdf"),
            &meta,
            SIZE,
            download.into_stream(),
        )
        .await?;
    ensure!(stored.bytes == SIZE, "{} bytes were stored", stored.bytes);
    Ok(stored.sha256)
}

fn document() -> Body {
    let pieces = (0..SIZE / PIECE).map(|number| {
        let byte = u8::try_from(number % 251).unwrap_or_default();
        Ok::<_, std::convert::Infallible>(Bytes::from(vec![
            byte;
            usize::try_from(PIECE).unwrap_or_default()
        ]))
    });
    Body::from_stream(stream::iter(pieces))
}

/// In MiB.
fn resident(field: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim_matches([':', ' ', '\t']).split_whitespace().next());
    Ok(kib
        .context("/proc/self/status has no such line")?
        .parse::<u64>()?
        / 1024)
}

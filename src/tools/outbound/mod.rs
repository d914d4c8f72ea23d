//! The one HTTP client (Stripe's is async-stripe's own, in payments/api.rs): bounded in time, following no redirect, so
//! that a credential never travels on. And downloads, whose addresses come from outside.

mod addresses;
pub mod answer;
mod download;
mod hosts;
mod incoming;

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt as _};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;

pub use download::{Download, DownloadError, Downloads, Limits};
pub use hosts::Hosts;
pub use incoming::Incoming;

/// Several crates could bring a TLS provider; this program has one, ring. Once told, it stays so.
pub fn use_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client for calls to hosts that the configuration names.
pub fn client() -> anyhow::Result<reqwest::Client> {
    plain()?
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(20))
        .build()
        .context("the HTTP client could not be made")
}

/// What both kinds of client have in common.
fn plain() -> anyhow::Result<reqwest::ClientBuilder> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .user_agent(concat!("onlycar/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none()))
}

/// What a server's certificate is held against. The system's some hundred are read once, not by every client again.
fn tls() -> anyhow::Result<ClientConfig> {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(known) = TLS.get() {
        return Ok(known.clone());
    }
    use_ring();
    let config = ClientConfig::builder().with_platform_verifier();
    let config = config.context("the certificates of the system could not be read")?;
    Ok(TLS.get_or_init(|| config.with_no_client_auth()).clone())
}

/// All of a stream's bytes at once. Its source bounds it.
pub async fn gathered<E>(stream: impl Stream<Item = Result<Bytes, E>>) -> Result<Bytes, E> {
    let all = stream.try_fold(BytesMut::new(), async |mut all, piece| {
        all.extend_from_slice(&piece);
        Ok(all)
    });
    Ok(all.await?.freeze())
}

/// The whole body of an answer that is short when it is what it should be.
pub async fn bounded(mut answer: reqwest::Response, longest: usize) -> Result<Vec<u8>, &'static str> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| "broken-off")? {
        if body.len() + chunk.len() > longest {
            return Err("too-long");
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

//! Logs and metrics (docs/observability.md).

mod catalog;

use std::io::IsTerminal;

use axum::http::{HeaderMap, header};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use catalog::{Kind, METRICS, Metric};

use super::authenticity::same;
use crate::ground::config::Settings;

/// How long handling takes, in seconds: from a millisecond to ten.
const BUCKETS: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// Starts logging to standard error: JSON for machines, or text for people. `RUST_LOG` chooses what.
pub fn log(json: bool, default: &str) {
    let chosen = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Filters of the whole, not of the layer: after a question whether something would be logged, which sqlx asks at every
    // statement, a layer's own filter swallows the next line of that thread.
    let registry = tracing_subscriber::registry()
        .with(chosen)
        .with(filter_fn(tells_no_link));
    // A second call, as tests make, changes nothing.
    let _ = if json {
        let layer = layer.json().flatten_event(true).with_span_list(false);
        registry.with(layer).try_init()
    } else {
        registry.with(layer.compact()).try_init()
    };
}

/// What signs links to documents prints them, and the requests that it signs, when it is asked to be chatty: that is told
/// to nobody, whatever `RUST_LOG` says.
fn tells_no_link(metadata: &Metadata<'_>) -> bool {
    let signs = ["aws_", "s3s"]
        .iter()
        .any(|name| metadata.target().starts_with(name));
    !signs || *metadata.level() <= Level::WARN
}

/// The program's metrics, and who may read them.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    token: Option<SecretString>,
}

impl Metrics {
    /// Collects from now on.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let buckets = Matcher::Suffix("_seconds".to_owned());
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(buckets, &BUCKETS)?
            .build_recorder();
        let handle = recorder.handle();
        // In one process there is one recorder; a second server in the same process (tests) reads its own, empty one.
        if metrics::set_global_recorder(recorder).is_ok() {
            catalog::describe();
            metrics::gauge!("build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        }
        let token = settings.metrics_token.clone();
        Ok(Self { handle, token })
    }

    /// As Prometheus reads them; nothing for who lacks the token where one is set.
    pub fn render(&self, headers: &HeaderMap) -> Option<String> {
        if let Some(token) = &self.token {
            let said = headers.get(header::AUTHORIZATION)?.as_bytes();
            let expected = format!("Bearer {}", token.expose_secret());
            if !same(said, expected.as_bytes()) {
                return None;
            }
        }
        Some(self.handle.render())
    }
}

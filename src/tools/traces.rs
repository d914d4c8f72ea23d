//! Traces over OTLP, where `OTEL_EXPORTER_OTLP_ENDPOINT` says where to. A trace is all that followed from one thing; its id
//! is that thing's own (a UUID has the 128 bits that a trace's id has), so replicas agree on it and no column keeps it
//! (docs/decisions/0020-the-event-is-the-trace.md).
//!
//! A span is told once it is over, and nobody waits for that: it goes into a bounded queue, and what does not fit is lost.
//! It holds ids, kinds and outcomes; no payload, no reason, nothing about a person.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator as _, RandomIdGenerator, SpanData, SpanEvents,
    SpanLinks, SpanProcessor,
};
use url::Url;
use uuid::Uuid;

use super::outbound::{self, answer};
use crate::ground::clock::Clock;

/// Spans are sent so often, or when a batch is full.
const EVERY: Duration = Duration::from_secs(2);
/// A collector that does not take a batch by then has lost it.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many spans wait; past it they are lost.
const WAITING: usize = 4096;
/// What a collector answers is a few bytes.
const LARGEST: usize = 64 * 1024;

/// Where spans go. Without an address: nowhere, and nothing is made of them.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Sending>>);

struct Sending {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    ids: RandomIdGenerator,
}

/// Where a span stands.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// It begins the trace of this thing.
    Begins(Uuid),
    /// It follows from what began the trace of this thing.
    Follows(Uuid),
    /// It is of the trace of this thing, which nothing else began.
    Alone(Uuid),
    /// It is a trace of its own.
    Own,
}

/// Something that is over.
pub struct Span {
    /// Where it stands.
    pub place: Place,
    /// What it was, in few words that repeat.
    pub name: Cow<'static, str>,
    /// Whether somebody from outside asked, a queue, or we ourselves.
    pub kind: SpanKind,
    /// When it began.
    pub began: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// Ids, kinds, outcomes.
    pub attributes: Vec<(&'static str, Value)>,
    /// Whether it did not come to a good end.
    pub failed: bool,
}

impl Traces {
    /// Sends to `<endpoint>/v1/traces`, in the background, from now on.
    pub fn new(endpoint: Option<&Url>) -> anyhow::Result<Self> {
        let Some(endpoint) = endpoint else {
            return Ok(Self::default());
        };
        let address = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
        let client = Client {
            http: outbound::client()?,
            runtime: tokio::runtime::Handle::current(),
            away: Arc::new(AtomicBool::new(false)),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(address)
            .with_timeout(PATIENCE)
            .build();
        // The error is dropped on purpose: it could repeat the address, which may hold a secret.
        let exporter = exporter.ok().context(
            "traces cannot be sent\nhint: OTEL_EXPORTER_OTLP_ENDPOINT is an address such as http://collector:4318",
        )?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_scheduled_delay(EVERY)
            .build();
        let mut processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batches)
            .build();
        let resource = Resource::builder_empty()
            .with_service_name("onlycar")
            .with_attributes([KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))]);
        processor.set_resource(&resource.build());
        Ok(Self(Some(Arc::new(Sending {
            processor,
            scope: InstrumentationScope::builder("onlycar").build(),
            ids: RandomIdGenerator::default(),
        }))))
    }

    /// Whether anybody wants spans.
    pub fn wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Tells a span, if anybody wants it; it is made only then.
    pub fn tell(&self, span: impl FnOnce() -> Span) {
        if let Some(sending) = &self.0 {
            sending.processor.on_end(sending.data(span()));
        }
    }

    /// Sends what waits, at the end of the process, and no longer than `patience`.
    pub async fn flush(&self, patience: Duration) {
        let Some(sending) = self.0.clone() else { return };
        let ended = tokio::task::spawn_blocking(move || sending.processor.shutdown_with_timeout(patience));
        if !matches!(ended.await, Ok(Ok(()))) {
            tracing::warn!("the last spans were not sent");
        }
    }
}

impl Sending {
    fn data(&self, span: Span) -> SpanData {
        let (trace, id, parent) = match span.place {
            Place::Begins(thing) => (trace_of(thing), first_of(thing), SpanId::INVALID),
            Place::Follows(thing) => (trace_of(thing), self.ids.new_span_id(), first_of(thing)),
            Place::Alone(thing) => (trace_of(thing), self.ids.new_span_id(), SpanId::INVALID),
            Place::Own => (self.ids.new_trace_id(), self.ids.new_span_id(), SpanId::INVALID),
        };
        let began = SystemTime::from(span.began);
        let attributes = span.attributes.into_iter();
        SpanData {
            span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::default()),
            parent_span_id: parent,
            // Another replica may have told of it.
            parent_span_is_remote: parent != SpanId::INVALID,
            span_kind: span.kind,
            name: span.name,
            start_time: began,
            end_time: began + span.took,
            attributes: attributes
                .map(|(name, value)| KeyValue::new(name, value))
                .collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: if span.failed {
                Status::error("")
            } else {
                Status::Unset
            },
            instrumentation_scope: self.scope.clone(),
        }
    }
}

fn trace_of(thing: Uuid) -> TraceId {
    TraceId::from_bytes(thing.into_bytes())
}

/// The second half of a UUID of version 7 is chance, and never zero.
fn first_of(thing: Uuid) -> SpanId {
    let (_, chance) = thing.as_u64_pair();
    SpanId::from_bytes(chance.to_be_bytes())
}

/// Sends what the exporter's thread hands over, on our runtime and with our HTTP client.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: tokio::runtime::Handle,
    away: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(
        &self,
        request: axum::http::Request<Bytes>,
    ) -> Result<axum::http::Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let request = self.http.request(parts.method, parts.uri.to_string());
        let request = request.headers(parts.headers).body(body).timeout(PATIENCE);
        let sent = self.runtime.spawn(async move {
            let response = request.send().await.map_err(reqwest::Error::without_url)?;
            let status = response.status();
            let bytes = answer::whole(response, LARGEST).await.unwrap_or_default();
            Ok::<_, reqwest::Error>((status, bytes))
        });
        let sent = sent.await?;
        let taken = matches!(&sent, Ok((status, _)) if status.is_success());
        let outcome = if taken { "taken" } else { "lost" };
        metrics::counter!("trace_batches_total", "outcome" => outcome).increment(1);
        // Told once, until it is there again.
        if self.away.swap(!taken, Ordering::Relaxed) == taken {
            if taken {
                tracing::info!("the collector takes traces again");
            } else {
                tracing::warn!(
                    "the collector at OTEL_EXPORTER_OTLP_ENDPOINT takes no traces; nothing else notices"
                );
            }
        }
        let (status, bytes) = sent?;
        let mut response = axum::http::Response::new(Bytes::from(bytes));
        *response.status_mut() = status;
        Ok(response)
    }
}

/// A span per request of the API, named by its route: no id, no query, no header. Webhooks have one of their own, and what
/// the platform asks all day has none.
pub async fn around(State(traces): State<Traces>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("(no route)", MatchedPath::as_str).to_owned();
    if route.starts_with("/api/webhooks/") || matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics") {
        return next.run(request).await;
    }
    let method = request.method().clone();
    let (began, started) = (Clock::system().now(), Instant::now());
    let response = next.run(request).await;
    let status = response.status();
    traces.tell(|| Span {
        place: Place::Own,
        name: format!("{method} {route}").into(),
        kind: SpanKind::Server,
        began,
        took: started.elapsed(),
        attributes: vec![
            ("http.request.method", method.to_string().into()),
            ("http.route", route.into()),
            ("http.response.status_code", i64::from(status.as_u16()).into()),
        ],
        failed: status.is_server_error(),
    });
    response
}

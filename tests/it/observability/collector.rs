//! A collector of traces, as far as the program can tell.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use uuid::Uuid;

type Kept = Arc<Mutex<Vec<Span>>>;

pub struct Collector {
    pub url: String,
    kept: Kept,
}

async fn take(State(kept): State<Kept>, body: Bytes) -> &'static str {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|it| it.scope_spans);
    kept.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    ""
}

impl Collector {
    pub async fn start() -> Self {
        let kept = Kept::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, kept }
    }

    pub fn all(&self) -> Vec<Span> {
        self.kept.lock().unwrap().clone()
    }

    /// The spans of a trace, once there are so many; in order of their names.
    pub async fn trace(&self, id: Uuid, count: usize) -> Vec<Span> {
        let of_it = || {
            let mut spans = self.all();
            spans.retain(|span| span.trace_id == id.as_bytes());
            spans.sort_by(|a, b| a.name.cmp(&b.name));
            spans
        };
        let there = async {
            let mut pause = tokio::time::interval(Duration::from_millis(50));
            while of_it().len() < count {
                pause.tick().await;
            }
        };
        let there = tokio::time::timeout(Duration::from_secs(45), there).await;
        assert!(there.is_ok(), "of {id} came only {:#?}", of_it());
        of_it()
    }
}

/// An attribute as text.
pub fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    let value = found.and_then(|found| found.value.clone()?.value);
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

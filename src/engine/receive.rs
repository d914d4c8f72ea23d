//! The door for webhooks: raw bytes, verify, keep, answer. Nothing else happens before the answer.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use opentelemetry::trace::SpanKind;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use super::Engine;
use super::inbox::{NotStored, Stored};
use super::recent::Known;
use super::source::{Refusal, Source, Verified};
use crate::ground::config;
use crate::tools::client_ip::ClientIp;
use crate::tools::limits::{Group, Limits, TooMany};
use crate::tools::traces::{Place, Span};

/// One provider's door.
#[derive(Clone)]
pub struct Door {
    engine: Arc<Engine>,
    source: Arc<dyn Source>,
    bodies: Arc<Bodies>,
    limits: Limits,
}

/// A bound on the memory of all bodies being read: a flood of large bodies is refused, not swallowed.
pub struct Bodies {
    free_kib: Semaphore,
    limit: usize,
}

impl Bodies {
    /// The bounds of `[http]`.
    pub fn new(settings: &config::Http) -> Self {
        Self {
            free_kib: Semaphore::new(settings.bodies_in_flight_mib * 1024),
            limit: settings.body_limit_kib * 1024,
        }
    }

    fn reserve(&self, request: &Request) -> Result<SemaphorePermit<'_>, Answer> {
        let declared = request.headers().get(header::CONTENT_LENGTH);
        let declared = declared.and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes: usize = declared.unwrap_or(self.limit);
        if bytes > self.limit {
            return Err(Answer::TooLarge);
        }
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        self.free_kib.try_acquire_many(kib).map_err(|_| Answer::Flood)
    }

    async fn read(&self, body: Body) -> Result<Bytes, Answer> {
        to_bytes(body, self.limit).await.map_err(|error| {
            let too_large = std::error::Error::source(&error)
                .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
            if too_large {
                Answer::TooLarge
            } else {
                Answer::CutOff
            }
        })
    }
}

impl Door {
    /// The door of `source`.
    pub fn new(engine: &Arc<Engine>, source: Arc<dyn Source>, bodies: &Arc<Bodies>, limits: &Limits) -> Self {
        Self {
            engine: Arc::clone(engine),
            source,
            bodies: Arc::clone(bodies),
            limits: limits.clone(),
        }
    }

    async fn take(&self, request: Request) -> Answer {
        let (Ok(answer) | Err(answer)) = self.try_take(request).await;
        answer
    }

    async fn try_take(&self, request: Request) -> Result<Answer, Answer> {
        let _memory = self.bodies.reserve(&request)?;
        let (parts, body) = request.into_parts();
        let body = self.bodies.read(body).await?;
        let now = self.engine.clock.now();
        let refusals = &self.engine.refusals;
        let message = match Verified::new(&*self.source, &parts, body, now) {
            Ok(message) => {
                refusals.good(self.source.name(), now);
                message
            }
            Err(refusal) => {
                refusals.refused(self.source.name(), now);
                return Err(self.refuse(refusal, ClientIp::of(&parts)).await);
            }
        };
        let Some(recent) = &self.engine.recent else {
            return self.keep(message).await;
        };
        match recent.ask(&message).await {
            Known::Stored => Ok(Answer::Duplicate),
            Known::Unsure(note) => {
                let answer = self.keep(message).await?;
                if let Some(note) = note {
                    recent.note(note);
                }
                Ok(answer)
            }
        }
    }

    /// Only here an address counts: what a provider signed gets in whatever else came from its address.
    async fn refuse(&self, refusal: Refusal, from: ClientIp) -> Answer {
        let counted = self.limits.count(Group::Webhooks, from).await;
        counted.map_or_else(Answer::TooManyRefused, |_| Answer::Refused(refusal))
    }

    async fn keep(&self, message: Verified) -> Result<Answer, Answer> {
        let id = self.engine.clock.new_id();
        match self.engine.inbox.keep(message, id).await {
            Ok(Stored::New) => Ok(Answer::New(id)),
            Ok(Stored::Duplicate) => Ok(Answer::Duplicate),
            Err(NotStored::Full) => Err(Answer::Flood),
            Err(NotStored::Unavailable) => Err(Answer::Away),
        }
    }
}

/// Receives one webhook.
pub async fn receive(State(door): State<Door>, request: Request) -> Response {
    let (began, started) = (door.engine.clock.now(), Instant::now());
    let answer = door.take(request).await;
    let provider = door.source.name();
    let took = started.elapsed();
    metrics::histogram!("webhook_answer_seconds", "provider" => provider).record(took);
    metrics::counter!("webhooks_received_total", "provider" => provider, "answer" => answer.code())
        .increment(1);
    match &answer {
        // The limit says so itself, once a minute.
        Answer::Duplicate | Answer::TooManyRefused(_) => {}
        Answer::New(event) => door.engine.traces.tell(|| Span {
            place: Place::Begins(*event),
            name: format!("receive {provider}").into(),
            kind: SpanKind::Server,
            began,
            took,
            attributes: vec![
                ("onlycar.provider", provider.into()),
                ("onlycar.row.id", event.to_string().into()),
                ("onlycar.outcome", answer.code().into()),
            ],
            failed: false,
        }),
        Answer::Refused(refusal) => {
            tracing::warn!(target: "security", provider, code = refusal.code, reason = %refusal.reason, "webhook refused");
        }
        other => tracing::warn!(provider, answer = other.code(), "webhook not taken"),
    }
    answer.into_response()
}

enum Answer {
    New(Uuid),
    Duplicate,
    Refused(Refusal),
    TooManyRefused(TooMany),
    TooLarge,
    CutOff,
    Flood,
    Away,
}

impl Answer {
    fn code(&self) -> &'static str {
        match self {
            Self::New(_) => "received",
            Self::Duplicate => "duplicate",
            Self::Refused(refusal) => refusal.code,
            Self::TooManyRefused(_) => "over-limit",
            Self::TooLarge => "too-large",
            Self::CutOff => "cut-off",
            Self::Flood => "flood",
            Self::Away => "database-away",
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let json = |body: &'static str| {
            let kind = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, kind)], body).into_response()
        };
        let error =
            |status: StatusCode, reason: &str| (status, format!("Webhook Error: {reason}")).into_response();
        let later = |status: StatusCode, seconds: i64, reason: &str| {
            let mut response = error(status, reason);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        };
        match self {
            Self::New(_) => json(r#"{"received":true}"#),
            Self::Duplicate => json(r#"{"received":true,"duplicate":true}"#),
            Self::Refused(refusal) => error(StatusCode::BAD_REQUEST, &refusal.reason),
            Self::TooManyRefused(TooMany { seconds }) => later(
                StatusCode::TOO_MANY_REQUESTS,
                seconds,
                &format!("too many refused requests; wait {seconds} s"),
            ),
            Self::TooLarge => error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is over the limit of 1 MiB",
            ),
            Self::CutOff => error(
                StatusCode::BAD_REQUEST,
                "the body ended before its declared length",
            ),
            Self::Flood => later(
                StatusCode::TOO_MANY_REQUESTS,
                5,
                "too many requests at once; send it again",
            ),
            Self::Away => later(
                StatusCode::SERVICE_UNAVAILABLE,
                30,
                "the event could not be stored; send it again",
            ),
        }
    }
}

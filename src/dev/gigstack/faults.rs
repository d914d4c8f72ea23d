//! What goes wrong on demand when the API or a file is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::answers::Refused;

/// A way of not answering as one should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The right answer, late.
    Slow,
    /// No answer, ever.
    Hang,
    /// 429 with `Retry-After`.
    RateLimited,
    /// 500 in Gigstack's words.
    ServerError,
    /// 502 with a page for people.
    BadGateway,
    /// 401, as for a key that was revoked.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404, as just after the webhook.
    NotFound,
    /// 200 with a page for people.
    Html,
    /// It happens, and the answer is lost: 504.
    LostAnswer,
    /// The connection ends in the middle of the answer.
    Cut,
    /// A file: half of it, well framed.
    Truncated,
    /// A file: a page for people under the file's type.
    HtmlFile,
    /// An XML: that of another invoice, with another UUID.
    OtherUuid,
    /// An XML: issued by somebody else.
    OtherIssuer,
    /// An XML: of another total.
    OtherTotal,
    /// The addresses of files are on another host.
    ForeignHost,
}

/// Where a fault is met.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Before or around any answer.
    Door,
    /// In the bytes of a PDF or an acuse.
    File,
    /// In the bytes of an XML.
    Xml,
    /// In an answer that tells where files are.
    Addresses,
}

impl Fault {
    fn is_met(self, at: At) -> bool {
        match self {
            Self::Truncated | Self::HtmlFile => matches!(at, At::File | At::Xml),
            Self::OtherUuid | Self::OtherIssuer | Self::OtherTotal => at == At::Xml,
            Self::ForeignHost => at == At::Addresses,
            _ => at == At::Door,
        }
    }
}

/// One fault, for so many questions, or for those below one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What goes wrong.
    pub fault: Fault,
    /// For so many questions.
    #[serde(default = "once")]
    pub times: usize,
    /// As in `/v1/invoices`; without it, whatever is asked.
    #[serde(default)]
    pub path: Option<String>,
    /// How late a slow answer is.
    #[serde(default = "second")]
    pub delay_ms: u64,
    /// What `Retry-After` says, in seconds.
    #[serde(default = "two")]
    pub retry_after: u64,
}

fn once() -> usize {
    1
}

fn second() -> u64 {
    1_000
}

fn two() -> u64 {
    2
}

impl Plan {
    /// For the next questions, whatever is asked.
    pub fn new(fault: Fault, times: usize) -> Self {
        Self {
            fault,
            times,
            path: None,
            delay_ms: second(),
            retry_after: two(),
        }
    }
}

/// The faults to come.
#[derive(Default)]
pub(super) struct Faults(Mutex<Vec<Plan>>);

impl Faults {
    pub(super) fn add(&self, plan: Plan) {
        self.plans().push(plan);
    }

    pub(super) fn heal(&self) {
        self.plans().clear();
    }

    pub(super) fn left(&self) -> Vec<Plan> {
        let plans = self.plans();
        plans.iter().filter(|plan| plan.times > 0).cloned().collect()
    }

    /// The fault that this question meets there, and uses up.
    pub(super) fn meet(&self, path: &str, at: At) -> Option<Plan> {
        let mut plans = self.plans();
        plans.retain(|plan| plan.times > 0);
        let fits = |plan: &&mut Plan| {
            plan.fault.is_met(at) && plan.path.as_deref().is_none_or(|prefix| path.starts_with(prefix))
        };
        let plan = plans.iter_mut().find(fits)?;
        plan.times -= 1;
        Some(plan.clone())
    }

    fn plans(&self) -> MutexGuard<'_, Vec<Plan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PAGE: &str = "<!doctype html><title>Bad gateway</title><p>Try again.";

impl Plan {
    /// Meets a question at the door; `answer` is what it would have got.
    pub(super) async fn around(self, answer: impl Future<Output = Response>) -> Response {
        match self.fault {
            Fault::Slow => {
                tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
                answer.await
            }
            Fault::LostAnswer => {
                answer.await;
                (StatusCode::GATEWAY_TIMEOUT, Html(PAGE)).into_response()
            }
            Fault::Cut => cut(answer.await).await,
            Fault::Hang => std::future::pending().await,
            Fault::BadGateway => (StatusCode::BAD_GATEWAY, Html(PAGE)).into_response(),
            Fault::RateLimited => {
                let told = Refused::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "rate_limit_exceeded",
                    "Too many requests",
                );
                let after = [(header::RETRY_AFTER, self.retry_after.to_string())];
                (after, told).into_response()
            }
            Fault::ServerError => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Refused::new(status, "cfdi_service_error", "Error al comunicarse con el PAC").into_response()
            }
            Fault::Unauthorized => Refused::token("The token was revoked").into_response(),
            Fault::Forbidden => {
                Refused::new(StatusCode::FORBIDDEN, "forbidden", "The team may not do this").into_response()
            }
            Fault::NotFound => Refused::missing("resource").into_response(),
            // The others are met elsewhere.
            _ => Html(PAGE).into_response(),
        }
    }
}

/// The head and half of the body, then nothing: the length that was promised is not kept.
async fn cut(answer: Response) -> Response {
    let (head, body) = answer.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    let broken = futures_util::stream::iter([
        Ok::<Bytes, std::io::Error>(half),
        Err(std::io::Error::other("the connection is cut")),
    ]);
    let mut answer = Response::from_parts(head, Body::from_stream(broken));
    answer
        .headers_mut()
        .insert(header::CONTENT_LENGTH, whole.len().into());
    answer
}

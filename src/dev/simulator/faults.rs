//! What goes wrong on demand: which faults are to come, who meets them, and those that are in no provider's words.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// A provider's ways of not answering as one should.
pub trait Fault: Copy {
    /// Where a fault can be met.
    type At: Copy;

    /// Whether this one is met there.
    fn is_met(self, at: Self::At) -> bool;

    /// What whoever meets it before or around any answer gets.
    fn door(plan: &Plan<Self>) -> Door
    where
        Self: Sized;
}

/// One fault, for so many questions, or for those below one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan<F> {
    /// What goes wrong.
    pub fault: F,
    /// For so many questions.
    #[serde(default = "once")]
    pub times: usize,
    /// How the path of a question begins; without it, whatever is asked.
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

impl<F> Plan<F> {
    /// For the next questions, whatever is asked.
    pub fn new(fault: F, times: usize) -> Self {
        Self {
            fault,
            times,
            path: None,
            delay_ms: second(),
            retry_after: two(),
        }
    }

    /// For the next questions whose path begins so.
    pub fn at(path: &str, fault: F, times: usize) -> Self {
        let path = Some(path.to_owned());
        Self {
            path,
            ..Self::new(fault, times)
        }
    }
}

/// The faults to come.
pub struct Faults<F>(Mutex<Vec<Plan<F>>>);

impl<F> Default for Faults<F> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<F: Fault> Faults<F> {
    /// After those already planned.
    pub fn add(&self, plan: Plan<F>) {
        self.plans().push(plan);
    }

    /// Ends every fault.
    pub fn heal(&self) {
        self.plans().clear();
    }

    /// Those that nobody met yet.
    pub fn left(&self) -> Vec<Plan<F>> {
        let plans = self.plans();
        plans.iter().filter(|plan| plan.times > 0).cloned().collect()
    }

    /// The fault that this question meets there, and uses up.
    pub fn meet(&self, path: &str, at: F::At) -> Option<Plan<F>> {
        let mut plans = self.plans();
        plans.retain(|plan| plan.times > 0);
        let fits = |plan: &&mut Plan<F>| {
            plan.fault.is_met(at) && plan.path.as_deref().is_none_or(|prefix| path.starts_with(prefix))
        };
        let plan = plans.iter_mut().find(fits)?;
        plan.times -= 1;
        Some(plan.clone())
    }

    fn plans(&self) -> MutexGuard<'_, Vec<Plan<F>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happens to a question.
pub enum Door {
    /// An answer in the provider's words.
    Told(Response),
    /// The right answer, late.
    Slow,
    /// No answer, ever.
    Hang,
    /// 502 with a page for people.
    BadGateway,
    /// 200 with a page for people, as from a proxy.
    Html,
    /// It happens, and the answer is lost: 504.
    LostAnswer,
    /// The connection ends in the middle of the answer.
    Cut,
}

const PAGE: &str = "<!doctype html><title>Bad gateway</title><p>Try again.";

impl<F: Fault> Plan<F> {
    /// Meets a question; `answer` is what it would have got.
    pub async fn around(self, answer: impl Future<Output = Response>) -> Response {
        match F::door(&self) {
            Door::Told(told) => told,
            Door::Slow => {
                tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
                answer.await
            }
            Door::Hang => std::future::pending().await,
            Door::BadGateway => (StatusCode::BAD_GATEWAY, Html(PAGE)).into_response(),
            Door::Html => Html(PAGE).into_response(),
            Door::LostAnswer => {
                answer.await;
                (StatusCode::GATEWAY_TIMEOUT, Html(PAGE)).into_response()
            }
            Door::Cut => cut(answer.await).await,
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

/// What a file is when it is cut short, or a page for people under the file's type.
pub fn truncated(whole: &[u8]) -> Vec<u8> {
    whole.get(..whole.len() / 2).unwrap_or_default().to_vec()
}

/// A page for people in place of a file.
pub const FILE_PAGE: &str = "<!doctype html><html><title>Error</title><p>AccessDenied</html>\n";

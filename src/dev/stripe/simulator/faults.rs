//! What goes wrong on demand when the API is asked.

use std::sync::{Mutex, PoisonError};

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::answers::Refused;

/// A way of not answering as one should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 429, with `Retry-After` and `Stripe-Rate-Limited-Reason`.
    RateLimited,
    /// 500 in Stripe's words.
    ServerError,
    /// No answer, ever.
    Hang,
    /// 200 with a page for people, as from a proxy.
    Html,
    /// 502 with a page for people.
    BadGateway,
    /// 403: a restricted key without the right.
    Forbidden,
}

/// One fault, for so many questions, or for those below one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    pub(super) fault: Fault,
    #[serde(default = "once")]
    pub(super) times: usize,
    /// As in `/v1/events`; without it, whatever is asked.
    #[serde(default)]
    pub(super) path: Option<String>,
}

fn once() -> usize {
    1
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
        self.plans().clone()
    }

    /// The fault that this question meets, and uses up.
    pub(super) fn meet(&self, path: &str) -> Option<Fault> {
        let mut plans = self.plans();
        plans.retain(|plan| plan.times > 0);
        let fits = |plan: &&mut Plan| plan.path.as_deref().is_none_or(|prefix| path.starts_with(prefix));
        let plan = plans.iter_mut().find(fits)?;
        plan.times -= 1;
        Some(plan.fault)
    }

    fn plans(&self) -> std::sync::MutexGuard<'_, Vec<Plan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    pub(super) async fn answer(self) -> Response {
        let page = Html("<!doctype html><title>Bad gateway</title><p>Try again.");
        match self {
            Self::RateLimited => {
                let headers = [
                    (header::RETRY_AFTER.as_str(), "2"),
                    ("stripe-rate-limited-reason", "global-rate"),
                ];
                let told = Refused::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "rate_limit",
                    "Request rate limit exceeded.",
                );
                (headers, told).into_response()
            }
            Self::ServerError => Refused::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "",
                "An unknown error occurred.",
            )
            .into_response(),
            Self::Hang => std::future::pending().await,
            Self::Html => page.into_response(),
            Self::BadGateway => (StatusCode::BAD_GATEWAY, page).into_response(),
            Self::Forbidden => Refused::new(
                StatusCode::FORBIDDEN,
                "more_permissions_required",
                "The provided key does not have the required permissions for this endpoint.",
            )
            .into_response(),
        }
    }
}

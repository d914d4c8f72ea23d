//! What goes wrong on demand when the API is asked.

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

use super::answers::Refused;
use crate::dev::simulator::faults::{self, Door};

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
pub(super) type Plan = faults::Plan<Fault>;

impl faults::Fault for Fault {
    type At = ();

    fn is_met(self, (): ()) -> bool {
        true
    }

    fn door(plan: &Plan) -> Door {
        let told = match plan.fault {
            Self::RateLimited => {
                let headers = [
                    (header::RETRY_AFTER.as_str(), plan.retry_after.to_string()),
                    ("stripe-rate-limited-reason", "global-rate".to_owned()),
                ];
                let status = StatusCode::TOO_MANY_REQUESTS;
                let told = Refused::new(status, "rate_limit", "Request rate limit exceeded.");
                return Door::Told((headers, told).into_response());
            }
            Self::ServerError => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Refused::new(status, "", "An unknown error occurred.")
            }
            Self::Hang => return Door::Hang,
            Self::Html => return Door::Html,
            Self::BadGateway => return Door::BadGateway,
            Self::Forbidden => Refused::new(
                StatusCode::FORBIDDEN,
                "more_permissions_required",
                "The provided key does not have the required permissions for this endpoint.",
            ),
        };
        Door::Told(told.into_response())
    }
}

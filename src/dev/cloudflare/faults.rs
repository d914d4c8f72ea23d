//! What goes wrong on demand.

use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

use super::answers::Refused;
use crate::dev::simulator::faults::{self, Door};

/// One fault, for so many questions, or for those below one path.
pub type Plan = faults::Plan<Fault>;

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
    /// 500 in Cloudflare's words.
    ServerError,
    /// 502 with a page for people.
    BadGateway,
    /// 403, as for a token that was revoked.
    Unauthorized,
    /// 404, as for a database that is gone.
    NotFound,
    /// 200 and `success: false`.
    NotDone,
    /// 200 with a page for people.
    Html,
    /// It happens, and the answer is lost: 504.
    LostAnswer,
    /// The connection ends in the middle of the answer.
    Cut,
    /// D1: nothing of it is done, and one statement says so; KV: no key is set, and the answer names them.
    Partial,
}

/// Where a fault is met.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Before or around any answer.
    Door,
    /// In what is said of each statement or key.
    Parts,
}

impl faults::Fault for Fault {
    type At = At;

    fn is_met(self, at: At) -> bool {
        (self == Self::Partial) == (at == At::Parts)
    }

    fn door(plan: &Plan) -> Door {
        let told = match plan.fault {
            Self::Slow => return Door::Slow,
            Self::Hang => return Door::Hang,
            Self::BadGateway => return Door::BadGateway,
            Self::LostAnswer => return Door::LostAnswer,
            Self::Cut => return Door::Cut,
            Self::RateLimited => Refused::too_many(plan.retry_after),
            Self::ServerError => Refused::new(StatusCode::INTERNAL_SERVER_ERROR, 7500, "internal error"),
            Self::Unauthorized => Refused::token(),
            Self::NotFound => Refused::new(StatusCode::NOT_FOUND, 7404, "The database could not be found"),
            Self::NotDone => Refused::new(
                StatusCode::OK,
                7500,
                "D1_ERROR: storage operation exceeded timeout",
            ),
            // The other one is met elsewhere.
            Self::Html | Self::Partial => return Door::Html,
        };
        Door::Told(told.into_response())
    }
}

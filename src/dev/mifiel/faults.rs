//! What goes wrong on demand when the API or a file is asked.

use axum::http::{StatusCode, header};
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
    /// 500 in Mifiel's words.
    ServerError,
    /// 502 with a page for people.
    BadGateway,
    /// 401, as for a key that was revoked.
    Unauthorized,
    /// 402: the account has no documents left.
    PaymentRequired,
    /// 404, as just after the webhook.
    NotFound,
    /// 406: a file that is not there before the last signature.
    NotAcceptable,
    /// 410, as for a document that was deleted.
    Gone,
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
    /// A file: that of another document.
    OtherDocument,
}

/// Where a fault is met.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Before or around any answer.
    Door,
    /// In the bytes of a file.
    File,
}

impl faults::Fault for Fault {
    type At = At;

    fn is_met(self, at: At) -> bool {
        match self {
            Self::Truncated | Self::HtmlFile | Self::OtherDocument => at == At::File,
            _ => at == At::Door,
        }
    }

    fn door(plan: &Plan) -> Door {
        let told = match plan.fault {
            Self::Slow => return Door::Slow,
            Self::LostAnswer => return Door::LostAnswer,
            Self::Cut => return Door::Cut,
            Self::Hang => return Door::Hang,
            Self::BadGateway => return Door::BadGateway,
            Self::RateLimited => {
                let told = Refused::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
                let after = [(header::RETRY_AFTER, plan.retry_after.to_string())];
                return Door::Told((after, told).into_response());
            }
            Self::ServerError => Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong"),
            Self::Unauthorized => Refused::unauthorized(),
            Self::PaymentRequired => Refused::new(StatusCode::PAYMENT_REQUIRED, "No documents left"),
            Self::NotFound => Refused::missing("Document"),
            Self::NotAcceptable => Refused::new(StatusCode::NOT_ACCEPTABLE, "Not acceptable"),
            Self::Gone => Refused::new(StatusCode::GONE, "The document was deleted"),
            // The others are met elsewhere.
            _ => return Door::Html,
        };
        Door::Told(told.into_response())
    }
}

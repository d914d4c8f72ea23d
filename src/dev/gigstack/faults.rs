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
pub enum At {
    /// Before or around any answer.
    Door,
    /// In the bytes of a PDF or an acuse.
    File,
    /// In the bytes of an XML.
    Xml,
    /// In an answer that tells where files are.
    Addresses,
}

impl faults::Fault for Fault {
    type At = At;

    fn is_met(self, at: At) -> bool {
        match self {
            Self::Truncated | Self::HtmlFile => matches!(at, At::File | At::Xml),
            Self::OtherUuid | Self::OtherIssuer | Self::OtherTotal => at == At::Xml,
            Self::ForeignHost => at == At::Addresses,
            _ => at == At::Door,
        }
    }

    fn door(plan: &Plan) -> Door {
        let refused = |status, code, message| Refused::new(status, code, message);
        let told = match plan.fault {
            Self::Slow => return Door::Slow,
            Self::LostAnswer => return Door::LostAnswer,
            Self::Cut => return Door::Cut,
            Self::Hang => return Door::Hang,
            Self::BadGateway => return Door::BadGateway,
            Self::RateLimited => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                let told = refused(status, "rate_limit_exceeded", "Too many requests");
                let after = [(header::RETRY_AFTER, plan.retry_after.to_string())];
                return Door::Told((after, told).into_response());
            }
            Self::ServerError => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                refused(status, "cfdi_service_error", "Error al comunicarse con el PAC")
            }
            Self::Unauthorized => Refused::token("The token was revoked"),
            Self::Forbidden => refused(StatusCode::FORBIDDEN, "forbidden", "The team may not do this"),
            Self::NotFound => Refused::missing("resource"),
            // The others are met elsewhere.
            _ => return Door::Html,
        };
        Door::Told(told.into_response())
    }
}

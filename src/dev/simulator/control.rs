//! What the requests below `/_sim/` have in common.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// What a person asked for wrongly, or a server that does not answer.
pub struct Wrong(anyhow::Error);

impl From<anyhow::Error> for Wrong {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, format!("{:#}\n", self.0)).into_response()
    }
}

/// How often a thing happens of which nobody said so.
pub fn once() -> u32 {
    1
}

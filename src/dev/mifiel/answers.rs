//! Errors in Mifiel's words: `{status: "fail", errors: […]}` where the caller is wrong, `{status: "error", message}` where
//! Mifiel is.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error as Mifiel tells it.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    message: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }

    pub(super) fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = if self.status.is_server_error() {
            json!({ "status": "error", "message": self.message })
        } else {
            json!({ "status": "fail", "errors": [self.message] })
        };
        (self.status, Json(body)).into_response()
    }
}

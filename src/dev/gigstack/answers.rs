//! Answers in Gigstack's words: `{message, data}`, and `{message, error: {code, message, details}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An error as Gigstack tells it.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    pub(super) fn missing(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "resource_not_found",
            format!("The {what} was not found"),
        )
    }

    pub(super) fn token(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_error", message)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let error = json!({ "code": self.code, "message": self.message, "details": [] });
        let body = json!({ "message": self.message, "error": error });
        (self.status, Json(body)).into_response()
    }
}

/// `{message, data}`.
pub(super) fn data(data: &Value) -> Value {
    json!({ "message": "OK", "data": data })
}

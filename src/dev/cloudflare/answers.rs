//! How Cloudflare wraps what it answers.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// It was done.
pub fn done(result: &Value) -> Response {
    let envelope = json!({ "success": true, "errors": [], "messages": [], "result": result });
    Json(envelope).into_response()
}

/// Why something was not done.
#[derive(Debug, Clone)]
pub struct Refused {
    status: StatusCode,
    code: i64,
    message: String,
    retry_after: Option<u64>,
}

impl Refused {
    pub fn new(status: StatusCode, code: i64, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    /// Authentication error
    pub fn token() -> Self {
        Self::new(StatusCode::FORBIDDEN, 10000, "Authentication error")
    }

    /// More than may be asked.
    pub fn too_many(retry_after: u64) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, 10429, "Too many requests")
        }
    }

    /// What D1 says of SQL that it cannot do.
    pub fn sql(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 7500, message)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let errors = json!([{ "code": self.code, "message": self.message }]);
        let envelope = json!({ "success": false, "errors": errors, "messages": [], "result": null });
        let mut response = (self.status, Json(envelope)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

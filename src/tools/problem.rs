//! Errors of the HTTP API: `application/problem+json` (RFC 9457) with a stable code and a Spanish detail.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What an API client is told when a request did not succeed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// The HTTP status again, for who reads the body alone.
    status: u16,
    /// A stable word, kebab-case, to branch on.
    #[schema(example = "no-encontrado")]
    code: &'static str,
    /// What happened and what to do next, in Spanish.
    #[schema(value_type = String)]
    detail: Cow<'static, str>,
}

impl Problem {
    /// A problem with its status, code and Spanish detail.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: status.as_u16(),
            code,
            detail: detail.into(),
        }
    }

    /// For every address that does not exist.
    #[allow(clippy::unused_async)] // a handler
    pub async fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no-encontrado",
            "Esta dirección no existe. Las que existen están en /docs.",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

//! Errors of the HTTP API: `application/problem+json` (RFC 9457) with a stable code and a Spanish detail.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
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
    /// What is wrong with each field; absent when the problem is not about fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What is wrong with one field of a request. Its value is not repeated: it may be personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where it stands, as in `items[2].amount`; empty for the body as a whole.
    #[schema(example = "payment_method")]
    pub field: String,
    /// A stable word, kebab-case, to branch on.
    #[schema(example = "falta")]
    pub code: &'static str,
    /// What is expected, in Spanish.
    #[schema(value_type = String)]
    pub detail: Cow<'static, str>,
}

impl FieldError {
    /// What is wrong with `field`.
    pub fn new(field: impl Into<String>, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            code,
            detail: detail.into(),
        }
    }
}

impl Problem {
    /// A problem with its status, code and Spanish detail.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: status.as_u16(),
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// A request that was understood and cannot be done as it stands: every field that is wrong, at once.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = "Hay datos que corregir; `errors` dice cuáles.";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "datos-no-validos", detail).with_errors(errors)
    }

    /// For what does not exist, and for what the caller may not know of: the two must look alike.
    pub fn unknown() -> Self {
        let detail = "No existe, o tu usuario no puede verlo.";
        Self::new(StatusCode::NOT_FOUND, "no-encontrado", detail)
    }

    /// As it will be answered.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The same with what is wrong with each field.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
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
    fn into_response(mut self) -> Response {
        let headers = std::mem::take(&mut self.headers);
        let status = self.status();
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().extend(headers);
        response
    }
}

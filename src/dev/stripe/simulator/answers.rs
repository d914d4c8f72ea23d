//! Answers in Stripe's words (docs.stripe.com/api/errors and /api/pagination).

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::{ids, with};
use super::query::Query;
use super::state::text;

/// An error as Stripe tells it.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    parameter: Option<String>,
}

impl Refused {
    /// Without a code when that is empty.
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            parameter: None,
        }
    }

    /// The same, naming the parameter that is wrong.
    pub(super) fn because_of(mut self, parameter: &str) -> Self {
        self.parameter = Some(parameter.to_owned());
        self
    }

    /// `No such …`: 404 for an object asked for, 400 for one named in a parameter.
    pub(super) fn missing(status: StatusCode, kind: &str, id: &str) -> Self {
        let kind = kind.replace(['_', '.'], " ");
        Self::new(status, "resource_missing", format!("No such {kind}: '{id}'"))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let kind = match self.status {
            StatusCode::INTERNAL_SERVER_ERROR => "api_error",
            _ => "invalid_request_error",
        };
        let mut error = json!({ "message": self.message, "type": kind });
        if !self.code.is_empty() {
            let page = self.code.replace('_', "-");
            let doc = format!("https://stripe.com/docs/error-codes/{page}");
            error = with(error, json!({ "code": self.code, "doc_url": doc }));
        }
        if let Some(parameter) = self.parameter {
            error = with(error, json!({ "param": parameter }));
        }
        answer(self.status, &json!({ "error": error }))
    }
}

/// JSON as Stripe prints it, with an id for the request.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [("request-id", ids::request())], Json(body)).into_response()
}

/// A page of a list: what `limit`, `starting_after` and `ending_before` leave of `items`, which are newest first.
pub(super) fn page(url: &str, items: &[&Value], query: &Query) -> Result<Response, Refused> {
    let limit = query.limit()?;
    let place = |parameter: &str| match query.one(parameter) {
        None => Ok(None),
        Some(id) => match items.iter().position(|item| text(item, "id") == id) {
            Some(place) => Ok(Some(place)),
            None => Err(Refused::missing(StatusCode::BAD_REQUEST, "object", id).because_of(parameter)),
        },
    };
    let rest = match (place("starting_after")?, place("ending_before")?) {
        (_, Some(before)) => items.get(..before),
        (Some(after), None) => items.get(after + 1..),
        (None, None) => Some(items),
    };
    let rest = rest.unwrap_or_default();
    // Backwards, a page is what stands next to the cursor.
    let backwards = query.one("ending_before").is_some();
    let skipped = if backwards {
        rest.len().saturating_sub(limit)
    } else {
        0
    };
    let data: Vec<_> = rest.iter().skip(skipped).take(limit).collect();
    let list = json!({ "object": "list", "data": data, "has_more": rest.len() > limit, "url": url });
    Ok(answer(StatusCode::OK, &list))
}

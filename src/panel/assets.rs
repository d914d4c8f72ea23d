//! What pages look like: files of our own, the same for everybody.

use axum::http::header;
use axum::response::{IntoResponse, Response};

const STYLE: &str = include_str!("../../templates/panel/estilo.css");

/// The one style sheet. A browser asks again after ten minutes, so that a new version shows soon.
pub(super) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "private, max-age=600"),
    ];
    (headers, STYLE).into_response()
}

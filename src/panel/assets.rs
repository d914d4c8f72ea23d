//! What pages look like: files of our own, the same for everybody.

use axum::http::header;
use axum::response::{IntoResponse, Response};

const STYLE: &str = include_str!("../../templates/panel/estilo.css");
const ICON: &str = include_str!("../../templates/panel/icono.svg");

/// The one style sheet.
pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// What a browser shows beside the title.
pub(super) async fn icon() -> Response {
    asset("image/svg+xml", ICON)
}

/// A browser asks again after ten minutes, so that a new version shows soon.
fn asset(kind: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "private, max-age=600"),
    ];
    (headers, content).into_response()
}

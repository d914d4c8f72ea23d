//! The tower stack around every route, with a reason per layer.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tracing::Span;

use super::client_ip::{self, TrustedProxies};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the stack around the routes; the last one here sees a request first.
pub fn around(routes: Router, proxies: TrustedProxies, request_timeout: Duration) -> Router {
    routes
        // A bug in one request ends that request with 500, not its connection.
        .layer(CatchPanicLayer::new())
        // A client that stops sending cannot hold a connection and its memory for ever.
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            request_timeout,
        ))
        // Spans carry method and path only, at debug level: headers, bodies and queries hold secrets and personal data.
        .layer(TraceLayer::new_for_http().make_span_with(span))
        // One id from the edge through our log lines and back to the caller.
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        // Who calls, for the audit log.
        .layer(middleware::from_fn_with_state(proxies, client_ip::note))
        // A browser must not guess a type that we did not say.
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
}

/// The usual span of a request prints its whole address, with the token that a webhook may carry in it.
fn span(request: &Request) -> Span {
    tracing::debug_span!("request", method = %request.method(), path = request.uri().path())
}

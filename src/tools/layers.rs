//! The tower stack around every route, with a reason per layer.

use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tracing::Span;
use url::Url;

use super::client_ip::{self, TrustedProxies};
use super::traces::{self, Traces};
use crate::ground::config;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the stack around the routes; the last one here sees a request first.
pub fn around(routes: Router, settings: &config::Http, public_url: &Url, traces: &Traces) -> Router {
    let proxies = TrustedProxies::new(&settings.trusted_proxies);
    let routes = routes
        // A bug in one request ends that request with 500, not its connection.
        .layer(CatchPanicLayer::new())
        // A client that stops sending cannot hold a connection and its memory for ever.
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            Duration::from_secs(settings.request_timeout_seconds),
        ))
        // Pages of other origins read nothing of ours, but those that the settings name. No cookie goes with it: who
        // asks is in the Authorization header.
        .layer(tower::util::option_layer(cors(&settings.allowed_origins)))
        // Log lines of a request carry its id, method and route: headers, bodies and queries hold secrets and personal data.
        .layer(TraceLayer::new_for_http().make_span_with(span))
        // Where nobody wants traces there is no such layer.
        .layer(tower::util::option_layer(traces.wanted().then(|| {
            middleware::from_fn_with_state(traces.clone(), traces::around)
        })))
        // One id from the edge through our log lines and back to the caller.
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        // Who calls, for the audit log.
        .layer(middleware::from_fn_with_state(proxies, client_ip::note));
    guarded(routes, public_url)
}

/// What a browser is told of every answer, whoever made it: a handler, an error, a panic, a layer.
fn guarded(routes: Router, public_url: &Url) -> Router {
    // Once told, a browser never speaks to this host in the clear again; not to other hosts of the domain, which are not
    // ours. Where we are called by http, as in `dev`, it would lock people out.
    let only_tls = (public_url.scheme() == "https").then_some("max-age=31536000");
    let mut routes = routes.layer(middleware::map_response(content_security_policy));
    for (name, value) in ALWAYS
        .into_iter()
        .chain(only_tls.map(|value| (header::STRICT_TRANSPORT_SECURITY, value)))
    {
        let value = HeaderValue::from_static(value);
        routes = routes.layer(SetResponseHeaderLayer::if_not_present(name, value));
    }
    routes
}

/// Each unless the handler says otherwise.
const ALWAYS: [(HeaderName, &str); 7] = [
    // A browser must not guess a type that we did not say.
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Addresses name services, contracts and documents: where a link leads to does not learn them.
    (header::REFERRER_POLICY, "no-referrer"),
    // Nobody frames a page of ours to have its buttons pressed: for browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, "DENY"),
    // A page that opened ours, or that ours opens, gets no hold of its window.
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    // No other origin embeds an answer of ours to read it through a side channel.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    // No page of ours needs any of them; a script that got in does not get them either.
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    // Answers hold names and amounts, and redirects lead to documents: nothing on the way, nor the disk of a shared
    // tablet, keeps them.
    (header::CACHE_CONTROL, "no-store"),
];

/// An answer of the API is no page: it loads nothing, runs nothing, is framed by nobody.
const API_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// A page has what comes from here, and neither script nor style inside of it: what somebody smuggles into its text
/// stays text.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Swagger UI sets styles on its elements and draws its icons from `data:` addresses. Its scripts are files.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Says what a browser may do with the answer, unless the handler or a layer of its own has said it.
async fn content_security_policy(mut answer: Response) -> Response {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let policy = HeaderValue::from_static(if page { PAGE_POLICY } else { API_POLICY });
    let headers = answer.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    answer
}

/// Swagger UI's own policy, around its routes alone.
pub fn around_docs(routes: Router) -> Router {
    let policy = HeaderValue::from_static(DOCS_POLICY);
    routes.layer(SetResponseHeaderLayer::overriding(
        header::CONTENT_SECURITY_POLICY,
        policy,
    ))
}

/// None where no origin is named: then not even a preflight is answered.
fn cors(origins: &[config::Origin]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|it| it.as_str().parse().ok()).collect();
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
            .expose_headers([REQUEST_ID, header::RETRY_AFTER])
            .max_age(Duration::from_mins(10))
    })
}

/// The usual span of a request prints its whole address, with the token that a webhook may carry in it.
fn span(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("(no route)", MatchedPath::as_str);
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let id = id.filter(|id| is_id(id)).unwrap_or("(not an id)");
    tracing::info_span!("request", request_id = id, method = %request.method(), route)
}

/// The caller may have chosen it.
fn is_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&id.len()) && id.bytes().all(fits)
}

//! The captured mail in the browser.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::text::{Segment, segments};
use super::{Mailbox, Message};

const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";
/// A mail brings its own inline styles and may show pictures; it gets no script, no form and no origin.
const MAIL_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
                           style-src 'unsafe-inline'; img-src data: https:; form-action 'none'; \
                           frame-ancestors 'self'";
/// Links of a mail open beside it: inside the frame most sites would refuse to show.
const OPEN_BESIDE: &str = "<!doctype html><base target=\"_blank\">";

#[derive(Template)]
#[template(path = "dev/mail/list.html")]
struct ListPage {
    messages: Vec<Arc<Message>>,
}

#[derive(Template)]
#[template(path = "dev/mail/message.html")]
struct MessagePage<'a> {
    message: &'a Message,
    segments: Vec<Segment<'a>>,
}

#[derive(Template)]
#[template(path = "dev/mail/absent.html")]
struct AbsentPage;

/// The pages, the raw messages and the JSON of a mailbox.
pub(super) fn router(mailbox: Mailbox) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/mail.css", get(style))
        .route("/api/messages", get(messages))
        .route("/{id}", get(message))
        .route("/{id}/html", get(html))
        .route("/{id}/raw", get(raw))
        .layer(middleware::from_fn(protect))
        .with_state(mailbox)
}

async fn list(State(mailbox): State<Mailbox>) -> Response {
    let mut messages = mailbox.messages();
    messages.reverse();
    page(StatusCode::OK, &ListPage { messages })
}

async fn message(State(mailbox): State<Mailbox>, Path(id): Path<String>) -> Response {
    let Some(message) = find(&mailbox, &id) else {
        return absent();
    };
    page(
        StatusCode::OK,
        &MessagePage {
            message: &message,
            segments: segments(&message.text),
        },
    )
}

async fn html(State(mailbox): State<Mailbox>, Path(id): Path<String>) -> Response {
    let message = find(&mailbox, &id);
    let Some(html) = message.as_ref().and_then(|message| message.html.as_ref()) else {
        return absent();
    };
    let policy = [(CONTENT_SECURITY_POLICY, MAIL_POLICY)];
    (policy, Html(format!("{OPEN_BESIDE}{html}"))).into_response()
}

async fn raw(State(mailbox): State<Mailbox>, Path(id): Path<String>) -> Response {
    let Some(message) = find(&mailbox, &id) else {
        return absent();
    };
    let plain = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    (plain, message.raw.clone()).into_response()
}

async fn messages(State(mailbox): State<Mailbox>) -> Response {
    let messages = mailbox.messages();
    Json(messages.iter().map(AsRef::as_ref).collect::<Vec<&Message>>()).into_response()
}

async fn style() -> Response {
    let css = [(CONTENT_TYPE, "text/css; charset=utf-8")];
    (css, include_str!("../../../templates/dev/mail/mail.css")).into_response()
}

async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(PAGE_POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn find(mailbox: &Mailbox, id: &str) -> Option<Arc<Message>> {
    mailbox.message(id.parse().ok()?)
}

fn absent() -> Response {
    page(StatusCode::NOT_FOUND, &AbsentPage)
}

fn page(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the captured mail could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

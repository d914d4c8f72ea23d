//! The part of Mifiel's API that our client uses, below `/api/v1`.

mod body;
mod webhooks;

use std::collections::HashMap;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;

use super::Mifiel;
use super::answers::Refused;
use super::auth::Asked;
use super::delivery::News;
use super::envelope::Event;
use super::faults::At;
use super::files::Kind;
use super::state::Document;

/// The largest question there is.
const LARGEST: usize = 64 * 1024 * 1024;
/// How many documents a page of the list holds, unless it is told.
const PAGE: usize = 25;

pub(super) fn router(mifiel: &Mifiel) -> Router {
    Router::new()
        .route("/api/v1/documents", get(list).post(create))
        .route("/api/v1/documents/{id}", get(one).put(change).delete(remove))
        .route("/api/v1/documents/{id}/file", get(original))
        .route("/api/v1/documents/{id}/file_signed", get(signed))
        .route("/api/v1/documents/{id}/xml", get(xml))
        .merge(webhooks::router())
        .fallback(unknown)
        .layer(from_fn_with_state(mifiel.clone(), door))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(mifiel.clone())
}

/// Notes the question, checks who asks, and lets a fault happen that was asked for. The answer bears Mifiel's time.
async fn door(State(mifiel): State<Mifiel>, request: Request, next: Next) -> Response {
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str()).to_owned();
    let asked = format!("{} {path}", request.method());
    mifiel.state().asked.push(asked);
    let fault = mifiel.0.faults.meet(&path, At::Door);
    let answer = admitted(&mifiel, request, next);
    let mut answer = match fault {
        Some(plan) => plan.around(answer).await,
        None => answer.await,
    };
    let now = mifiel.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(now) = HeaderValue::try_from(now) {
        answer.headers_mut().insert(header::DATE, now);
    }
    answer
}

async fn admitted(mifiel: &Mifiel, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return Refused::new(StatusCode::BAD_REQUEST, "The request cannot be read").into_response();
    };
    let asked = Asked {
        method: &head.method,
        uri: &head.uri,
        headers: &head.headers,
        body: &body,
    };
    if !asked.is_by(&mifiel.0.account, mifiel.now()) {
        return Refused::unauthorized().into_response();
    }
    next.run(Request::from_parts(head, Body::from(body))).await
}

async fn unknown(method: Method, uri: Uri) -> Refused {
    Refused::new(
        StatusCode::NOT_FOUND,
        format!("{method} {} not found", uri.path()),
    )
}

fn found(mifiel: &Mifiel, id: &str) -> Result<Document, Refused> {
    let document = mifiel.state().document(id).cloned();
    document.ok_or_else(|| Refused::missing("Document"))
}

async fn create(State(mifiel): State<Mifiel>, headers: HeaderMap, bytes: Bytes) -> Result<Response, Refused> {
    let document = mifiel.create(body::draft(&headers, &bytes)?);
    Ok((StatusCode::CREATED, Json(mifiel.document_json(&document))).into_response())
}

/// The newest first. The vendor does not document its pages.
async fn list(
    State(mifiel): State<Mifiel>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Json<Vec<Value>>, Refused> {
    let number = |name: &str, default: usize| match asked.get(name) {
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|number| (1..=1_000).contains(number)),
        None => Some(default),
    };
    let page = number("page", 1).ok_or_else(|| Refused::invalid("page is not right"))?;
    let size = number("per_page", PAGE).ok_or_else(|| Refused::invalid("per_page is not right"))?;
    let documents = mifiel.documents();
    let there = documents
        .iter()
        .rev()
        .filter(|document| document.deleted_at.is_none());
    let listed = there.skip((page - 1) * size).take(size);
    Ok(Json(
        listed.map(|document| mifiel.document_json(document)).collect(),
    ))
}

async fn one(State(mifiel): State<Mifiel>, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    Ok(Json(mifiel.document_json(&found(&mifiel, &id)?)))
}

async fn change(
    State(mifiel): State<Mifiel>,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, Refused> {
    let changed = body::changed(&bytes)?;
    let document = {
        let mut state = mifiel.state();
        let document = state
            .document_mut(&id)
            .ok_or_else(|| Refused::missing("Document"))?;
        changed.apply(&mut document.draft);
        document.clone()
    };
    Ok(Json(mifiel.document_json(&document)))
}

/// What was signed by all stays.
async fn remove(State(mifiel): State<Mifiel>, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    let document = found(&mifiel, &id)?;
    if document.signed_at().is_some() {
        return Err(Refused::invalid("A signed document cannot be deleted"));
    }
    if mifiel.delete(&id).is_ok() {
        mifiel.announce(&[News {
            event: Event::DocumentDeleted,
            document,
            signer: None,
        }]);
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn original(
    State(mifiel): State<Mifiel>,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    mifiel.file(uri.path(), &found(&mifiel, &id)?, Kind::Original)
}

async fn signed(State(mifiel): State<Mifiel>, uri: Uri, Path(id): Path<String>) -> Result<Response, Refused> {
    mifiel.file(uri.path(), &found(&mifiel, &id)?, Kind::Signed)
}

async fn xml(State(mifiel): State<Mifiel>, uri: Uri, Path(id): Path<String>) -> Result<Response, Refused> {
    mifiel.file(uri.path(), &found(&mifiel, &id)?, Kind::Xml)
}

//! The account's subscriptions: each is one address and one kind of news.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::super::Mifiel;
use super::super::answers::Refused;
use super::super::delivery::{News, last_signer};
use super::super::envelope::Event;
use super::super::render;
use super::super::state::Webhook;

pub(super) fn router() -> Router<Mifiel> {
    Router::new()
        .route("/api/v1/webhooks", get(list).post(subscribe))
        .route("/api/v1/webhooks/{id}", get(one).delete(remove))
        .route("/api/v1/webhooks/{id}/trigger", post(trigger))
}

#[derive(Deserialize)]
struct Subscription {
    url: Url,
    callback_type: Event,
}

fn read<'b, T: Deserialize<'b>>(bytes: &'b Bytes) -> Result<T, Refused> {
    serde_json::from_slice(bytes).map_err(|error| Refused::invalid(error.to_string()))
}

async fn subscribe(State(mifiel): State<Mifiel>, bytes: Bytes) -> Result<Response, Refused> {
    let asked: Subscription = read(&bytes)?;
    let now = mifiel.now();
    let webhook = mifiel
        .state()
        .subscribe(asked.url.as_str(), asked.callback_type, now);
    Ok((StatusCode::CREATED, Json(render::webhook(&webhook))).into_response())
}

async fn list(State(mifiel): State<Mifiel>) -> Json<Vec<Value>> {
    Json(mifiel.state().webhooks.iter().map(render::webhook).collect())
}

fn found(mifiel: &Mifiel, id: &str) -> Result<Webhook, Refused> {
    let state = mifiel.state();
    let webhook = state.webhooks.iter().find(|webhook| webhook.id == id);
    webhook.cloned().ok_or_else(|| Refused::missing("Webhook"))
}

async fn one(State(mifiel): State<Mifiel>, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    Ok(Json(render::webhook(&found(&mifiel, &id)?)))
}

async fn remove(State(mifiel): State<Mifiel>, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    found(&mifiel, &id)?;
    mifiel.state().webhooks.retain(|webhook| webhook.id != id);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Trigger {
    /// A document.
    resource: String,
    /// Once, at once, and the answer is told.
    #[serde(default)]
    instant: bool,
}

async fn trigger(
    State(mifiel): State<Mifiel>,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Response, Refused> {
    let webhook = found(&mifiel, &id)?;
    let asked: Trigger = read(&bytes)?;
    let document = super::found(&mifiel, &asked.resource)?;
    let news = News {
        event: webhook.callback_type,
        signer: last_signer(webhook.callback_type, &document).cloned(),
        document,
    };
    if !asked.instant {
        mifiel.keep_trying(&news, &webhook.url);
        return Ok((StatusCode::ACCEPTED, Json(json!({ "status": "success" }))).into_response());
    }
    let (body, answer) = mifiel.try_once(&news, &webhook.url).await;
    let request = json!({ "url": webhook.url, "body": body });
    let told = match answer {
        Ok(answer) => {
            let status = answer.status();
            let good = if status.is_success() { "success" } else { "fail" };
            let response = response(answer).await;
            json!({ "status": good, "errors": [], "request": request, "response": response })
        }
        Err(error) => {
            json!({ "status": "fail", "errors": [format!("{error:#}")], "request": request, "response": null })
        }
    };
    Ok(Json(told).into_response())
}

/// Our own answer, which the account's owner gets to see.
async fn response(answer: reqwest::Response) -> Value {
    let headers = answer.headers().iter();
    let headers: Map<String, Value> = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let status = answer.status().as_u16();
    let body = answer.text().await.unwrap_or_default();
    json!({ "status_code": status, "headers": headers, "body": body })
}

//! How people, and tests of another process, tell the simulator what happens: JSON below `/_sim/`.
//!
//! - `POST /_sim/documents`, a draft: a document is made, and nobody is told.
//! - `POST /_sim/events` `{"kind": "document_closed", "about": "…", "signer": "ingrid@example.com", "reason": "…",
//!   "draft": {…}, "times": 1, "deliver": {"shape": "customer", "token": "wrong", "signature": "right", "lose": false,
//!   "duplicate": true, "delay_ms": 100}}`: it happens, and is delivered. `about` names the document; without it, it is
//!   the last one that fits, or a new one.
//! - `POST /_sim/webhooks` `{"event": "signer_rejected", "about": "…", "deliver": {…}}`: told, whether it happened or not.
//! - `POST /_sim/expire` `{"document": "…"}`.
//! - `PUT /_sim/habits` `{"deliver": {…}, "callbacks": false, "grow_pdfs": 1000000, "clock_off_seconds": 1200}`: what
//!   stands is changed, the rest stays.
//! - `POST /_sim/faults` `{"fault": "rate_limited", "times": 3, "path": "/api/v1/documents", "retry_after": 2}`.
//!   `DELETE /_sim/faults` ends them all.
//! - `GET /_sim/state`: documents with the pages of their signers, subscriptions, webhooks sent, faults to come, what was
//!   asked.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::Plan;
use super::state::Document;
use super::{Delivery, Draft, Event, Mifiel, render};
use crate::dev::simulator::control::{Wrong, once};

pub(super) fn router(mifiel: &Mifiel) -> Router {
    Router::new()
        .route("/_sim/documents", post(documents))
        .route("/_sim/events", post(events))
        .route("/_sim/webhooks", post(webhooks))
        .route("/_sim/expire", post(expire))
        .route("/_sim/habits", put(habits))
        .route("/_sim/faults", post(fail).delete(heal))
        .route("/_sim/state", get(state))
        .with_state(mifiel.clone())
}

async fn documents(State(mifiel): State<Mifiel>, Json(draft): Json<Draft>) -> Json<Value> {
    let document = mifiel.create(draft);
    Json(mifiel.told(&document))
}

/// What shall happen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Happening {
    kind: Event,
    #[serde(default)]
    draft: Draft,
    about: Option<String>,
    signer: Option<String>,
    #[serde(default = "no_reason")]
    reason: String,
    #[serde(default = "once")]
    times: u32,
    #[serde(default)]
    deliver: Delivery,
}

fn no_reason() -> String {
    "El documento tiene un error".to_owned()
}

async fn events(State(mifiel): State<Mifiel>, Json(happening): Json<Happening>) -> Result<Response, Wrong> {
    let mut told = Vec::new();
    for _ in 0..happening.times {
        let about = happening.about.as_deref();
        let document = mifiel.subject(about, happening.draft.clone())?;
        mifiel.happen(
            happening.kind,
            &document,
            happening.signer.as_deref(),
            &happening.reason,
        )?;
        let answers = mifiel
            .deliver(happening.kind, &document.id, happening.deliver)
            .await?;
        told.push(json!({ "event": happening.kind, "about": document.id, "answers": answers }));
    }
    Ok(Json(told).into_response())
}

impl Mifiel {
    /// The document named, or the last that waits for a signature, or a new one of this draft.
    pub fn subject(&self, about: Option<&str>, draft: Draft) -> anyhow::Result<Document> {
        if let Some(id) = about {
            return self
                .document(id)
                .ok_or_else(|| anyhow::anyhow!("there is no document {id}"));
        }
        let now = self.now();
        let waits = |document: &&Document| {
            document.signed_at().is_none() && document.deleted_at.is_none() && !document.has_expired(now)
        };
        let last = self.documents().iter().rfind(waits).cloned();
        Ok(last.unwrap_or_else(|| self.create(draft)))
    }

    /// Lets it happen to a document, by the signer named or the first who has not signed.
    pub fn happen(
        &self,
        event: Event,
        document: &Document,
        signer: Option<&str>,
        reason: &str,
    ) -> anyhow::Result<()> {
        let next = document.signers.iter().find(|signer| signer.signed_at.is_none());
        let signer = signer
            .or(next.map(|signer| signer.id.as_str()))
            .unwrap_or_default();
        match event {
            Event::DocumentClosed => self.sign_all(&document.id).map(drop),
            Event::SignerCompleted => self.sign(&document.id, signer).map(drop),
            Event::SignerRejected => self.reject(&document.id, signer, reason).map(drop),
            Event::DocumentDeleted => self.delete(&document.id),
        }
    }

    /// A document as the API tells it, with what only the simulator knows.
    fn told(&self, document: &Document) -> Value {
        let pages = document.signers.iter().map(|signer| {
            let rejected = signer.rejected.as_ref().map(|(_, reason)| reason);
            json!({ "email": signer.party.email, "page": self.signing_url(signer), "rejected": rejected })
        });
        let mut json = self.document_json(document);
        if let Some(fields) = json.as_object_mut() {
            fields.insert("sim_signers".to_owned(), pages.collect());
            fields.insert("sim_deleted".to_owned(), document.deleted_at.is_some().into());
        }
        json
    }
}

/// What is told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct News {
    event: Event,
    about: String,
    #[serde(default)]
    deliver: Delivery,
}

async fn webhooks(State(mifiel): State<Mifiel>, Json(news): Json<News>) -> Result<Response, Wrong> {
    let answers = mifiel.deliver(news.event, &news.about, news.deliver).await?;
    Ok(Json(answers).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    document: String,
}

async fn expire(State(mifiel): State<Mifiel>, Json(named): Json<Named>) -> Result<StatusCode, Wrong> {
    mifiel.expire(&named.document)?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the account is set up from now on.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Changed {
    deliver: Option<Delivery>,
    callbacks: Option<bool>,
    grow_pdfs: Option<usize>,
    clock_off_seconds: Option<i64>,
}

async fn habits(State(mifiel): State<Mifiel>, Json(changed): Json<Changed>) -> StatusCode {
    if let Some(by) = changed.grow_pdfs {
        mifiel.grow_pdfs(by);
    }
    let mut habits = mifiel.habits();
    habits.delivery = changed.deliver.unwrap_or(habits.delivery);
    habits.callbacks = changed.callbacks.unwrap_or(habits.callbacks);
    let off = changed.clock_off_seconds.and_then(TimeDelta::try_seconds);
    habits.clock_off = off.unwrap_or(habits.clock_off);
    StatusCode::NO_CONTENT
}

async fn fail(State(mifiel): State<Mifiel>, Json(plan): Json<Plan>) -> StatusCode {
    mifiel.plan(plan);
    StatusCode::NO_CONTENT
}

async fn heal(State(mifiel): State<Mifiel>) -> StatusCode {
    mifiel.heal();
    StatusCode::NO_CONTENT
}

async fn state(State(mifiel): State<Mifiel>) -> Json<Value> {
    let documents = mifiel.documents();
    let documents: Vec<Value> = documents.iter().map(|document| mifiel.told(document)).collect();
    let faults = mifiel.0.faults.left();
    let state = mifiel.state();
    let webhooks: Vec<Value> = state.webhooks.iter().map(render::webhook).collect();
    Json(json!({
        "documents": documents,
        "webhooks": webhooks,
        "sent": state.sent,
        "faults": faults,
        "asked": state.asked,
    }))
}

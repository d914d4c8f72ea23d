//! How people, and tests of another process, tell the simulator what happens: JSON below `/_sim/`.
//!
//! - `POST /_sim/events` `{"kind": "cfdi.created", "order": {"metadata": {"service_id": "…"}, "payment_intent": "pi_…"},
//!   "about": "invoice_…", "times": 1, "deliver": {"shape": "flat", "names": "vendor", "scheme": "gigstack_signature",
//!   "duplicate": true, "delay_ms": 100, "bad_signature": false, "lose": false}}`: it happens, and is delivered. `about`
//!   names the invoice or receipt; without it, it is the last one that fits, or a new one.
//! - `POST /_sim/invoices`, an order: stamped, and nobody is told. `POST /_sim/receipts`, the same for a receipt.
//! - `POST /_sim/webhooks` `{"event": "invoice.cancelled", "about": "…", "deliver": {…}}`: told, whether it happened or not.
//! - `POST /_sim/cancel` `{"invoice": "…", "motive": "02"}`, `POST /_sim/receiver` `{"invoice": "…", "agrees": true}`.
//! - `PUT /_sim/habits` `{"deliver": {…}, "files": "base64", "tell_client": false, "tell_receipts": true,
//!   "ask_receiver": true, "grow_pdfs": 1000000}`: what stands is changed, the rest stays.
//! - `POST /_sim/faults` `{"fault": "rate_limited", "times": 3, "path": "/v1/invoices", "retry_after": 2}`.
//!   `DELETE /_sim/faults` ends them all.
//! - `GET /_sim/state`: receipts, invoices, webhooks sent, faults to come, what was asked, tokens that leaked.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::Plan;
use super::{Delivery, Event, FilesAs, Gigstack, Order, Receiver};
use crate::dev::simulator::control::{Wrong, once};

pub(super) fn router(gigstack: &Gigstack) -> Router {
    Router::new()
        .route("/_sim/events", post(events))
        .route("/_sim/invoices", post(invoices))
        .route("/_sim/receipts", post(receipts))
        .route("/_sim/webhooks", post(webhooks))
        .route("/_sim/cancel", post(cancel))
        .route("/_sim/receiver", post(receiver))
        .route("/_sim/habits", put(habits))
        .route("/_sim/faults", post(fail).delete(heal))
        .route("/_sim/state", get(state))
        .with_state(gigstack.clone())
}

/// What shall happen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Happening {
    kind: Event,
    #[serde(default)]
    order: Order,
    about: Option<String>,
    #[serde(default = "once")]
    times: u32,
    #[serde(default)]
    deliver: Delivery,
}

async fn events(
    State(gigstack): State<Gigstack>,
    Json(happening): Json<Happening>,
) -> Result<Response, Wrong> {
    let mut told = Vec::new();
    for _ in 0..happening.times {
        let about = happening.about.as_deref();
        let subject = gigstack.happen(happening.kind, about, happening.order.clone())?;
        let id = gigstack.state().new_id("evt");
        let answers = gigstack
            .deliver_named(&id, happening.kind, &subject, happening.deliver)
            .await?;
        told.push(json!({ "id": id, "event": happening.kind, "about": subject, "answers": answers }));
    }
    Ok(Json(told).into_response())
}

impl Gigstack {
    /// Lets it happen, about what is named, or the last thing that fits, or a new one; about what it was.
    pub fn happen(&self, event: Event, about: Option<&str>, order: Order) -> anyhow::Result<String> {
        match event {
            Event::InvoiceCreated | Event::CfdiCreated => Ok(match about {
                Some(id) => id.to_owned(),
                None => self.stamp(order).id,
            }),
            Event::SelfInvoiceCompleted => {
                let receipts = self.receipts();
                let open = receipts.iter().rfind(|receipt| receipt.status == "open");
                let receipt = match (about, open) {
                    (Some(id), _) => id.to_owned(),
                    (None, Some(open)) => open.id.clone(),
                    (None, None) => self.receipt(order.clone()).id,
                };
                let receiver = order.receiver.unwrap_or_else(Receiver::sample);
                self.complete(&receipt, receiver)?;
                Ok(receipt)
            }
            Event::InvoiceCancelled => {
                let invoices = self.invoices();
                let last = invoices.iter().rfind(|invoice| invoice.status == "stamped");
                let invoice = match (about, last) {
                    (Some(id), _) => id.to_owned(),
                    (None, Some(last)) => last.id.clone(),
                    (None, None) => self.stamp(order).id,
                };
                self.cancel(&invoice, "02")?;
                Ok(invoice)
            }
        }
    }
}

async fn invoices(State(gigstack): State<Gigstack>, Json(order): Json<Order>) -> Json<Value> {
    let invoice = gigstack.stamp(order);
    Json(gigstack.invoice_json(&invoice))
}

async fn receipts(State(gigstack): State<Gigstack>, Json(order): Json<Order>) -> Json<Value> {
    let receipt = gigstack.receipt(order);
    Json(gigstack.receipt_json(&gigstack.state(), &receipt))
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

async fn webhooks(State(gigstack): State<Gigstack>, Json(news): Json<News>) -> Result<Response, Wrong> {
    let answers = gigstack.deliver(news.event, &news.about, news.deliver).await?;
    Ok(Json(answers).into_response())
}

/// What is to be cancelled, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    invoice: String,
    #[serde(default = "without_relation")]
    motive: String,
}

fn without_relation() -> String {
    "02".to_owned()
}

async fn cancel(State(gigstack): State<Gigstack>, Json(cancel): Json<Cancel>) -> Result<Response, Wrong> {
    let cancelled = gigstack.cancel(&cancel.invoice, &cancel.motive)?;
    Ok(Json(json!({ "cancelled": cancelled })).into_response())
}

/// What the receiver says to a cancellation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    invoice: String,
    agrees: bool,
}

async fn receiver(
    State(gigstack): State<Gigstack>,
    Json(answered): Json<Answered>,
) -> Result<StatusCode, Wrong> {
    gigstack.receiver_answers(&answered.invoice, answered.agrees)?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the team is set up from now on.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Changed {
    deliver: Option<Delivery>,
    files: Option<FilesAs>,
    tell_client: Option<bool>,
    tell_receipts: Option<bool>,
    ask_receiver: Option<bool>,
    grow_pdfs: Option<usize>,
}

async fn habits(State(gigstack): State<Gigstack>, Json(changed): Json<Changed>) -> StatusCode {
    if let Some(by) = changed.grow_pdfs {
        gigstack.grow_pdfs(by);
    }
    let mut habits = gigstack.habits();
    habits.delivery = changed.deliver.unwrap_or(habits.delivery);
    habits.files = changed.files.unwrap_or(habits.files);
    habits.tell_client = changed.tell_client.unwrap_or(habits.tell_client);
    habits.tell_receipts = changed.tell_receipts.unwrap_or(habits.tell_receipts);
    habits.ask_receiver = changed.ask_receiver.unwrap_or(habits.ask_receiver);
    StatusCode::NO_CONTENT
}

async fn fail(State(gigstack): State<Gigstack>, Json(plan): Json<Plan>) -> StatusCode {
    gigstack.plan(plan);
    StatusCode::NO_CONTENT
}

async fn heal(State(gigstack): State<Gigstack>) -> StatusCode {
    gigstack.heal();
    StatusCode::NO_CONTENT
}

async fn state(State(gigstack): State<Gigstack>) -> Json<Value> {
    let faults = gigstack.0.faults.left();
    let state = gigstack.state();
    let receipts = state.receipts.iter();
    let receipts: Vec<Value> = receipts
        .map(|receipt| gigstack.receipt_json(&state, receipt))
        .collect();
    let invoices: Vec<Value> = state
        .invoices
        .iter()
        .map(|invoice| gigstack.invoice_json(invoice))
        .collect();
    Json(json!({
        "receipts": receipts,
        "invoices": invoices,
        "sent": state.sent,
        "faults": faults,
        "asked": state.asked,
        "leaked_tokens": state.leaked_tokens,
    }))
}

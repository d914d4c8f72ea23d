//! How people, and tests of another process, tell the simulator what happens: JSON below `/_sim/`.
//!
//! - `POST /_sim/events` `{"kind": "payment_intent.succeeded", "sample": {"service_id": "…"}, "set": {"amount": 99900},
//!   "times": 1, "api_version": "old", "deliver": {"duplicate": true, "delay_ms": 100, "bad_signature": false,
//!   "lose": false}}`; or `"event": {…}`, a whole event, instead of kind and sample. A forged one has not happened.
//! - `PUT /_sim/objects`, an object as it is now, without an event.
//! - `POST /_sim/faults` `{"fault": "rate_limited", "times": 3, "path": "/v1/events"}`; `server_error`, `hang`, `html`,
//!   `bad_gateway`, `forbidden`. `DELETE /_sim/faults` ends them all.
//! - `PUT /_sim/version` `"old"` or `"newest"`: how `GET /v1/events` renders.
//! - `POST /_sim/storm` `{"seed": 7, "events": 500, "duplicates_percent": 20, "bad_signature_percent": 2,
//!   "lose_percent": 1, "old_version_percent": 0, "reorder": true, "rate": 200}`: answered when it is over.
//! - `GET /_sim/state`: objects, events, faults to come, and what was asked.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::faults::Plan;
use super::storm::{Storm, Told};
use super::{Delivery, Simulator, Version};
use crate::dev::simulator::control::{Wrong, once};
use crate::dev::stripe::{self, Sample};

pub(super) fn router(simulator: &Simulator) -> Router {
    Router::new()
        .route("/_sim/events", post(events))
        .route("/_sim/objects", put(objects))
        .route("/_sim/faults", post(fail).delete(heal))
        .route("/_sim/version", put(version))
        .route("/_sim/storm", post(storm))
        .route("/_sim/state", get(state))
        .with_state(simulator.clone())
}

/// What shall happen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Happening {
    kind: Option<String>,
    #[serde(default)]
    sample: Sample,
    event: Option<Value>,
    #[serde(default)]
    set: Map<String, Value>,
    at: Option<DateTime<Utc>>,
    #[serde(default = "once")]
    times: u32,
    #[serde(default)]
    api_version: Version,
    #[serde(default)]
    deliver: Delivery,
}

impl Happening {
    /// A new one each time; with `event`, the one given.
    fn event(&self, now: DateTime<Utc>) -> anyhow::Result<Value> {
        let made = match (&self.event, &self.kind) {
            (Some(event), None) => Some(event.clone()),
            (None, Some(kind)) => stripe::event(kind, &self.sample, self.at.unwrap_or(now)),
            _ => anyhow::bail!("give either `kind` or `event`"),
        };
        let Some(mut event) = made else {
            anyhow::bail!("there is no such kind of event; `onlycar trigger --list` names all");
        };
        for (path, value) in &self.set {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            stripe::set_path(&mut event, path, &text)?;
        }
        Ok(event)
    }
}

async fn events(
    State(simulator): State<Simulator>,
    Json(happening): Json<Happening>,
) -> Result<Response, Wrong> {
    let mut told = Vec::new();
    for _ in 0..happening.times {
        let event = happening.event(simulator.0.clock.now())?;
        let delivery = Delivery {
            old_version: happening.deliver.old_version || happening.api_version == Version::Old,
            ..happening.deliver
        };
        if !delivery.bad_signature {
            simulator.happened(&event);
        }
        let answers = simulator.deliver(&event, delivery).await?;
        told.push(json!({ "event": event, "answers": answers }));
    }
    Ok((StatusCode::OK, Json(told)).into_response())
}

async fn objects(State(simulator): State<Simulator>, Json(object): Json<Value>) -> StatusCode {
    simulator.put(object);
    StatusCode::NO_CONTENT
}

async fn fail(State(simulator): State<Simulator>, Json(plan): Json<Plan>) -> StatusCode {
    simulator.0.faults.add(plan);
    StatusCode::NO_CONTENT
}

async fn heal(State(simulator): State<Simulator>) -> StatusCode {
    simulator.heal();
    StatusCode::NO_CONTENT
}

async fn version(State(simulator): State<Simulator>, Json(version): Json<Version>) -> StatusCode {
    simulator.list_in(version);
    StatusCode::NO_CONTENT
}

async fn storm(State(simulator): State<Simulator>, Json(storm): Json<Storm>) -> Json<Told> {
    Json(simulator.storm(&storm).await)
}

async fn state(State(simulator): State<Simulator>) -> Json<Value> {
    let faults = simulator.0.faults.left();
    let state = simulator.state();
    Json(json!({
        "objects": state.all_objects(),
        "events": state.events(),
        "faults": faults,
        "asked": state.asked,
        "version": state.version,
    }))
}

//! How people, and tests of another process, tell the simulator what happens: JSON below `/_sim/`.
//!
//! - `POST /_sim/faults` `{"fault": "rate_limited", "times": 3, "path": "/client/v4/accounts", "retry_after": 2}`.
//!   `DELETE /_sim/faults` ends them all.
//! - `GET /_sim/state`: what D1 and KV hold, faults to come, and what was asked last.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Cloudflare;
use super::faults::Plan;

/// How many of the last questions are shown.
const SHOWN: usize = 100;

pub(super) fn router(cloudflare: &Cloudflare) -> Router {
    Router::new()
        .route("/_sim/faults", post(fail).delete(heal))
        .route("/_sim/state", get(state))
        .with_state(cloudflare.clone())
}

async fn fail(State(cloudflare): State<Cloudflare>, Json(plan): Json<Plan>) -> StatusCode {
    cloudflare.plan(plan);
    StatusCode::NO_CONTENT
}

async fn heal(State(cloudflare): State<Cloudflare>) -> StatusCode {
    cloudflare.heal();
    StatusCode::NO_CONTENT
}

async fn state(State(cloudflare): State<Cloudflare>) -> Json<Value> {
    let asked = cloudflare.asked();
    let lines = asked.iter().map(|asked| &asked.line);
    let last: Vec<&String> = lines.skip(asked.len().saturating_sub(SHOWN)).collect();
    Json(json!({
        "d1": { "cache_metadata": cloudflare.rows("cache_metadata") },
        "kv": cloudflare.keys(),
        "faults": cloudflare.0.faults.left(),
        "asked": last,
    }))
}

//! A Stripe account on this machine: it keeps objects and events, answers the part of the API that we ask, and delivers
//! webhooks. Tests and people tell it what happens, in what order, how often, and what goes wrong.
//!
//! `state` is what it holds, `api` Stripe's HTTP API with `query` and `answers`, `faults` what a test can make go wrong
//! there, `delivery` the webhooks, `stories` and `storm` many of them, `control` all of it over HTTP.

mod answers;
mod api;
mod control;
mod delivery;
mod faults;
mod query;
mod state;
mod stories;
mod storm;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;

pub use delivery::Delivery;
pub use faults::Fault;
pub use state::Version;
pub use stories::stories;
pub use storm::{Storm, Told};

use crate::dev::simulator::faults::Faults;
use crate::ground::clock::Clock;
use crate::tools::outbound;
use delivery::Endpoint;
use faults::Plan;
use state::State;

/// A handle on the simulated account; clones share it.
#[derive(Clone)]
pub struct Simulator(Arc<Shared>);

struct Shared {
    key: String,
    clock: Clock,
    client: reqwest::Client,
    state: Mutex<State>,
    endpoint: Mutex<Option<Endpoint>>,
    faults: Faults<Fault>,
}

impl Simulator {
    /// An empty account that answers to this secret key. The clock tells it when webhooks are signed.
    pub fn new(key: &str, clock: Clock) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Shared {
            key: key.to_owned(),
            clock,
            client: outbound::client()?,
            state: Mutex::default(),
            endpoint: Mutex::default(),
            faults: Faults::default(),
        })))
    }

    /// Answers on `listener` until `stop` resolves.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        axum::serve(listener, self.router())
            .with_graceful_shutdown(stop)
            .await
            .context("the simulator of Stripe stopped serving")
    }

    fn router(&self) -> Router {
        control::router(self).fallback_service(api::router(self))
    }

    /// Registers the webhook: where [`Simulator::deliver`] sends events, and what it signs them with.
    pub fn send_to(&self, url: &str, secret: &str) {
        let endpoint = Endpoint {
            url: url.to_owned(),
            secret: secret.to_owned(),
        };
        self.put(endpoint.object(self.0.clock.now().timestamp()));
        *self.0.endpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(endpoint);
    }

    fn endpoint(&self) -> Option<Endpoint> {
        self.0
            .endpoint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Something happened: notes the event, and its object as the current one. Nothing is delivered. Give it events in
    /// the newest shape, in the order in which they happen; [`Simulator::list_in`] and [`Delivery`] render older ones.
    pub fn happened(&self, event: &Value) {
        self.state().happened(event);
    }

    /// An object is so now, and no event tells of it.
    pub fn put(&self, object: Value) {
        self.state().put(object);
    }

    /// An object as it is now.
    pub fn object(&self, id: &str) -> Option<Value> {
        self.state().object(id).cloned()
    }

    /// The version in which `GET /v1/events` renders.
    pub fn list_in(&self, version: Version) {
        self.state().version = version;
    }

    /// Makes the next `times` questions meet `fault`, after the faults already planned.
    pub fn fail(&self, fault: Fault, times: usize) {
        self.0.faults.add(Plan::new(fault, times));
    }

    /// The same for questions whose path begins so, as in `/v1/events`.
    pub fn fail_at(&self, path: &str, fault: Fault, times: usize) {
        self.0.faults.add(Plan::at(path, fault, times));
    }

    /// Ends every fault.
    pub fn heal(&self) {
        self.0.faults.heal();
    }

    /// What was asked so far, as paths with their query, in order.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

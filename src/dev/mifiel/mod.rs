//! A Mifiel account on this machine: it takes documents, shows the page where each signer signs, hands out the signed PDF
//! and XML, answers the API, and delivers webhooks. Tests and people tell it what happens and what goes wrong.
//!
//! `draft` is what is to be signed, `state` what there is, `happenings` what happens to it, `render` how it is told,
//! `files` the PDF and XML, `api` with `auth`, `multipart` and `answers` the HTTP API, `page` the signers' page, `envelope`
//! and `delivery` the webhooks, `faults` what goes wrong, `control` all of it over HTTP.

mod account;
mod answers;
mod api;
mod auth;
mod control;
mod delivery;
mod draft;
mod envelope;
mod faults;
mod files;
mod happenings;
mod multipart;
mod page;
mod render;
mod state;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

pub use account::Account;
pub use delivery::{Delivery, Sent, Signature, Token};
pub use draft::{Draft, Party};
pub use envelope::{Event, Shape};
pub use faults::{Fault, Plan};
pub use state::{Document, Signer, Webhook};

use crate::dev::simulator::faults::Faults;
use crate::ground::clock::Clock;
use crate::tools::outbound;
use delivery::Endpoint;
use state::State;

/// A handle on the simulated account; clones share it.
#[derive(Clone)]
pub struct Mifiel(Arc<Shared>);

struct Shared {
    account: Account,
    clock: Clock,
    client: reqwest::Client,
    state: Mutex<State>,
    habits: Mutex<Habits>,
    faults: Faults<Fault>,
    /// Webhooks under way.
    deliveries: TaskTracker,
}

/// How the account is set up.
#[derive(Clone)]
struct Habits {
    /// `http://host:port` of the simulator itself, once it is served.
    address: String,
    endpoint: Option<Endpoint>,
    delivery: Delivery,
    /// Whether a document's own addresses are told, besides the account's subscriptions. Nobody documents whether both are.
    callbacks: bool,
    /// How far Mifiel's clock is ahead of ours.
    clock_off: TimeDelta,
}

impl Mifiel {
    /// An account without documents. The clock dates them and judges the dates of questions.
    pub fn new(account: Account, clock: Clock) -> anyhow::Result<Self> {
        let deliveries = TaskTracker::new();
        // Closed, it can be waited for; it takes work all the same.
        deliveries.close();
        Ok(Self(Arc::new(Shared {
            state: Mutex::new(State::new(account.seed)),
            account,
            clock,
            client: outbound::client()?,
            habits: Mutex::new(Habits {
                address: String::new(),
                endpoint: None,
                delivery: Delivery::default(),
                callbacks: true,
                clock_off: TimeDelta::zero(),
            }),
            faults: Faults::default(),
            deliveries,
        })))
    }

    /// Answers on `listener` until `stop` resolves. Its addresses are right as soon as this is called.
    pub fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = anyhow::Result<()>> + Send {
        if let Ok(address) = listener.local_addr() {
            self.habits().address = format!("http://{address}");
        }
        async move {
            axum::serve(listener, self.router())
                .with_graceful_shutdown(stop)
                .await
                .context("the simulator of Mifiel stopped serving")
        }
    }

    fn router(&self) -> Router {
        control::router(self)
            .merge(page::router(self))
            .fallback_service(api::router(self))
    }

    /// Subscribes `url`, with its token, to everything the account tells, as a person does in Mifiel's panel; the
    /// subscriptions there were end. `secret` makes `X-Mifiel-Signature`, for deliveries that shall bear it.
    pub fn send_to(&self, url: &str, secret: &str) {
        let now = self.now();
        self.habits().endpoint = Some(Endpoint {
            url: url.to_owned(),
            secret: secret.to_owned(),
        });
        let mut state = self.state();
        state.webhooks.clear();
        for (event, _) in Event::ALL {
            state.subscribe(url, event, now);
        }
    }

    /// How webhooks go that follow by themselves, from the page or an API call.
    pub fn deliver_as(&self, delivery: Delivery) {
        self.habits().delivery = delivery;
    }

    /// Whether a document's `callback_url` and `sign_callback_url` are told, besides the subscriptions.
    pub fn tell_callbacks(&self, tell: bool) {
        self.habits().callbacks = tell;
    }

    /// Sets Mifiel's clock so far ahead of ours, or behind.
    pub fn set_clock_off(&self, by: TimeDelta) {
        self.habits().clock_off = by;
    }

    /// Makes the next `times` questions meet `fault`, after the faults already planned.
    pub fn fail(&self, fault: Fault, times: usize) {
        self.plan(Plan::new(fault, times));
    }

    /// The same for questions whose path begins so, as in `/api/v1/documents`.
    pub fn fail_at(&self, path: &str, fault: Fault, times: usize) {
        self.plan(Plan::at(path, fault, times));
    }

    /// The same in every detail.
    pub fn plan(&self, plan: Plan) {
        self.0.faults.add(plan);
    }

    /// Ends every fault.
    pub fn heal(&self) {
        self.0.faults.heal();
    }

    /// What the API was asked so far, as in `GET /api/v1/documents/…`, in order.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// The subscriptions of the account.
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.state().webhooks.clone()
    }

    /// `http://host:port` where it answers.
    pub fn url(&self) -> String {
        self.habits().address.clone()
    }

    /// Mifiel's time.
    fn now(&self) -> DateTime<Utc> {
        self.0.clock.now() + self.habits().clock_off
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn habits(&self) -> MutexGuard<'_, Habits> {
        self.0.habits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! A Gigstack team on this machine: it stamps invoices, keeps their files, shows the page where customers make their own
//! invoice, answers both dialects of the API, and delivers webhooks. Tests and people tell it what happens and what goes
//! wrong.
//!
//! `order` is what is to be invoiced, `state` what there is, `render` how it is told, `documents` the files,
//! `api` with `answers` the HTTP API, `portal` the page, `envelope` and `delivery` the webhooks, `faults` what goes wrong,
//! `control` all of it over HTTP.

mod account;
mod answers;
mod api;
mod control;
mod delivery;
mod documents;
mod envelope;
mod faults;
mod happenings;
mod order;
mod portal;
mod render;
mod state;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

pub use account::{Account, key};
pub use delivery::{Delivery, Sent};
pub use documents::FilesAs;
pub use envelope::{Event, Names, Scheme, Shape};
pub use faults::{Fault, Plan};
pub use order::{Item, Order, Period, Receiver};
pub use state::{Invoice, Receipt};

use crate::dev::simulator::faults::Faults;
use crate::ground::clock::Clock;
use crate::tools::outbound;
use delivery::Endpoint;
use state::State;

/// A handle on the simulated team; clones share it.
#[derive(Clone)]
pub struct Gigstack(Arc<Shared>);

struct Shared {
    account: Account,
    livemode: bool,
    clock: Clock,
    client: reqwest::Client,
    state: Mutex<State>,
    habits: Mutex<Habits>,
    faults: Faults<Fault>,
    /// Webhooks under way.
    deliveries: TaskTracker,
}

/// How the team is set up.
#[derive(Clone)]
struct Habits {
    /// `http://host:port` of the simulator itself, once it is served.
    address: String,
    endpoint: Option<Endpoint>,
    delivery: Delivery,
    files: FilesAs,
    /// Whether answers and webhooks name the invoice's receiver, as the vendor's do.
    tell_client: bool,
    /// Whether a receipt, too, is told by `invoice.created`: one way to read the customer's document.
    tell_receipts: bool,
    /// Whether a cancellation waits for the receiver.
    ask_receiver: bool,
}

impl Gigstack {
    /// A team without invoices. The clock dates them and signs webhooks.
    pub fn new(account: Account, clock: Clock) -> anyhow::Result<Self> {
        let deliveries = TaskTracker::new();
        // Closed, it can be waited for; it takes work all the same.
        deliveries.close();
        Ok(Self(Arc::new(Shared {
            livemode: account.livemode(),
            state: Mutex::new(State::new(account.seed)),
            account,
            clock,
            client: outbound::client()?,
            habits: Mutex::new(Habits {
                address: String::new(),
                endpoint: None,
                delivery: Delivery::default(),
                files: FilesAs::Urls,
                tell_client: true,
                tell_receipts: false,
                ask_receiver: false,
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
                .context("the simulator of Gigstack stopped serving")
        }
    }

    fn router(&self) -> Router {
        control::router(self)
            .merge(portal::router(self))
            .merge(documents::router(self))
            .fallback_service(api::router(self))
    }

    /// Registers the four webhooks of the program at `url` (`https://onlycar.mx`), and what signs them.
    pub fn send_to(&self, url: &str, secret: &str) {
        self.habits().endpoint = Some(Endpoint {
            url: url.trim_end_matches('/').to_owned(),
            secret: secret.to_owned(),
        });
    }

    /// How webhooks go that follow by themselves, from the portal or an API call.
    pub fn deliver_as(&self, delivery: Delivery) {
        self.habits().delivery = delivery;
    }

    /// How v2 hands out the files of an invoice.
    pub fn files_as(&self, files: FilesAs) {
        self.habits().files = files;
    }

    /// Whether answers and webhooks name the receiver of an invoice. The vendor's do.
    pub fn tell_client(&self, tell: bool) {
        self.habits().tell_client = tell;
    }

    /// Whether a new receipt is told by `invoice.created`, before there is an invoice.
    pub fn tell_receipts(&self, tell: bool) {
        self.habits().tell_receipts = tell;
    }

    /// Whether a cancellation waits until [`Gigstack::receiver_answers`].
    pub fn ask_receiver(&self, ask: bool) {
        self.habits().ask_receiver = ask;
    }

    /// Makes the next `times` questions meet `fault`, after the faults already planned.
    pub fn fail(&self, fault: Fault, times: usize) {
        self.plan(Plan::new(fault, times));
    }

    /// The same for questions whose path begins so, as in `/v1/invoices/public`.
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

    /// What the API and the files were asked so far, as in `GET /v1/invoices/…`, in order.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// How often a bearer token came with a question for a file on another host than the API's.
    pub fn leaked_tokens(&self) -> usize {
        self.state().leaked_tokens
    }

    /// `http://host:port` where it answers.
    pub fn url(&self) -> String {
        self.habits().address.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn habits(&self) -> MutexGuard<'_, Habits> {
        self.0.habits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

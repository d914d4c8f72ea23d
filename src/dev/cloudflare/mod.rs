//! A Cloudflare account on this machine, with one D1 database and one KV namespace, as far as their REST API goes: it checks
//! who asks, keeps what it is told, enforces the documented limits, and fails on demand.
//!
//! `api` answers over HTTP with `answers`, `d1` is a real SQLite, `kv` keeps keys for their time, `limits` counts, `faults`
//! is what goes wrong, `control` all of it over HTTP.

mod answers;
mod api;
mod control;
mod d1;
mod faults;
mod kv;
mod limits;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::Router;
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;

pub use faults::{Fault, Plan};
pub use kv::Entry;

use crate::dev::simulator::faults::Faults;
use crate::ground::clock::Clock;
use d1::Database;
use kv::Namespace;
use limits::Window;

/// Whose it is: what the program has to name and to know.
#[derive(Debug, Clone)]
pub struct Account {
    /// `CLOUDFLARE_ACCOUNT_ID`
    pub id: String,
    /// `CLOUDFLARE_API_TOKEN`
    pub token: String,
    /// `D1_DATABASE_ID`
    pub database: String,
    /// `KV_NAMESPACE_ID`
    pub namespace: String,
}

/// A question as it came.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// As in `POST /client/v4/…`.
    pub line: String,
    /// What was sent with it.
    pub body: String,
}

/// A handle on the simulated account; clones share it.
#[derive(Clone)]
pub struct Cloudflare(Arc<Shared>);

struct Shared {
    account: Account,
    clock: Clock,
    faults: Faults<Fault>,
    state: Mutex<State>,
}

/// Nothing is forgotten but what KV lets go: it lives as long as a test or a `dev`.
struct State {
    /// `http://host:port`, once it is served.
    address: String,
    asked: Vec<Asked>,
    window: Window,
    d1: Database,
    kv: Namespace,
}

impl Cloudflare {
    /// An account that holds nothing. The clock says when a key's time is over.
    pub fn new(account: Account, clock: Clock) -> anyhow::Result<Self> {
        let state = State {
            address: String::new(),
            asked: Vec::new(),
            window: Window::default(),
            d1: Database::open()?,
            kv: Namespace::default(),
        };
        Ok(Self(Arc::new(Shared {
            account,
            clock,
            faults: Faults::default(),
            state: Mutex::new(state),
        })))
    }

    /// Answers on `listener` until `stop` resolves. Its address is right as soon as this is called.
    pub fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = anyhow::Result<()>> + Send {
        if let Ok(address) = listener.local_addr() {
            self.state().address = format!("http://{address}");
        }
        async move {
            axum::serve(listener, self.router())
                .with_graceful_shutdown(stop)
                .await
                .context("the simulator of Cloudflare stopped serving")
        }
    }

    fn router(&self) -> Router {
        control::router(self).fallback_service(api::router(self))
    }

    /// `http://host:port` where it answers.
    pub fn url(&self) -> String {
        self.state().address.clone()
    }

    /// The environment of a program whose Cloudflare it is.
    pub fn variables(&self) -> [(&'static str, String); 5] {
        let Account {
            id,
            token,
            database,
            namespace,
        } = self.0.account.clone();
        [
            ("CLOUDFLARE_API_BASE", format!("{}/client/v4", self.url())),
            ("CLOUDFLARE_ACCOUNT_ID", id),
            ("CLOUDFLARE_API_TOKEN", token),
            ("D1_DATABASE_ID", database),
            ("KV_NAMESPACE_ID", namespace),
        ]
    }

    /// What `cache_metadata` or another table of D1 holds, every column; nothing where there is no such table.
    pub fn rows(&self, table: &str) -> Vec<Value> {
        self.state().d1.rows(table)
    }

    /// What KV holds now, by key.
    pub fn keys(&self) -> Vec<Entry> {
        let now = self.0.clock.now();
        self.state().kv.entries(now)
    }

    /// What it was asked so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    /// Makes the next `times` questions meet `fault`, after the faults already planned.
    pub fn fail(&self, fault: Fault, times: usize) {
        self.plan(Plan::new(fault, times));
    }

    /// The same in every detail.
    pub fn plan(&self, plan: Plan) {
        self.0.faults.add(plan);
    }

    /// Ends every fault.
    pub fn heal(&self) {
        self.0.faults.heal();
    }

    /// Forgets everything that D1 holds, as if another database had been made.
    pub fn empty_d1(&self) -> anyhow::Result<()> {
        self.state().d1 = Database::open()?;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

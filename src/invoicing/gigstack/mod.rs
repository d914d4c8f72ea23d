//! Gigstack's dialect: what a delivery looks like from outside, its API, its objects. No SQL.

pub mod api;
mod envelope;
pub mod shapes;

use axum::body::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::documents::Wanted;
use crate::engine::Failure;
use crate::engine::source::{Envelope, Event, Refusal, Source};
use crate::engine::work::{Verdict, Work};
use crate::ground::config::{self, Mode};
use crate::ground::facts::Actor;
use crate::tools::authenticity::{Authenticity, Letter};
use envelope::{Hint, Outside};

/// One of the four addresses that Gigstack calls; each is named after one of the customer's events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// `invoice.created`
    InvoiceCreated,
    /// `cfdi.created`
    CfdiCreated,
    /// `self_invoice.completed`
    SelfInvoiceCompleted,
    /// `invoice.cancelled`
    InvoiceCancelled,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::InvoiceCreated,
        Self::CfdiCreated,
        Self::SelfInvoiceCompleted,
        Self::InvoiceCancelled,
    ];

    /// Its address.
    pub fn path(self) -> &'static str {
        match self {
            Self::InvoiceCreated => "/api/webhooks/gigstack/invoice-created",
            Self::CfdiCreated => "/api/webhooks/gigstack/cfdi-created",
            Self::SelfInvoiceCompleted => "/api/webhooks/gigstack/self-invoice-completed",
            Self::InvoiceCancelled => "/api/webhooks/gigstack/invoice-cancelled",
        }
    }

    /// The customer's name of what happened.
    fn event(self) -> &'static str {
        match self {
            Self::InvoiceCreated => "invoice.created",
            Self::CfdiCreated => "cfdi.created",
            Self::SelfInvoiceCompleted => "self_invoice.completed",
            Self::InvoiceCancelled => "invoice.cancelled",
        }
    }
}

/// The customer's events, the vendor's own (docs.gigstack.io), and other spellings that the vendor's material shows.
/// Whatever else is kept as `ignored`.
const HANDLED: [&str; 12] = [
    "invoice.created",
    "invoice.updated",
    "invoice.stamped",
    "invoice.failed",
    "invoice.cancelled",
    "invoice.canceled",
    "cfdi.created",
    "cfdi.cancelled",
    "self_invoice.completed",
    "self_invoice.created",
    "receipt.completed",
    "receipt.invoiced",
];
/// Those that say that a receipt has become an invoice.
const COMPLETED: [&str; 3] = ["self_invoice.completed", "receipt.completed", "receipt.invoiced"];

/// Gigstack as a source of webhooks, at one of its doors.
pub struct Gigstack {
    door: Door,
    authenticity: Authenticity,
    live: bool,
}

impl Gigstack {
    /// At `door`, with the secrets and schemes of the settings.
    pub fn new(door: Door, settings: &config::Gigstack, file: &config::GigstackFile) -> Self {
        Self {
            door,
            authenticity: Authenticity::new(&file.verification, &settings.webhook_secrets),
            live: settings.mode == Mode::Production,
        }
    }

    fn dispatch(&self, event: &Event, work: &mut Work) -> Result<(), Failure> {
        if !HANDLED.contains(&event.event_type.as_str()) {
            work.end(Verdict::Ignored(
                "nobody here acts on this kind of event".to_owned(),
            ));
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&event.payload)
            .map_err(|error| Failure::Park(format!("unknown shape: the JSON cannot be read: {error}")))?;
        if Outside::of(&body).livemode.is_some_and(|live| live != self.live) {
            let reason = "it is of the other mode (test or live) than GIGSTACK_ENV: nothing was changed";
            return Err(Failure::Park(reason.to_owned()));
        }
        let Hint { invoice, receipt } = Hint::of(&body);
        let completed = COMPLETED.contains(&event.event_type.as_str());
        match (invoice, receipt) {
            (Some(id), _) => {
                // The one thing that only the name of the event tells, and no more than a label.
                let by_stripe = event.event_type == Door::CfdiCreated.event();
                Wanted::Invoice { id, by_stripe }.ask(work)
            }
            (None, Some(id)) => Wanted::Receipt { id, completed }.ask(work),
            (None, None) => Err(Failure::Park(
                "unknown shape: it names no invoice (data.object.id, data.invoice_id, data.uuid) and no receipt".to_owned(),
            )),
        }
    }

    fn envelope(&self, body: &str) -> Result<Envelope, Refusal> {
        let refuse = |code, reason: &'static str| Refusal {
            code,
            reason: reason.into(),
        };
        let json: Value =
            serde_json::from_str(body).map_err(|_| refuse("not-json", "the body is not JSON"))?;
        if !json.is_object() {
            return Err(refuse(
                "not-an-event",
                "the body is not an event: it is no JSON object",
            ));
        }
        let outside = Outside::of(&json);
        let event_type = outside.name.unwrap_or_else(|| self.door.event().to_owned());
        let kept = serde_json::to_vec(&envelope::kept(&json)).unwrap_or_default();
        Ok(Envelope {
            // Without an id of the vendor's, the same bytes at the same door are the same event.
            event_id: outside.id.unwrap_or_else(|| self.digest(body)),
            handled: HANDLED.contains(&event_type.as_str()),
            event_type,
            api_version: None,
            occurred_at: outside.created,
            kept: Some(Bytes::from(kept)),
        })
    }

    fn digest(&self, body: &str) -> String {
        let digest = Sha256::new()
            .chain_update(self.door.path())
            .chain_update(body)
            .finalize();
        format!("sha256-{}", hex::encode(digest))
    }
}

impl Source for Gigstack {
    fn name(&self) -> &'static str {
        "gigstack"
    }

    fn actor(&self) -> Actor {
        Actor::Gigstack
    }

    fn verify(&self, letter: &Letter<'_>) -> Result<(), Refusal> {
        Ok(self.authenticity.check(letter)?)
    }

    fn open(&self, body: &str) -> Result<Envelope, Refusal> {
        self.envelope(body)
    }

    fn handle<'a>(&'a self, event: &'a Event, work: &'a mut Work) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move { self.dispatch(event, work) })
    }
}

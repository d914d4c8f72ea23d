//! What a provider of webhooks has to know about itself.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use super::Failure;
use super::work::Work;
use crate::ground::facts::Actor;
use crate::tools::authenticity::{Disbelief, Letter};

/// A provider: how its messages are recognised, read and handled.
pub trait Source: Send + Sync + 'static {
    /// The provider's name, as `webhooks.events.provider` keeps it.
    fn name(&self) -> &'static str;

    /// Who the audit log names as the cause of its effects.
    fn actor(&self) -> Actor;

    /// Judges the raw bytes, in constant time and without any I/O.
    fn verify(&self, letter: &Letter<'_>) -> Result<(), Refusal>;

    /// Reads the outside of a verified message, leniently: only what is not an event at all is refused.
    fn open(&self, body: &str) -> Result<Envelope, Refusal>;

    /// Writes what the event means. The transaction is open: no network here.
    fn handle<'a>(&'a self, event: &'a Event, work: &'a mut Work) -> BoxFuture<'a, Result<(), Failure>>;
}

/// Why a message is answered 400; nothing of it is kept.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// A stable word for metrics.
    pub code: &'static str,
    /// What the provider is told after `Webhook Error: `.
    pub reason: Cow<'static, str>,
}

impl From<Disbelief> for Refusal {
    fn from(disbelief: Disbelief) -> Self {
        Self {
            code: disbelief.code(),
            reason: disbelief.to_string().into(),
        }
    }
}

/// What is written on the outside of a message.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The provider's id of the event: the key against duplicates.
    pub event_id: String,
    /// The provider's name of what happened.
    pub event_type: String,
    /// The version of the provider's API that shaped the payload.
    pub api_version: Option<String>,
    /// When it happened, by the provider's clock.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Whether anybody here acts on it.
    pub handled: bool,
    /// What the inbox keeps in place of the body, where that holds what must not be kept. Its hash stays the body's.
    pub kept: Option<Bytes>,
}

/// A message that may go into the inbox, and how it is trusted: made of [`Verified`] or [`Fetched`] only.
pub struct Message {
    pub(super) source: &'static str,
    pub(super) envelope: Envelope,
    pub(super) body: Bytes,
    pub(super) received_at: DateTime<Utc>,
    pub(super) trust: &'static str,
}

impl Message {
    fn open(
        source: &dyn Source,
        body: Bytes,
        now: DateTime<Utc>,
        trust: &'static str,
    ) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(&body).map_err(|_| Refusal {
            code: "not-json",
            reason: "the body is not UTF-8".into(),
        })?;
        Ok(Self {
            source: source.name(),
            envelope: source.open(text)?,
            body,
            received_at: now,
            trust,
        })
    }
}

/// A message whose signature was right. Only [`Verified::new`] makes one, and it asks the source.
pub struct Verified(pub(super) Message);

impl Verified {
    /// Lets the source judge and open the message.
    pub fn new(source: &dyn Source, parts: &Parts, body: Bytes, now: DateTime<Utc>) -> Result<Self, Refusal> {
        source.verify(&Letter {
            headers: &parts.headers,
            query: parts.uri.query(),
            body: &body,
            now,
        })?;
        Message::open(source, body, now, "hmac").map(Self)
    }
}

/// A message that nobody sent: our own authenticated call to the provider's API brought it. It carries no signature,
/// and the inbox notes that.
pub struct Fetched(Message);

impl Fetched {
    /// Lets the source open what its provider answered. Not for bytes that came in from outside: `tests/it/floors`
    /// holds who may call this.
    pub fn new(source: &dyn Source, body: Bytes, now: DateTime<Utc>) -> Result<Self, Refusal> {
        Message::open(source, body, now, "reconcile").map(Self)
    }
}

impl From<Verified> for Message {
    fn from(Verified(message): Verified) -> Self {
        message
    }
}

impl From<Fetched> for Message {
    fn from(Fetched(message): Fetched) -> Self {
        message
    }
}

/// An event out of the inbox, as a handler sees it.
#[derive(Debug, Clone)]
pub struct Event {
    /// The provider's id.
    pub event_id: String,
    /// The provider's name of what happened.
    pub event_type: String,
    /// When it happened by the provider's clock, else when it came.
    pub occurred_at: DateTime<Utc>,
    /// The bytes as received, or what was kept of them.
    pub payload: Vec<u8>,
}

//! Stripe's dialect: what a delivery looks like from outside, and which handler each event has.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::Value;
use serde_json::value::RawValue;

use super::ask::Question;
use super::events;
use super::objects::Family;
use super::read::{Object, SECONDS};
use super::signature::{self, SigningSecrets};
use super::told::Told;
use crate::engine::Failure;
use crate::engine::source::{Envelope, Event, Refusal, Source};
use crate::engine::work::{Verdict, Work};
use crate::ground::config;
use crate::ground::facts::Actor;
use crate::tools::authenticity::Letter;

/// Stripe as a source of webhooks.
pub struct Stripe {
    secrets: SigningSecrets,
    live: bool,
}

/// A thin event's type is the snapshot's with this in front.
const THIN: &str = "v1.";

impl Stripe {
    /// Stripe with the secrets of our endpoint.
    pub fn new(settings: &config::Stripe) -> Self {
        Self {
            secrets: SigningSecrets::new(&settings.webhook_secrets),
            live: settings.live,
        }
    }

    async fn dispatch(&self, event: &Event, work: &mut Work) -> Result<(), Failure> {
        let body: Value = serde_json::from_slice(&event.payload)
            .map_err(|error| Failure::Park(format!("unknown shape: the JSON cannot be read: {error}")))?;
        if self.live && body.get("livemode") == Some(&Value::Bool(false)) {
            return Err(Failure::Park(
                "made in Stripe's test mode while our key is live: nothing was changed".to_owned(),
            ));
        }
        let (event_type, thin) = kind(&event.event_type);
        match events::family(event_type) {
            None => {
                work.end(Verdict::Ignored(format!("nobody here acts on {event_type}")));
                Ok(())
            }
            Some(family) if thin => ask_for_it(family, &body, work),
            Some(family) => {
                let object = Object::at(&body, "/data/object")?;
                events::take_in(family, object, &told(event, &body), work).await
            }
        }
    }
}

/// The event's type as a snapshot has it, and whether it is a thin one.
fn kind(event_type: &str) -> (&str, bool) {
    match event_type.strip_prefix(THIN) {
        Some(snapshot) => (snapshot, true),
        None => (event_type, false),
    }
}

/// When the object looked so. An event without a time of its own has the time at which it came, which says nothing.
fn told(event: &Event, body: &Value) -> Told {
    let told = Told::by_event(event);
    let timed = body.get("created").and_then(Value::as_i64) == Some(event.occurred_at.timestamp());
    if timed { told } else { told.at_some_time() }
}

/// A thin event names its object without carrying it.
fn ask_for_it(family: Family, body: &Value, work: &mut Work) -> Result<(), Failure> {
    let id = Object::at(body, "/related_object")?.own_id()?;
    Question::about(family, &id).ask(work)
}

impl Source for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn actor(&self) -> Actor {
        Actor::Stripe
    }

    fn verify(&self, letter: &Letter<'_>) -> Result<(), Refusal> {
        signature::verify(
            letter.headers.get_all(signature::HEADER),
            letter.body,
            &self.secrets,
            letter.now,
        )
        .map_err(|refusal| Refusal {
            code: refusal.code(),
            reason: refusal.to_string().into(),
        })
    }

    fn open(&self, body: &str) -> Result<Envelope, Refusal> {
        Outside::of(body)?.envelope()
    }

    fn handle<'a>(&'a self, event: &'a Event, work: &'a mut Work) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.dispatch(event, work))
    }
}

/// The event's top level, each value unparsed. A map takes the last of two equal keys, as Stripe's libraries do;
/// an unparsed value may be nested as deep as it likes without costing us the stack.
struct Outside<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Outside<'a> {
    fn of(body: &'a str) -> Result<Self, Refusal> {
        let json = serde_json::from_str(body);
        json.map(Self)
            .map_err(|error| refuse("not-json", format!("the body is not a JSON object: {error}")))
    }

    fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.0.get(key)?.get()).ok()
    }

    fn envelope(&self) -> Result<Envelope, Refusal> {
        let object = self.text("object").unwrap_or_default();
        if !matches!(object.as_str(), "event" | "v2.core.event") {
            return Err(refuse(
                "not-an-event",
                "the body is not an event: its \"object\" should be \"event\"",
            ));
        }
        let event_id = self.text("id").filter(|id| id.starts_with("evt_") && plain(id));
        let event_type = self.text("type").filter(|kind| plain(kind));
        let event_type = event_type.ok_or_else(|| refuse("not-an-event", "the event has no \"type\""))?;
        Ok(Envelope {
            event_id: event_id
                .ok_or_else(|| refuse("not-an-event", "the event has no \"id\" that begins with evt_"))?,
            handled: events::family(kind(&event_type).0).is_some(),
            event_type,
            api_version: self
                .text("api_version")
                .filter(|version| version.len() <= 100 && !version.contains('\0')),
            occurred_at: self.created(),
            kept: None,
        })
    }

    /// Unix seconds in snapshot events, ISO 8601 in thin ones; anything else counts as not told.
    fn created(&self) -> Option<DateTime<Utc>> {
        let seconds = serde_json::from_str::<i64>(self.0.get("created")?.get()).ok();
        let snapshot = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let told = snapshot.or_else(|| self.text("created")?.parse().ok());
        told.filter(|at| SECONDS.contains(&at.timestamp()))
    }
}

fn plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn refuse(code: &'static str, reason: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal {
        code,
        reason: reason.into(),
    }
}

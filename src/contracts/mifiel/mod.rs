//! Mifiel's dialect: what a delivery looks like from outside, its API, its documents. No SQL.

pub mod api;
pub mod apiauth;
mod envelope;
pub mod shapes;

use axum::body::Bytes;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use super::documents::{Told, Wanted};
use crate::engine::Failure;
use crate::engine::source::{Envelope, Event, Refusal, Source};
use crate::engine::work::{Verdict, Work};
use crate::ground::config::{self, Scheme};
use crate::ground::facts::Actor;
use crate::tools::authenticity::{Authenticity, Letter};
use envelope::Hint;

/// The customer's events, Mifiel's own (its models for Node.js), and `document`: the callback of one document, which has
/// no name. Whatever else is kept as `ignored`.
const HANDLED: [&str; 7] = [
    "document.signed",
    "document.rejected",
    "document_closed",
    "signer_completed",
    "signer_rejected",
    "document_deleted",
    "document",
];
/// Mifiel as a source of webhooks.
pub struct Mifiel {
    authenticity: Authenticity,
}

impl Mifiel {
    /// With the secrets and schemes of the settings.
    pub fn new(settings: &config::Mifiel, file: &config::MifielFile) -> Self {
        let authenticity = Authenticity::new(&file.verification, &settings.webhook_secrets);
        let token = token(&settings.webhook_url, &file.verification.schemes);
        Self {
            authenticity: authenticity.with_token(token),
        }
    }

    fn dispatch(event: &Event, work: &mut Work) -> Result<(), Failure> {
        let kind = event.event_type.as_str();
        if !HANDLED.contains(&kind) {
            work.end(Verdict::Ignored(
                "nobody here acts on this kind of event".to_owned(),
            ));
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&event.payload)
            .map_err(|error| Failure::Park(format!("unknown shape: the JSON cannot be read: {error}")))?;
        let Hint { document, reason } = Hint::of(&body);
        let unnamed = "unknown shape: it names no document (document_id, data.id, data.document, id)";
        Wanted {
            document: document.ok_or_else(|| Failure::Park(unnamed.to_owned()))?,
            told: told(kind),
            reason,
        }
        .ask(work)
    }
}

/// What an event of this name says.
fn told(kind: &str) -> Told {
    match kind {
        "document.signed" | "document_closed" => Told::Signed,
        "document.rejected" | "signer_rejected" => Told::Declined,
        "document_deleted" => Told::Deleted,
        _ => Told::Something,
    }
}

/// The token that `MIFIEL_WEBHOOK_URL` carries, in the parameter that the settings name.
fn token(url: &SecretString, schemes: &[Scheme]) -> Option<SecretString> {
    let url = Url::parse(url.expose_secret()).ok()?;
    let parameter = schemes.iter().find_map(|scheme| match scheme {
        Scheme::QueryToken { parameter } => Some(parameter),
        _ => None,
    })?;
    let (_, value) = url.query_pairs().find(|(name, _)| name == parameter)?;
    Some(SecretString::from(value.into_owned()))
}

impl Source for Mifiel {
    fn name(&self) -> &'static str {
        "mifiel"
    }

    fn actor(&self) -> Actor {
        Actor::Mifiel
    }

    fn verify(&self, letter: &Letter<'_>) -> Result<(), Refusal> {
        Ok(self.authenticity.check(letter)?)
    }

    fn open(&self, body: &str) -> Result<Envelope, Refusal> {
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
        let event_type = envelope::name(&json).to_owned();
        let kept = serde_json::to_vec(&envelope::kept(&json)).unwrap_or_default();
        Ok(Envelope {
            // Mifiel gives its messages no id: the same bytes are the same event.
            event_id: format!("sha256-{}", hex::encode(Sha256::digest(body))),
            handled: HANDLED.contains(&event_type.as_str()),
            event_type,
            api_version: None,
            occurred_at: None,
            kept: Some(Bytes::from(kept)),
        })
    }

    fn handle<'a>(&'a self, event: &'a Event, work: &'a mut Work) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move { Self::dispatch(event, work) })
    }
}

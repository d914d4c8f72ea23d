//! Watching our endpoint at Stripe. When Stripe switches it off there is no event and no mail: it has to be asked.

use std::fmt;

use chrono::TimeDelta;
use serde_json::Value;
use url::Url;

use super::api::{ApiError, StripeApi};
use crate::engine::Failure;
use crate::engine::job::{Job, Task};
use crate::engine::schedule::Schedule;
use crate::engine::work::{Verdict, Work};
use crate::ground::facts::Fact;

const KIND: &str = "vigilar_webhook_stripe";
const PROVIDER: &str = "stripe";

/// Events without which something would never be known here. Of the others, what they tell is told again.
const NEEDED: [&str; 20] = [
    "payment_intent.requires_action",
    "payment_intent.processing",
    "payment_intent.partially_funded",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.refunded",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.closed",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.trial_will_end",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice_payment.paid",
    "checkout.session.completed",
];

/// The path of our door for Stripe.
const DOOR: &str = "/api/webhooks/stripe";

/// The job that looks at our endpoint.
pub struct Watch {
    api: Option<StripeApi>,
    public_url: Url,
}

/// What is known of our endpoint.
pub enum Endpoint {
    /// Nobody can be asked.
    NoKey,
    /// As it should be; the version of the events' shapes, where it is not the account's own.
    Fine(Option<String>),
    /// What is wrong.
    Trouble(Trouble),
}

/// What can be wrong with it.
pub enum Trouble {
    /// None of Stripe's leads to this address of ours.
    Missing(String),
    /// It does, and is switched off.
    Disabled,
    /// It tells nothing of these.
    Unsubscribed(Vec<&'static str>),
}

/// As the team reads it.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(address) => write!(f, "ningún endpoint apunta a {address}"),
            Self::Disabled => {
                f.write_str("Stripe desactivó el webhook (disabled): no nos llega ningún aviso")
            }
            Self::Unsubscribed(events) => write!(f, "el webhook no está suscrito a {}", events.join(", ")),
        }
    }
}

impl Watch {
    /// Looks for the endpoint at `public_url`.
    pub fn new(api: Option<StripeApi>, public_url: &Url) -> Self {
        Self {
            api,
            public_url: public_url.clone(),
        }
    }

    /// When it looks.
    pub fn schedule(every: TimeDelta) -> Schedule {
        Schedule { kind: KIND, every }
    }

    /// Asks Stripe.
    pub async fn look(&self) -> Result<Endpoint, ApiError> {
        match &self.api {
            Some(api) => Ok(self.judge(&api.webhook_endpoints().await?)),
            None => Ok(Endpoint::NoKey),
        }
    }

    /// Judges the endpoints that Stripe lists. A query behind the address is a version's name, as in Stripe's recipe
    /// for upgrades.
    fn judge(&self, endpoints: &[Value]) -> Endpoint {
        let ours: Vec<&Value> = endpoints
            .iter()
            .filter(|endpoint| self.is_ours(endpoint))
            .collect();
        if ours.is_empty() {
            let host = self.public_url.host_str().unwrap_or_default();
            return Endpoint::Trouble(Trouble::Missing(format!("{host}{DOOR}")));
        }
        let enabled = |endpoint: &&&Value| endpoint.get("status").and_then(Value::as_str) == Some("enabled");
        let Some(endpoint) = ours.iter().find(enabled) else {
            return Endpoint::Trouble(Trouble::Disabled);
        };
        let missing = unsubscribed(endpoint);
        if missing.is_empty() {
            Endpoint::Fine(version_of(endpoint))
        } else {
            Endpoint::Trouble(Trouble::Unsubscribed(missing))
        }
    }

    fn is_ours(&self, endpoint: &Value) -> bool {
        let url = endpoint
            .get("url")
            .and_then(Value::as_str)
            .and_then(|url| Url::parse(url).ok());
        url.is_some_and(|url| url.host_str() == self.public_url.host_str() && url.path() == DOOR)
    }
}

fn version_of(endpoint: &Value) -> Option<String> {
    let version = endpoint.get("api_version").and_then(Value::as_str);
    version.map(str::to_owned)
}

fn unsubscribed(endpoint: &Value) -> Vec<&'static str> {
    let enabled: Vec<&str> = endpoint
        .get("enabled_events")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if enabled.contains(&"*") {
        return Vec::new();
    }
    NEEDED
        .into_iter()
        .filter(|name| !enabled.contains(name))
        .collect()
}

impl Job for Watch {
    type Done = Endpoint;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Endpoint, Failure> {
        Ok(self.look().await?)
    }

    async fn record(&self, _task: &Task, endpoint: Endpoint, work: &mut Work) -> Result<(), Failure> {
        match endpoint {
            Endpoint::NoKey => work.end(Verdict::Ignored("STRIPE_SECRET_KEY is not set".to_owned())),
            Endpoint::Fine(_) => work.say(Fact::EndpointFine { provider: PROVIDER }),
            Endpoint::Trouble(trouble) => work.say(Fact::EndpointTrouble {
                provider: PROVIDER,
                trouble: trouble.to_string(),
            }),
        }
        Ok(())
    }
}

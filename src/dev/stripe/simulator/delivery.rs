//! Webhooks as Stripe delivers them, and as a network or an attacker changes that.

use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Simulator;
use super::state::{Version, text};
use crate::dev::simulator::delivery::{Answer, post};
use crate::dev::stripe::{body, sign};

/// What happens to an event on its way; by default it arrives once, in the newest shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // each is a thing of its own that can go wrong
pub struct Delivery {
    /// It never arrives, though it happened.
    pub lose: bool,
    /// It arrives once more, with a signature of its own.
    pub duplicate: bool,
    /// It waits on its way.
    pub delay_ms: u64,
    /// Signed with a wrong secret.
    pub bad_signature: bool,
    /// As an endpoint with a version of before 2025-03-31.basil gets it.
    pub old_version: bool,
}

/// Where events go.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) secret: String,
}

/// The id under which the API lists the endpoint.
pub(super) const ENDPOINT: &str = "we_1OnlyCarSimulator0000001";

impl Endpoint {
    /// As `GET /v1/webhook_endpoints` lists it.
    pub(super) fn object(&self, created: i64) -> Value {
        json!({
            "id": ENDPOINT,
            "object": "webhook_endpoint",
            "api_version": null,
            "application": null,
            "created": created,
            "description": null,
            "enabled_events": ["*"],
            "livemode": false,
            "metadata": {},
            "status": "enabled",
            "url": self.url,
        })
    }
}

impl Simulator {
    /// Sends an event to the webhook's address; what each attempt was answered. A disabled endpoint gets nothing.
    pub async fn deliver(&self, event: &Value, delivery: Delivery) -> anyhow::Result<Vec<Answer>> {
        let endpoint = self
            .endpoint()
            .context("nobody told the simulator where to deliver")?;
        let enabled = self
            .object(ENDPOINT)
            .is_some_and(|endpoint| text(&endpoint, "status") == "enabled");
        if delivery.lose || !enabled {
            return Ok(Vec::new());
        }
        tokio::time::sleep(Duration::from_millis(delivery.delay_ms)).await;
        let version = if delivery.old_version {
            Version::Old
        } else {
            Version::Newest
        };
        let body = body(&self.state().render(event, version));
        let mut answers = Vec::new();
        for _ in 0..=u8::from(delivery.duplicate) {
            answers.push(self.attempt(&endpoint, &body, delivery.bad_signature).await?);
        }
        Ok(answers)
    }

    async fn attempt(&self, endpoint: &Endpoint, body: &[u8], bad_signature: bool) -> anyhow::Result<Answer> {
        let secret = if bad_signature {
            "whsec_wrong"
        } else {
            &endpoint.secret
        };
        let request = self
            .0
            .client
            .post(&endpoint.url)
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("content-type", "application/json; charset=utf-8")
            .header("stripe-signature", sign(secret, self.0.clock.now(), body));
        Answer::read(post(request, &endpoint.url, body).await?).await
    }
}

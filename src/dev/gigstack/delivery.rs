//! Webhooks as Gigstack delivers them, and as a network or an attacker changes that.

use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Gigstack;
use super::envelope::{Event, Names, Scheme, Shape};
use crate::dev::simulator::delivery::{Answer, insist, post};

/// What happens to a webhook on its way; by default it arrives once, signed as Standard Webhooks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// How its body is built.
    pub shape: Shape,
    /// Whose name its event has.
    pub names: Names,
    /// How it is signed.
    pub scheme: Scheme,
    /// It never arrives, though it happened.
    pub lose: bool,
    /// It arrives once more, with a signature of its own.
    pub duplicate: bool,
    /// It waits on its way; its body then tells how things are at its end.
    pub delay_ms: u64,
    /// Signed with a wrong secret.
    pub bad_signature: bool,
}

/// A webhook that was sent, or was to be.
#[derive(Debug, Clone, Serialize)]
pub struct Sent {
    /// The id in its body, where the shape has one.
    pub id: String,
    /// What it tells.
    pub event: Event,
    /// Of which receipt or invoice.
    pub subject: String,
    /// The statuses that its attempts were answered with; 0 is no answer.
    pub statuses: Vec<u16>,
}

/// Where webhooks go.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) secret: String,
}

/// A webhook on its way: what stays the same in all its attempts.
struct Letter<'l> {
    id: &'l str,
    event: Event,
    body: &'l [u8],
    delivery: Delivery,
}

impl Gigstack {
    /// Tells the program of `event` about a receipt or an invoice; what each attempt was answered. Whether it happened is
    /// the caller's business: so a cancellation can be told before its invoice, or something that never was.
    pub async fn deliver(
        &self,
        event: Event,
        subject: &str,
        delivery: Delivery,
    ) -> anyhow::Result<Vec<Answer>> {
        let id = self.state().new_id("evt");
        self.deliver_named(&id, event, subject, delivery).await
    }

    /// The same with an id of our choice, that of its body.
    pub(super) async fn deliver_named(
        &self,
        id: &str,
        event: Event,
        subject: &str,
        delivery: Delivery,
    ) -> anyhow::Result<Vec<Answer>> {
        let endpoint = self.habits().endpoint.clone();
        let endpoint = endpoint.context("nobody told the simulator where to deliver")?;
        tokio::time::sleep(Duration::from_millis(delivery.delay_ms)).await;
        let shape = (delivery.shape, delivery.names);
        let body = self.envelope(id, event, subject, shape, self.0.clock.now());
        let body = body.to_string().into_bytes();
        let letter = Letter {
            id,
            event,
            body: &body,
            delivery,
        };
        let attempts = match (delivery.lose, delivery.duplicate) {
            (true, _) => 0,
            (false, duplicate) => 1 + u8::from(duplicate),
        };
        let mut answers = Vec::new();
        for _ in 0..attempts {
            let answer = self.attempt(&endpoint, &letter).await;
            self.note(
                &letter,
                subject,
                answer.as_ref().map_or(0, |answer| answer.status),
            );
            answers.push(answer?);
        }
        Ok(answers)
    }

    fn note(&self, letter: &Letter<'_>, subject: &str, status: u16) {
        let mut state = self.state();
        if let Some(sent) = state.sent.iter_mut().find(|sent| sent.id == letter.id) {
            sent.statuses.push(status);
            return;
        }
        state.sent.push(Sent {
            id: letter.id.to_owned(),
            event: letter.event,
            subject: subject.to_owned(),
            statuses: vec![status],
        });
    }

    /// Tells these, one after the other, as the vendor does by itself: again until each is accepted, for some seconds.
    pub(super) fn announce(&self, news: Vec<(Event, String)>) {
        if self.habits().endpoint.is_none() {
            return;
        }
        let gigstack = self.clone();
        self.0.deliveries.spawn(async move {
            for (event, subject) in news {
                gigstack.insist(event, &subject).await;
            }
        });
    }

    async fn insist(&self, event: Event, subject: &str) {
        let delivery = self.delivery();
        let id = self.state().new_id("evt");
        let taken = insist(|| async {
            let answers = self.deliver_named(&id, event, subject, delivery).await;
            answers.is_ok_and(|answers| answers.iter().all(Answer::is_good)) || delivery.bad_signature
        });
        if !taken.await {
            tracing::warn!(event = event.name(), "the simulated Gigstack gave up a webhook");
        }
    }

    /// Returns when no webhook is under way that follows by itself.
    pub async fn settled(&self) {
        self.0.deliveries.wait().await;
    }

    /// What was sent so far, in order; what was lost is not in it.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    async fn attempt(&self, endpoint: &Endpoint, letter: &Letter<'_>) -> anyhow::Result<Answer> {
        let url = format!("{}{}", endpoint.url, letter.event.path());
        let secret = if letter.delivery.bad_signature {
            "whsec_d3Jvbmc="
        } else {
            &endpoint.secret
        };
        let mut request = self
            .0
            .client
            .post(&url)
            .header("user-agent", "Gigstack-Webhooks/2.0")
            .header("content-type", "application/json");
        let now = self.0.clock.now().timestamp();
        for (name, value) in signed(letter, secret, now)? {
            request = request.header(name, value);
        }
        Answer::read(post(request, &url, letter.body).await?).await
    }
}

/// The headers that tell who sent it.
fn signed(letter: &Letter<'_>, secret: &str, now: i64) -> anyhow::Result<Vec<(&'static str, String)>> {
    let id = letter.id.replacen("evt_", "msg_", 1);
    let mut headers = Vec::new();
    let scheme = letter.delivery.scheme;
    if matches!(scheme, Scheme::StandardWebhooks | Scheme::Both) {
        let message = [format!("{id}.{now}.").as_bytes(), letter.body].concat();
        let signature = STANDARD.encode(mac(&standard_key(secret), &message)?);
        headers.push(("webhook-id", id));
        headers.push(("webhook-timestamp", now.to_string()));
        headers.push(("webhook-signature", format!("v1,{signature}")));
    }
    if matches!(scheme, Scheme::GigstackSignature | Scheme::Both) {
        let signature = hex::encode(mac(secret.as_bytes(), letter.body)?);
        headers.push(("x-gigstack-signature", signature));
    }
    Ok(headers)
}

/// Standard Webhooks: base64 after `whsec_`; any other secret is its own bytes.
fn standard_key(secret: &str) -> Vec<u8> {
    let encoded = secret.strip_prefix("whsec_");
    let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

fn mac(key: &[u8], message: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}

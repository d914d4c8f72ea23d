//! Webhooks as Mifiel delivers them, and as a network or an attacker changes that.

use std::time::Duration;

use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use url::Url;

use super::Mifiel;
use super::envelope::{Event, Shape, body};
use super::state::{Document, Signer};
use crate::dev::simulator::delivery::{Answer, insist, post};

/// What happens to a webhook on its way; by default it arrives once, at the address that it was registered with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// How its body is built.
    pub shape: Shape,
    /// What stands as `token` in its address.
    pub token: Token,
    /// Whether it bears `X-Mifiel-Signature`.
    pub signature: Signature,
    /// It never arrives, though it happened.
    pub lose: bool,
    /// It arrives once more.
    pub duplicate: bool,
    /// It waits on its way; its body then tells how things are at its end.
    pub delay_ms: u64,
}

/// The `token` of an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Token {
    /// As registered.
    #[default]
    Right,
    /// Another one.
    Wrong,
    /// Left out.
    Missing,
}

/// `X-Mifiel-Signature`: hex HMAC-SHA256 of the body. No material of the vendor's has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// Left out.
    #[default]
    Missing,
    /// With the secret that was told.
    Right,
    /// With another secret.
    Wrong,
}

impl Delivery {
    /// What nobody should take: neither token nor signature is right.
    pub fn forged() -> Self {
        Self {
            token: Token::Wrong,
            ..Self::default()
        }
    }

    fn is_forged(self) -> bool {
        self.token != Token::Right && self.signature != Signature::Right
    }
}

/// A webhook that was sent, or was to be.
#[derive(Debug, Clone, Serialize)]
pub struct Sent {
    /// Ours; Mifiel's bodies have none.
    pub id: String,
    /// What it tells.
    pub event: Event,
    /// Of which document.
    pub document: String,
    /// Where it was to go.
    pub url: String,
    /// The statuses that its attempts were answered with; 0 is no answer.
    pub statuses: Vec<u16>,
}

/// Where webhooks go that somebody delivers by hand, and what signs them all.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) secret: String,
}

/// A webhook on its way: what stays the same in all its attempts.
#[derive(Clone)]
struct Letter {
    id: String,
    url: String,
    event: Event,
    document: String,
    body: Vec<u8>,
    delivery: Delivery,
}

/// Something that happened, of which Mifiel tells by itself.
pub(super) struct News {
    pub(super) event: Event,
    pub(super) document: Document,
    pub(super) signer: Option<Signer>,
}

impl Mifiel {
    /// Tells the program of `event` about a document, at the address of [`Mifiel::send_to`]; what each attempt was
    /// answered. Whether it happened is the caller's business: so it can be told before its time, or what never was.
    pub async fn deliver(
        &self,
        event: Event,
        document: &str,
        delivery: Delivery,
    ) -> anyhow::Result<Vec<Answer>> {
        let endpoint = self.habits().endpoint.clone();
        let endpoint = endpoint.context("nobody told the simulator where to deliver")?;
        tokio::time::sleep(Duration::from_millis(delivery.delay_ms)).await;
        let document = self.document(document).context("there is no such document")?;
        let signer = last_signer(event, &document).cloned();
        let news = News {
            event,
            document,
            signer,
        };
        self.send(&self.letter(&news, &endpoint.url, delivery)).await
    }

    fn letter(&self, news: &News, url: &str, delivery: Delivery) -> Letter {
        let document = (&news.document, self.document_json(&news.document));
        let body = body(news.event, delivery.shape, document, news.signer.as_ref());
        Letter {
            id: self.state().new_id(),
            url: url.to_owned(),
            event: news.event,
            document: news.document.id.clone(),
            body: body.to_string().into_bytes(),
            delivery,
        }
    }

    async fn send(&self, letter: &Letter) -> anyhow::Result<Vec<Answer>> {
        let attempts = match (letter.delivery.lose, letter.delivery.duplicate) {
            (true, _) => 0,
            (false, duplicate) => 1 + u8::from(duplicate),
        };
        let mut answers = Vec::new();
        for _ in 0..attempts {
            let answer = match self.attempt(letter).await {
                Ok(answer) => Answer::read(answer).await,
                Err(error) => Err(error),
            };
            self.note(letter, answer.as_ref().map_or(0, |answer| answer.status));
            answers.push(answer?);
        }
        Ok(answers)
    }

    fn note(&self, letter: &Letter, status: u16) {
        let mut state = self.state();
        if let Some(sent) = state.sent.iter_mut().find(|sent| sent.id == letter.id) {
            sent.statuses.push(status);
            return;
        }
        state.sent.push(Sent {
            id: letter.id.clone(),
            event: letter.event,
            document: letter.document.clone(),
            url: letter.url.clone(),
            statuses: vec![status],
        });
    }

    async fn attempt(&self, letter: &Letter) -> anyhow::Result<reqwest::Response> {
        let url = address(&letter.url, letter.delivery.token)?;
        let mut request = self.0.client.post(url.clone());
        request = request
            .header("user-agent", "Mifiel")
            .header("content-type", "application/json");
        let secret = self
            .habits()
            .endpoint
            .as_ref()
            .map(|endpoint| endpoint.secret.clone());
        let secret = match letter.delivery.signature {
            Signature::Missing => None,
            Signature::Right => Some(secret.unwrap_or_default()),
            Signature::Wrong => Some("a wrong secret".to_owned()),
        };
        if let Some(secret) = secret {
            request = request.header("x-mifiel-signature", signed(&secret, &letter.body)?);
        }
        post(request, url.as_str(), &letter.body).await
    }

    /// Tells these, one after the other, as the vendor does by itself: each to every subscription to it, then to the
    /// document's own address; again until it is accepted, for some seconds.
    pub(super) fn announce(&self, news: &[News]) {
        let letters: Vec<Letter> = news.iter().flat_map(|news| self.letters(news)).collect();
        let mifiel = self.clone();
        self.0.deliveries.spawn(async move {
            for letter in letters {
                mifiel.insist(letter).await;
            }
        });
    }

    fn letters(&self, news: &News) -> Vec<Letter> {
        let habits = self.habits().clone();
        let webhooks = self.state().webhooks.clone();
        let subscribed = webhooks
            .iter()
            .filter(|webhook| webhook.callback_type == news.event);
        let mut letters: Vec<Letter> = subscribed
            .map(|webhook| self.letter(news, &webhook.url, habits.delivery))
            .collect();
        let own = match news.event {
            Event::DocumentClosed => news.document.draft.callback_url.as_deref(),
            Event::SignerCompleted => news.document.draft.sign_callback_url.as_deref(),
            Event::SignerRejected | Event::DocumentDeleted => None,
        };
        if let Some(url) = own.filter(|_| habits.callbacks) {
            let delivery = Delivery {
                shape: Shape::Callback,
                ..habits.delivery
            };
            letters.push(self.letter(news, url, delivery));
        }
        letters
    }

    async fn insist(&self, letter: Letter) {
        let delivery = letter.delivery;
        tokio::time::sleep(Duration::from_millis(delivery.delay_ms)).await;
        let taken = insist(|| async {
            let answers = self.send(&letter).await;
            answers.is_ok_and(|answers| answers.iter().all(Answer::is_good)) || delivery.is_forged()
        });
        if !taken.await {
            tracing::warn!(
                event = letter.event.name(),
                "the simulated Mifiel gave up a webhook"
            );
        }
    }

    /// One attempt at a subscription's address, as `POST /webhooks/{id}/trigger` makes it at once: what was sent, and what
    /// came back.
    pub(super) async fn try_once(
        &self,
        news: &News,
        url: &str,
    ) -> (String, anyhow::Result<reqwest::Response>) {
        let letter = self.letter(news, url, self.habits().delivery);
        let answer = self.attempt(&letter).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        self.note(&letter, status);
        (String::from_utf8_lossy(&letter.body).into_owned(), answer)
    }

    /// The same until it is taken.
    pub(super) fn keep_trying(&self, news: &News, url: &str) {
        let letter = self.letter(news, url, self.habits().delivery);
        let mifiel = self.clone();
        self.0
            .deliveries
            .spawn(async move { mifiel.insist(letter).await });
    }

    /// Returns when no webhook is under way that follows by itself.
    pub async fn settled(&self) {
        self.0.deliveries.wait().await;
    }

    /// What was sent so far, in order; what was lost is not in it.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }
}

/// Who an event about a signer is about, when nobody says: who last did that.
pub(super) fn last_signer(event: Event, document: &Document) -> Option<&Signer> {
    let did = |signer: &&Signer| match event {
        Event::SignerCompleted => signer.signed_at.is_some(),
        Event::SignerRejected => signer.rejected.is_some(),
        Event::DocumentClosed | Event::DocumentDeleted => false,
    };
    let last = document
        .signers
        .iter()
        .filter(did)
        .max_by_key(|signer| signer.acted_at());
    last.or_else(|| document.signers.first())
}

/// The address with its token, with another, or without one.
fn address(url: &str, token: Token) -> anyhow::Result<Url> {
    let mut url = Url::parse(url).with_context(|| format!("{url} is no address"))?;
    if token == Token::Right {
        return Ok(url);
    }
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    url.set_query(None);
    for (name, value) in pairs {
        match (name.as_str(), token) {
            ("token", Token::Missing) => {}
            ("token", _) => {
                let wrong: String = value.chars().rev().collect();
                url.query_pairs_mut().append_pair("token", &format!("{wrong}0"));
            }
            _ => {
                url.query_pairs_mut().append_pair(&name, &value);
            }
        }
    }
    Ok(url)
}

fn signed(secret: &str, body: &[u8]) -> anyhow::Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(body);
    Ok(hex::encode(mac.finalize().into_bytes()))
}

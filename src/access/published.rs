//! The keys that Supabase publishes, kept for a while. Supabase is asked by one request at a time and not more often
//! than the settings say, whatever callers send; while it is away, the keys at hand go on for a bounded time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{StatusCode, Url};
use tokio::sync::{Mutex, watch};

use super::keys::{Algorithm, Found, KeySet, PublicKey};
use super::refusal::Refusal;
use crate::ground::clock::Clock;
use crate::ground::config;
use crate::tools::outbound;
use crate::tools::probe::Probe;

/// A set of a few keys has about 1 KiB.
const LONGEST: usize = 64 * 1024;

/// Where the keys come from, and those at hand.
pub(super) struct Published(Arc<Inner>);

struct Inner {
    client: reqwest::Client,
    url: Url,
    clock: Clock,
    fresh: TimeDelta,
    stale: TimeDelta,
    pause: TimeDelta,
    patience: Duration,
    kept: watch::Sender<Kept>,
    /// Held by the one that asks.
    asking: Mutex<()>,
}

/// What is at hand.
#[derive(Default)]
struct Kept {
    keys: Option<(KeySet, DateTime<Utc>)>,
    /// When Supabase was asked last, whatever came of it.
    asked_at: Option<DateTime<Utc>>,
}

impl Published {
    pub(super) fn new(issuer: &str, settings: &config::Access, clock: Clock) -> anyhow::Result<Self> {
        let url = format!("{issuer}/.well-known/jwks.json");
        let seconds = |seconds: u32| TimeDelta::seconds(seconds.into());
        Ok(Self(Arc::new(Inner {
            client: outbound::client()?,
            url: url.parse().context("SUPABASE_URL leads to no keys")?,
            clock,
            fresh: seconds(settings.keys_fresh_seconds),
            stale: seconds(settings.keys_stale_seconds),
            pause: seconds(settings.keys_pause_seconds),
            patience: Duration::from_millis(settings.keys_timeout_ms.into()),
            kept: watch::Sender::default(),
            asking: Mutex::default(),
        })))
    }

    /// Asks whether Supabase shows its keys. What is at hand is left alone.
    pub(super) fn probe(&self) -> Probe {
        let inner = Arc::clone(&self.0);
        Probe::new("supabase", move || {
            let inner = Arc::clone(&inner);
            async move {
                let answer = inner.fetch().await;
                answer
                    .map(drop)
                    .map_err(|reason| format!("Supabase no mostró sus llaves ({reason})"))
            }
        })
    }

    /// The key for a token, asked for when it is not at hand.
    pub(super) async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<PublicKey, Refusal> {
        let inner = &self.0;
        if inner.are_due() && !(inner.are_usable() && inner.asking.try_lock().is_err()) {
            // Others need not wait as long as there are keys at hand.
            inner.ask().await;
        }
        if let Some(answer) = inner.find(id, algorithm) {
            return answer;
        }
        inner.ask().await;
        inner.find(id, algorithm).unwrap_or(Err(if inner.are_usable() {
            Refusal::Bad("unknown-key")
        } else {
            Refusal::NoKeys
        }))
    }
}

impl Inner {
    /// How old the keys at hand are. Younger than nothing, after a clock was set back, counts as very old.
    fn age(&self) -> Option<TimeDelta> {
        let age = self.clock.now() - self.kept.borrow().keys.as_ref()?.1;
        Some(if age < TimeDelta::zero() { self.fresh } else { age })
    }

    fn are_due(&self) -> bool {
        self.age().is_none_or(|age| age >= self.fresh)
    }

    fn are_usable(&self) -> bool {
        self.age().is_some_and(|age| age < self.stale)
    }

    fn may_ask(&self) -> bool {
        let now = self.clock.now();
        let asked_at = self.kept.borrow().asked_at;
        asked_at.is_none_or(|asked_at| now < asked_at || now - asked_at >= self.pause)
    }

    /// Nothing where a newer set may know more.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Result<PublicKey, Refusal>> {
        if !self.are_usable() {
            return None;
        }
        let kept = self.kept.borrow();
        match kept.keys.as_ref()?.0.find(id, algorithm) {
            Found::Key(key) => Some(Ok(key.clone())),
            Found::OtherAlgorithm => Some(Err(Refusal::Bad("other-algorithm"))),
            Found::Unnamed => Some(Err(Refusal::Bad("no-key-id"))),
            Found::Unknown => None,
        }
    }

    /// Asks Supabase, or waits for who asks already; nothing when it was asked a moment ago.
    async fn ask(self: &Arc<Self>) {
        if !self.may_ask() {
            return;
        }
        let inner = Arc::clone(self);
        // A task of its own: callers who hang up must not be able to break the question off again and again.
        let asked = tokio::spawn(async move {
            let _one = inner.asking.lock().await;
            if inner.may_ask() {
                let answer = inner.fetch().await;
                inner.keep(answer);
            }
        });
        let _ = asked.await;
    }

    fn keep(&self, answer: Result<KeySet, &'static str>) {
        let now = self.clock.now();
        let outcome = match &answer {
            Ok(_) => "kept",
            Err(reason) => {
                tracing::warn!(target: "security", reason, "the keys of Supabase could not be read");
                reason
            }
        };
        metrics::counter!("access_keys_asked_total", "outcome" => outcome).increment(1);
        self.kept.send_modify(|kept| {
            kept.asked_at = Some(now);
            if let Ok(keys) = answer {
                kept.keys = Some((keys, now));
            }
        });
    }

    async fn fetch(&self) -> Result<KeySet, &'static str> {
        let request = self.client.get(self.url.clone()).timeout(self.patience);
        let response = request.send().await.map_err(|_| "away")?;
        if response.status() != StatusCode::OK {
            return Err("status");
        }
        let body = outbound::bounded(response, LONGEST).await?;
        KeySet::read(&body).ok_or("not-a-key-set")
    }
}

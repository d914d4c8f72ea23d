//! Clients over their limit, told to KV so that a Worker at the edge can turn them away. Whoever refuses one waits for
//! nothing: it is reported in passing, kept in mind once per client however often it comes, and told now and then. What is
//! too much or cannot be told is left out: the limit itself holds without it.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Instant, MissedTickBehavior};

use super::cloudflare::{CloudflareApi, Pair, SHORTEST_TTL};
use super::mirror::pause;
use crate::ground::clock::Clock;
use crate::ground::config;
use crate::tools::limits::{Blocked, Client};

/// The longest that a client stays turned away there, whatever is reported.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// The clients of this process that are over their limit.
struct Clients {
    clock: Clock,
    /// How many are kept in mind: what is more is left out.
    most: usize,
    known: HashMap<String, Known>,
}

/// Until when a client is to be turned away, and until when KV was told so.
struct Known {
    until: DateTime<Utc>,
    told: Option<DateTime<Utc>>,
}

/// Tells `namespace` what `reports` bring, for as long as any come: one request at a time, and none when nothing is new.
pub async fn keep_telling(
    mut reports: Receiver<Blocked>,
    clock: Clock,
    api: CloudflareApi,
    namespace: String,
    file: config::CloudflareFile,
) {
    let mut clients = Clients {
        clock,
        most: file.blocked_clients,
        known: HashMap::new(),
    };
    let mut tick = tokio::time::interval(Duration::from_secs(u64::from(file.blocked_every_seconds)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut failures, mut resting) = (0, Instant::now());
    loop {
        tokio::select! {
            report = reports.recv() => match report {
                Ok(report) => clients.note(&report),
                Err(RecvError::Lagged(missed)) => count("dropped", usize::try_from(missed).unwrap_or(usize::MAX)),
                Err(RecvError::Closed) => return,
            },
            _ = tick.tick() => {
                let news = clients.news();
                if news.is_empty() || Instant::now() < resting {
                    continue;
                }
                match api.put(&namespace, &clients.pairs(&news)).await {
                    Ok(not_set) => {
                        failures = 0;
                        clients.told(&news, &not_set);
                    }
                    Err(error) => {
                        count("failed", news.len());
                        tracing::warn!(%error, "clients over their limit could not be told to the edge; the limit holds");
                        resting = Instant::now() + pause(&error, failures).to_std().unwrap_or_default();
                        failures += 1;
                    }
                }
            }
        }
    }
}

impl Clients {
    fn note(&mut self, report: &Blocked) {
        let key = key(&report.client);
        let until = report.until.min(self.clock.now() + LONGEST);
        if let Some(known) = self.known.get_mut(&key) {
            known.until = known.until.max(until);
        } else if self.known.len() < self.most {
            self.known.insert(key, Known { until, told: None });
        } else {
            count("dropped", 1);
        }
    }

    /// What KV does not know yet; those whose time is over are forgotten.
    fn news(&mut self) -> Vec<(String, DateTime<Utc>)> {
        let now = self.clock.now();
        self.known.retain(|_, known| known.until > now);
        let is_news = |known: &Known| known.told.is_none_or(|told| told < known.until);
        let news = self.known.iter().filter(|(_, known)| is_news(known));
        news.map(|(key, known)| (key.clone(), known.until)).collect()
    }

    /// KV keeps each for a minute at least; what counts is `hasta`, in seconds since 1970.
    fn pairs(&self, news: &[(String, DateTime<Utc>)]) -> Vec<Pair> {
        let now = self.clock.now();
        let pair = |(key, until): &(String, DateTime<Utc>)| Pair {
            key: key.clone(),
            value: serde_json::json!({ "hasta": until.timestamp() }).to_string(),
            expiration_ttl: u64::try_from((*until - now).num_seconds() + 1)
                .unwrap_or(0)
                .max(SHORTEST_TTL),
        };
        news.iter().map(pair).collect()
    }

    fn told(&mut self, news: &[(String, DateTime<Utc>)], not_set: &[String]) {
        for (key, until) in news.iter().filter(|(key, _)| !not_set.contains(key)) {
            if let Some(known) = self.known.get_mut(key) {
                known.told = Some(*until);
            }
        }
        count("told", news.len().saturating_sub(not_set.len()));
        count("refused", not_set.len());
    }
}

fn key(client: &Client) -> String {
    let kind = match client {
        Client::Address(_) => "ip",
        Client::User(_) => "usuario",
    };
    format!("bloqueado:{kind}:{client}")
}

fn count(outcome: &'static str, clients: usize) {
    metrics::counter!("edge_blocked_clients_total", "outcome" => outcome).increment(clients as u64);
}

//! Payments sent as Stripe sends them: each again and again until the answer is 200.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onlycar::dev::stripe::{self, Sample};
use onlycar::ground::clock::Clock;
use reqwest::Response;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::app::SECRET;
use crate::support::wait::until;

/// What came of the load so far.
#[derive(Default)]
pub struct Tally {
    /// Event and service of each 200.
    acknowledged: Mutex<Vec<(String, Uuid)>>,
    /// 200 to an event that an earlier, unanswered attempt had brought.
    duplicates: AtomicUsize,
    /// 503 with Retry-After.
    away: AtomicUsize,
    /// No answer: connection refused or cut off.
    unanswered: AtomicUsize,
    /// Every other answer: there should be none.
    odd: Mutex<Vec<String>>,
}

/// Clients that send until they are stopped.
pub struct Load {
    pub tally: Arc<Tally>,
    clients: JoinSet<()>,
    stop: CancellationToken,
}

struct Sender {
    url: String,
    client: reqwest::Client,
    services: Arc<Vec<Uuid>>,
    next: Arc<AtomicUsize>,
    tally: Arc<Tally>,
    stop: CancellationToken,
}

impl Load {
    /// Each client sends one payment at a time, each for a service of its own.
    pub fn start(url: &str, services: Vec<Uuid>, clients: usize) -> Self {
        let (tally, stop) = (Arc::new(Tally::default()), CancellationToken::new());
        let (services, next) = (Arc::new(services), Arc::new(AtomicUsize::new(0)));
        let mut running = JoinSet::new();
        for _ in 0..clients {
            let sender = Sender {
                url: format!("{url}/api/webhooks/stripe"),
                client: onlycar::tools::outbound::client().unwrap(),
                services: Arc::clone(&services),
                next: Arc::clone(&next),
                tally: Arc::clone(&tally),
                stop: stop.clone(),
            };
            running.spawn(sender.run());
        }
        Self {
            tally,
            clients: running,
            stop,
        }
    }

    /// Waits until so many events more are acknowledged.
    pub async fn until_more(&self, events: usize) {
        let before = self.tally.acknowledged();
        let what = format!("{events} events more are acknowledged");
        until(&what, async || self.tally.acknowledged() >= before + events).await;
    }

    /// Ends each client after the acknowledgement of its last event.
    pub async fn finish(mut self) -> Vec<(String, Uuid)> {
        self.stop.cancel();
        let ended = async { while self.clients.join_next().await.transpose().unwrap().is_some() {} };
        let ended = tokio::time::timeout(Duration::from_secs(30), ended).await;
        assert!(ended.is_ok(), "some events are never acknowledged");
        assert_eq!(*self.tally.odd.lock().unwrap(), [""; 0], "odd answers");
        self.tally.acknowledged.lock().unwrap().clone()
    }
}

impl Tally {
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// The service of one of the events that were acknowledged.
    pub fn service(&self, number: usize) -> Uuid {
        self.acknowledged.lock().unwrap()[number].1
    }

    pub fn duplicates(&self) -> usize {
        self.duplicates.load(Ordering::SeqCst)
    }

    pub fn away(&self) -> usize {
        self.away.load(Ordering::SeqCst)
    }

    pub fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }
}

impl Sender {
    async fn run(self) {
        while !self.stop.is_cancelled() {
            let service = self.services[self.next.fetch_add(1, Ordering::SeqCst)];
            let event = payment(service);
            let id = event["id"].as_str().unwrap().to_owned();
            let body = stripe::body(&event);
            while !self.delivered(&body).await {
                // Stripe waits longer; a test has no hour.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            self.tally.acknowledged.lock().unwrap().push((id, service));
        }
    }

    async fn delivered(&self, body: &[u8]) -> bool {
        match send(&self.client, &self.url, body).await {
            Ok(answer) if answer.status() == 200 => {
                let answer: Result<Value, _> = answer.json().await;
                if answer.is_ok_and(|answer| answer == json!({ "received": true, "duplicate": true })) {
                    self.tally.duplicates.fetch_add(1, Ordering::SeqCst);
                }
                true
            }
            Ok(answer) if answer.status() == 503 && answer.headers().contains_key("retry-after") => {
                self.tally.away.fetch_add(1, Ordering::SeqCst);
                false
            }
            Ok(answer) => {
                let odd = format!("{} {}", answer.status(), answer.text().await.unwrap_or_default());
                self.tally.odd.lock().unwrap().push(odd);
                false
            }
            Err(_) => {
                self.tally.unanswered.fetch_add(1, Ordering::SeqCst);
                false
            }
        }
    }
}

/// A signed request with these bytes.
pub async fn send(client: &reqwest::Client, url: &str, body: &[u8]) -> reqwest::Result<Response> {
    let signature = stripe::sign(SECRET, Clock::system().now(), body);
    let request = client.post(url).header("stripe-signature", signature);
    request.body(body.to_vec()).send().await
}

/// A payment of a service.
pub fn payment(service: Uuid) -> Value {
    let sample = Sample {
        service_id: Some(service.to_string()),
        ..Sample::default()
    };
    stripe::event("payment_intent.succeeded", &sample, Clock::system().now()).unwrap()
}

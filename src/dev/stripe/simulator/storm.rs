//! A storm of webhooks: whole stories, delivered in any order, some twice, some never, some forged.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{Sample, set_path};
use super::stories::stories;
use super::{Delivery, Simulator};

/// What to send, the same for the same seed; only what the server answers may differ.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storm {
    /// Decides on everything.
    pub seed: u64,
    /// At least so many events, in whole stories.
    pub events: usize,
    /// Whom the stories are about, in turn; strangers, unless told.
    pub people: Vec<Sample>,
    /// So many of 100 events arrive twice.
    pub duplicates_percent: u8,
    /// So many of 100 events have a forged copy, with a wrong signature and another amount.
    pub bad_signature_percent: u8,
    /// So many of 100 events never arrive, though they happened.
    pub lose_percent: u8,
    /// Whether they arrive in any order instead of that in which they happened.
    pub reorder: bool,
    /// So many of 100 events are rendered in an old version.
    pub old_version_percent: u8,
    /// Deliveries per second; 0 is as fast as the server answers.
    pub rate: u32,
}

impl Default for Storm {
    fn default() -> Self {
        Self {
            seed: 1,
            events: 100,
            people: Vec::new(),
            duplicates_percent: 0,
            bad_signature_percent: 0,
            lose_percent: 0,
            reorder: false,
            old_version_percent: 0,
            rate: 0,
        }
    }
}

/// What was sent and how it was answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Events that happened.
    pub events: usize,
    /// Those that never arrived.
    pub lost: usize,
    /// Deliveries that were answered with a good status.
    pub accepted: usize,
    /// Forged ones that were refused with 400, as they should be.
    pub refused: usize,
    /// Deliveries that were given up after many tries, and forged ones that were taken.
    pub wrong: usize,
}

/// Deliveries under way at the same time, when order does not matter.
const AT_ONCE: usize = 16;

/// Tries of a delivery that is not accepted, as Stripe repeats it, and the wait between.
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(250);

impl Simulator {
    /// Lets all of it happen, then delivers it, and returns when every delivery is answered.
    pub async fn storm(&self, storm: &Storm) -> Told {
        let events = stories(storm.seed, storm.events, &storm.people, self.0.clock.now());
        for event in &events {
            self.happened(event);
        }
        let (deliveries, lost) = storm.plan(&events);
        let every = Duration::from_secs(1).checked_div(storm.rate).unwrap_or_default();
        let began = tokio::time::Instant::now();
        let deliveries = deliveries
            .into_iter()
            .zip(0..)
            .map(|((event, delivery), n)| async move {
                tokio::time::sleep_until(began + every * n).await;
                self.insist(event, delivery).await
            });
        let told = Told {
            events: events.len(),
            lost,
            ..Told::default()
        };
        stream::iter(deliveries)
            .buffer_unordered(if storm.reorder { AT_ONCE } else { 1 })
            .fold(told, async |told, answered| told.with(answered))
            .await
    }

    /// Delivers as Stripe does: until it is accepted. Whether it was, and whether it was forged.
    async fn insist(&self, event: Value, delivery: Delivery) -> (bool, bool) {
        let mut pause = tokio::time::interval(PAUSE);
        for _ in 0..TRIES {
            pause.tick().await;
            let answers = self.deliver(&event, delivery).await;
            let status = answers.ok().and_then(|answers| Some(answers.first()?.status));
            match status {
                Some(400) if delivery.bad_signature => return (false, true),
                Some(200..=299) => return (true, delivery.bad_signature),
                _ => {}
            }
        }
        (false, false)
    }
}

impl Told {
    fn with(mut self, (accepted, forged): (bool, bool)) -> Self {
        match (accepted, forged) {
            (true, false) => self.accepted += 1,
            (false, true) => self.refused += 1,
            _ => self.wrong += 1,
        }
        self
    }
}

impl Storm {
    /// Every delivery in its order, and how many events have none.
    fn plan(&self, events: &[Value]) -> (Vec<(Value, Delivery)>, usize) {
        let mut chance = StdRng::seed_from_u64(self.seed);
        let mut deliveries = Vec::new();
        let mut missed = 0;
        for event in events {
            let mut of_100 = |percent: u8| chance.random_range(0..100_u8) < percent;
            let lose = of_100(self.lose_percent);
            let copies = 1 + usize::from(of_100(self.duplicates_percent));
            let forge = of_100(self.bad_signature_percent);
            let delivery = Delivery {
                old_version: of_100(self.old_version_percent),
                ..Delivery::default()
            };
            if lose {
                missed += 1;
            } else {
                deliveries.extend(std::iter::repeat_n((event.clone(), delivery), copies));
            }
            if forge {
                let bad_signature = true;
                deliveries.push((
                    forged(event),
                    Delivery {
                        bad_signature,
                        ..delivery
                    },
                ));
            }
        }
        if self.reorder {
            deliveries.shuffle(&mut chance);
        }
        (deliveries, missed)
    }
}

/// The same id with another amount: were it taken, it would show.
fn forged(event: &Value) -> Value {
    let mut event = event.clone();
    let _ = set_path(&mut event, "data.object.amount", "1");
    event
}

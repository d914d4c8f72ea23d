//! One limit: a bucket per client, by the generic cell rate algorithm. A bucket is one number, the time at which it is
//! full again; it holds `burst`, and one comes back every `interval`. What is remembered is bounded by forgetting
//! whoever was away for longest.

use std::hash::RandomState;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::{Client, Group};
use crate::ground::config::Rate;

const MINUTE: i64 = 60_000_000;

/// How fast one may go, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) interval: i64,
    /// How far the time of being full may lie ahead for one more to be taken.
    pub(super) tolerance: i64,
}

impl Pace {
    fn new(rate: Rate) -> Self {
        let interval = MINUTE / i64::from(rate.per_minute.get());
        Self {
            interval,
            tolerance: interval * i64::from(rate.burst.get() - 1),
        }
    }

    /// When it is full, as far as that can be: what lies further ahead was written by a clock that was set back since.
    fn full_at(self, noted: i64, now: i64) -> i64 {
        if noted > now + self.tolerance + self.interval {
            now
        } else {
            noted.max(now)
        }
    }
}

/// The buckets of one group, by address or by user.
pub(super) struct Buckets {
    pub(super) group: Group,
    pub(super) by: &'static str,
    pub(super) pace: Pace,
    most: usize,
    tell_after: u32,
    clients: Mutex<LruCache<Client, Bucket, RandomState>>,
}

struct Bucket {
    full_at: i64,
    /// Refused since this time, within a minute; so many.
    since: i64,
    refused: u32,
}

/// One more is not to be had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    /// For so many microseconds.
    pub(super) wait: i64,
    /// The first of a minute: how many there were in the minute before it.
    pub(super) first: Option<u32>,
    /// It has been refused for long, and that was not yet told.
    pub(super) to_tell: bool,
}

impl Buckets {
    pub(super) fn new(group: Group, by: &'static str, rate: Rate, most: usize, tell_after: u32) -> Self {
        Self {
            group,
            by,
            pace: Pace::new(rate),
            most,
            tell_after,
            clients: Mutex::new(LruCache::unbounded_with_hasher(RandomState::new())),
        }
    }

    /// Takes one; tells when the next is to be had.
    pub(super) fn take(&self, client: Client, now: i64) -> Result<i64, Refusal> {
        let mut clients = self.clients();
        let bucket = clients.get_or_insert_mut(client, || Bucket::new(now));
        let full_at = self.pace.full_at(bucket.full_at, now);
        let wait = full_at - self.pace.tolerance - now;
        let taken = if wait > 0 {
            Err(bucket.refuse(wait, now, self.tell_after))
        } else {
            bucket.full_at = full_at + self.pace.interval;
            Ok(bucket.full_at - self.pace.tolerance)
        };
        if clients.len() > self.most {
            clients.pop_lru();
        }
        taken
    }

    /// What all replicas together know: none for so long. From here on it need not be asked for again.
    pub(super) fn learn(&self, client: Client, now: i64, wait: i64) -> Refusal {
        let mut clients = self.clients();
        let bucket = clients.get_or_insert_mut(client, || Bucket::new(now));
        bucket.full_at = now + wait + self.pace.tolerance;
        bucket.refuse(wait, now, self.tell_after)
    }

    fn clients(&self) -> MutexGuard<'_, LruCache<Client, Bucket, RandomState>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn new(now: i64) -> Self {
        Self {
            full_at: now,
            since: now,
            refused: 0,
        }
    }

    fn refuse(&mut self, wait: i64, now: i64, tell_after: u32) -> Refusal {
        let is_first = self.refused == 0 || !(self.since..self.since + MINUTE).contains(&now);
        let first = is_first.then_some(self.refused);
        if is_first {
            self.since = now;
            self.refused = 0;
        }
        self.refused = self.refused.saturating_add(1);
        Refusal {
            wait,
            first,
            to_tell: self.refused == tell_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    fn buckets(per_minute: u32, burst: u32, most: usize) -> Buckets {
        let number = |it: u32| it.try_into().expect("not zero");
        let rate = Rate {
            per_minute: number(per_minute),
            burst: number(burst),
        };
        Buckets::new(Group::Reads, "address", rate, most, 5)
    }

    fn client(n: u32) -> Client {
        Client::Address(IpAddr::V4(Ipv4Addr::from_bits(n)))
    }

    #[test]
    fn a_burst_then_one_an_interval() {
        let limit = buckets(6, 3, 10);
        for _ in 0..3 {
            assert!(limit.take(client(1), 0).is_ok());
        }
        assert_eq!(limit.take(client(1), 0).expect_err("empty").wait, 10 * SECOND);
        assert_eq!(limit.take(client(1), SECOND).expect_err("empty").wait, 9 * SECOND);
        assert!(limit.take(client(2), 0).is_ok(), "another client's is another");
        assert!(limit.take(client(1), 10 * SECOND).is_ok());
        assert!(limit.take(client(1), 10 * SECOND).is_err());
        for _ in 0..3 {
            assert!(
                limit.take(client(1), 90 * SECOND).is_ok(),
                "full again, and no fuller"
            );
        }
        assert!(limit.take(client(1), 90 * SECOND).is_err());
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nobody() {
        let limit = buckets(6, 1, 10);
        assert!(limit.take(client(1), 1_000 * SECOND).is_ok());
        assert!(limit.take(client(1), 0).is_ok());
    }

    #[test]
    fn no_more_is_remembered_than_the_bound() {
        let limit = buckets(1, 1, 100);
        for n in 0..10_000 {
            assert!(
                limit.take(client(n), 0).is_ok(),
                "a new client is not refused for others"
            );
            assert!(
                limit.take(client(0), 0).is_err() || n == 0,
                "who goes on asking is not forgotten"
            );
        }
        assert_eq!(limit.clients().len(), 100);
    }

    #[test]
    fn a_minute_of_refusals_is_told_once() {
        let limit = buckets(1, 1, 10);
        assert!(limit.take(client(1), 0).is_ok());
        let refuse = |now| limit.take(client(1), now).expect_err("empty");
        let told: Vec<_> = (1..=10).map(&refuse).map(|it| (it.first, it.to_tell)).collect();
        assert_eq!(told.iter().filter(|(first, _)| first.is_some()).count(), 1);
        assert_eq!(told.first(), Some(&(Some(0), false)));
        assert_eq!(
            told.iter().position(|(_, tell)| *tell),
            Some(4),
            "after five, and once"
        );
        assert!(limit.take(client(1), MINUTE).is_ok());
        assert_eq!(refuse(MINUTE + 1).first, Some(10), "so many in the minute before");
    }

    proptest! {
        /// In any stretch of time no more get through than the burst and what came back meanwhile; and who waits as
        /// long as it was told is not refused again.
        #[test]
        fn never_too_many_and_the_wait_is_true(
            per_minute in 1_u32..5_000, burst in 1_u32..50, pauses in prop::collection::vec(0_i64..2_000_000, 1..200),
        ) {
            let limit = buckets(per_minute, burst, 10);
            let (mut now, mut taken) = (0, Vec::new());
            for pause in pauses {
                now += pause;
                match limit.take(client(1), now) {
                    Ok(_) => taken.push(now),
                    Err(refusal) => {
                        prop_assert!((1..=limit.pace.interval).contains(&refusal.wait));
                        if pause % 3 == 0 {
                            now += refusal.wait;
                            prop_assert!(limit.take(client(1), now).is_ok());
                            taken.push(now);
                        }
                    }
                }
            }
            for (at, first) in taken.iter().enumerate() {
                for (count, last) in taken.iter().skip(at).enumerate() {
                    let allowed = i64::from(burst) + (last - first) / limit.pace.interval;
                    prop_assert!(i64::try_from(count).expect("few") < allowed);
                }
            }
        }
    }
}

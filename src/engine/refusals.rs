//! What the doors refused, counted in memory: a flood of bad signatures must not write to the database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// What every door refused since it was taken last; cheap to clone.
#[derive(Clone, Default)]
pub struct Refusals(Arc<Mutex<BTreeMap<&'static str, Refused>>>);

/// What a provider's doors refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refused {
    /// In all.
    pub count: i64,
    /// Since the last good webhook.
    pub in_row: i64,
    /// The first of those.
    pub since: Option<DateTime<Utc>>,
    /// The last one.
    pub last_at: Option<DateTime<Utc>>,
    /// The last good one.
    pub good_at: Option<DateTime<Utc>>,
}

impl Refusals {
    pub(super) fn refused(&self, provider: &'static str, now: DateTime<Utc>) {
        self.with(provider, |door| {
            door.count += 1;
            door.in_row += 1;
            door.since = door.since.or(Some(now));
            door.last_at = Some(now);
        });
    }

    pub(super) fn good(&self, provider: &'static str, now: DateTime<Utc>) {
        self.with(provider, |door| {
            door.in_row = 0;
            door.since = None;
            door.good_at = Some(now);
        });
    }

    /// Takes what was counted.
    pub fn take(&self) -> Vec<(&'static str, Refused)> {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *doors).into_iter().collect()
    }

    /// Puts back what was taken and could not be written.
    pub fn put_back(&self, taken: &[(&'static str, Refused)]) {
        for (provider, old) in taken {
            self.with(provider, |new| {
                new.count += old.count;
                if new.good_at.is_none() {
                    new.in_row += old.in_row;
                    new.since = old.since.or(new.since);
                }
                new.last_at = new.last_at.or(old.last_at);
                new.good_at = new.good_at.or(old.good_at);
            });
        }
    }

    fn with(&self, provider: &'static str, change: impl FnOnce(&mut Refused)) {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(doors.entry(provider).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::Refusals;

    #[test]
    fn what_could_not_be_written_is_not_lost_nor_counted_over_a_good_one() {
        let at = |second: i64| chrono::DateTime::from_timestamp(second, 0).expect("a time");
        let refusals = Refusals::default();
        refusals.refused("a", at(1));
        refusals.refused("a", at(2));
        let taken = refusals.take();
        refusals.refused("a", at(3));
        refusals.put_back(&taken);
        let [(_, door)] = refusals.take()[..] else {
            panic!("one door")
        };
        assert_eq!(
            (door.count, door.in_row, door.since, door.last_at),
            (3, 3, Some(at(1)), Some(at(3)))
        );

        refusals.good("a", at(4));
        refusals.refused("a", at(5));
        refusals.put_back(&taken);
        let [(_, door)] = refusals.take()[..] else {
            panic!("one door")
        };
        assert_eq!(
            (door.count, door.in_row, door.since, door.good_at),
            (3, 1, Some(at(5)), Some(at(4)))
        );
    }
}

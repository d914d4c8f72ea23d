//! The only place that asks the time or makes an id.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

/// Where OnlyCar works and its month ends: Nuevo Laredo follows the daylight saving of the United States.
pub const BUSINESS_ZONE: Tz = chrono_tz::America::Matamoros;

/// Where Stripe's dates for Mexico are made: vouchers end at midnight there.
pub const CENTRAL_ZONE: Tz = chrono_tz::America::Mexico_City;

/// The first instant of a day where OnlyCar works. No day begins in the hour that daylight saving skips or repeats: that is
/// at 2 in the night.
pub fn start_of_day(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let start = BUSINESS_ZONE.from_local_datetime(&midnight).earliest();
    start.map_or_else(|| midnight.and_utc(), |start| start.with_timezone(&Utc))
}

/// What time it is, for everybody: the system's clock, or one that a test moves by hand.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Kind::Manual(Arc::new(AtomicI64::new(start.timestamp_micros()))))
    }

    /// The time in UTC, in microseconds: what PostgreSQL keeps, so that a value survives its round trip.
    #[allow(clippy::disallowed_methods)] // this is the one place
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Kind::System => Utc::now().trunc_subsecs(6),
            Kind::Manual(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or(DateTime::UNIX_EPOCH)
            }
        }
    }

    /// Moves a manual clock forward; the system's clock goes by itself and is left alone.
    pub fn advance(&self, by: TimeDelta) {
        if let Kind::Manual(micros) = &self.0 {
            micros.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }

    /// A new id that sorts by the time it was made (UUID version 7), so that indexes grow at their end.
    pub fn new_id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let timestamp = uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos());
        Uuid::new_v7(timestamp)
    }

    /// No id made at this time or later is smaller.
    pub fn first_id_of(at: DateTime<Utc>) -> Uuid {
        let milliseconds = u128::try_from(at.timestamp_millis()).unwrap_or(0);
        Uuid::from_u128(milliseconds << 80)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, TimeDelta};

    #[test]
    fn the_first_id_of_a_time_parts_those_before_from_those_after() {
        let clock = Clock::manual("2026-11-22T18:00:00.123456Z".parse().expect("a time"));
        let at = clock.now() + TimeDelta::milliseconds(1);
        let before = clock.new_id();
        clock.advance(TimeDelta::milliseconds(1));
        assert!(before < Clock::first_id_of(at));
        assert!(Clock::first_id_of(at) < clock.new_id());
    }
}

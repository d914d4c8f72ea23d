//! A CFDI has two clocks and says the zone of neither. `Fecha` is local time where it was issued, which for us is the
//! border; `FechaTimbrado` is central time. From March to November the border is an hour ahead, so that a document
//! issued and stamped in the same second was "stamped an hour before it was issued", at the end of a month even in
//! the month before.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::ground::clock::{BUSINESS_ZONE, CENTRAL_ZONE};

/// A real document was stamped 56 seconds before its `Fecha`: the clocks of issuer and PAC differ.
const SKEW: TimeDelta = TimeDelta::minutes(30);

/// When the stamp was made.
pub fn stamped(local: NaiveDateTime) -> DateTime<Utc> {
    earlier(CENTRAL_ZONE, local)
}

/// When the document was issued. On the first Sunday of November the hour from 01:00 happens twice. The stamp comes
/// after the issue and its own clock is never set back, so it tells which of the two is meant: the later one, unless
/// the document was stamped before.
pub fn issued(local: NaiveDateTime, stamped: DateTime<Utc>) -> DateTime<Utc> {
    match BUSINESS_ZONE.from_local_datetime(&local) {
        MappedLocalTime::Ambiguous(_, later) if later.to_utc() <= stamped + SKEW => later.to_utc(),
        _ => earlier(BUSINESS_ZONE, local),
    }
}

/// The first of the instants with this local time. A time that was skipped, as 02:30 on the second Sunday of March, is
/// read by the clock as it was before: the document may come from elsewhere, and its text is kept besides.
fn earlier(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let hour = TimeDelta::hours(1);
    let instant = zone.from_local_datetime(&local).earliest().or_else(|| {
        let before = local.checked_sub_signed(hour)?;
        Some(zone.from_local_datetime(&before).latest()? + hour)
    });
    instant.map_or_else(|| local.and_utc(), |instant| instant.to_utc())
}

#[cfg(test)]
mod tests {
    use super::{issued, stamped};

    fn instants(fecha: &str, timbrado: &str) -> (String, String) {
        let stamped = stamped(timbrado.parse().expect("a time"));
        let issued = issued(fecha.parse().expect("a time"), stamped);
        let text = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        (text(issued), text(stamped))
    }

    #[test]
    fn in_summer_the_border_is_an_hour_ahead() {
        let (issued, stamped) = instants("2025-07-01T00:30:00", "2025-06-30T23:30:10");
        assert_eq!(issued, "2025-07-01T05:30:00Z");
        assert_eq!(stamped, "2025-07-01T05:30:10Z");
    }

    #[test]
    fn in_winter_both_say_the_same() {
        let (issued, stamped) = instants("2025-12-31T23:59:58", "2026-01-01T00:00:03");
        assert_eq!(
            (issued.as_str(), stamped.as_str()),
            ("2026-01-01T05:59:58Z", "2026-01-01T06:00:03Z")
        );
    }

    #[test]
    fn the_hour_that_happens_twice_is_told_by_the_stamp() {
        for (timbrado, expected) in [
            ("2026-11-01T00:30:10", "2026-11-01T06:30:00Z"),
            ("2026-11-01T01:29:10", "2026-11-01T07:30:00Z"),
            ("2026-11-01T01:30:10", "2026-11-01T07:30:00Z"),
            ("2026-11-02T09:00:00", "2026-11-01T07:30:00Z"),
            ("2026-10-01T09:00:00", "2026-11-01T06:30:00Z"),
        ] {
            assert_eq!(
                instants("2026-11-01T01:30:00", timbrado).0,
                expected,
                "{timbrado}"
            );
        }
    }

    #[test]
    fn the_hour_that_never_was_has_an_instant_too() {
        assert_eq!(
            instants("2026-03-08T02:30:00", "2026-03-08T02:30:10").0,
            "2026-03-08T08:30:00Z"
        );
        assert_eq!(
            instants("2026-03-08T03:00:00", "2026-03-08T02:00:10").0,
            "2026-03-08T08:00:00Z"
        );
    }
}

//! Times on the command line.

use chrono::{DateTime, TimeDelta, Utc};

use super::Usage;
use crate::ground::clock::start_of_day;

/// What the option says: a span back from now, a point in time, or the beginning of a day in Nuevo Laredo.
pub fn when(option: &str, text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Usage> {
    let wrong = || {
        Usage(format!(
            "{option} {text} is neither a span nor a time\nhint: 90m, 48h, 7d, 2026-11-22 or 2026-11-22T00:00:00Z"
        ))
    };
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    if let Ok(day) = text.parse() {
        return Ok(start_of_day(day));
    }
    let unit = text.chars().last().ok_or_else(wrong)?;
    let count: i64 = text
        .strip_suffix(unit)
        .and_then(|count| count.parse().ok())
        .ok_or_else(wrong)?;
    let span = match unit {
        'm' => TimeDelta::try_minutes(count),
        'h' => TimeDelta::try_hours(count),
        'd' => TimeDelta::try_days(count),
        _ => None,
    };
    span.and_then(|span| now.checked_sub_signed(span))
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::when;

    #[test]
    fn since_takes_spans_and_times() {
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        for (text, expected) in [
            ("90m", "2026-11-22T10:30:00Z"),
            ("48h", "2026-11-20T12:00:00Z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-01-01", "2026-01-01T06:00:00Z"),
            ("2026-07-01", "2026-07-01T05:00:00Z"),
        ] {
            assert_eq!(
                when("--since", text, now).expect(text),
                expected.parse::<chrono::DateTime<chrono::Utc>>().expect("a time")
            );
        }
    }

    #[test]
    fn since_refuses_the_rest_without_overflow() {
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        for text in ["", "h", "12", "99999999999999999d", "yesterday", "5µ"] {
            assert!(when("--since", text, now).is_err(), "{text}");
        }
    }
}

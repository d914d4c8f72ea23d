//! How numbers are written for people in Mexico, and for their spreadsheets.

use std::borrow::Borrow;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::ground::clock::BUSINESS_ZONE;

/// As in 12,345.
pub(super) fn count(count: impl Borrow<i64>) -> String {
    let count = *count.borrow();
    let digits = count.unsigned_abs().to_string();
    let sign = if count < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(&digits))
}

/// As in $12,345.50 MXN; every digit that there is, two at least.
pub(super) fn money(amount: Decimal, currency: &str) -> String {
    format!("${} {currency}", amount_of(&amount.to_string()))
        .trim_end()
        .to_owned()
}

/// A number as PostgreSQL or `Decimal` writes it, with its thousands apart.
pub(super) fn amount_of(exact: &str) -> String {
    let exact = plain(exact);
    let (sign, digits) = exact
        .strip_prefix('-')
        .map_or(("", exact.as_str()), |it| ("-", it));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, "00"));
    format!("{sign}{}.{rest}", grouped(whole))
}

/// The same number without zeros that say nothing, but with two decimals at least.
pub(super) fn plain(exact: &str) -> String {
    let (whole, rest) = exact.split_once('.').unwrap_or((exact, ""));
    format!("{whole}.{:0<2}", rest.trim_end_matches('0'))
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// As in 2026-11-26T12:39:05-06:00, in Nuevo Laredo: for machines and spreadsheets.
pub(super) fn exactly(at: DateTime<Utc>) -> String {
    at.with_timezone(&BUSINESS_ZONE)
        .format("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// How long, roughly: 40 s, 12 min, 5 h, 3 días.
pub(super) fn lasting(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} días", seconds / 86_400),
    }
}

/// As in 12.5 MB.
pub(super) fn bytes(bytes: impl Borrow<i64>) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let bytes = *bytes.borrow();
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes / 100, UNITS.iter());
    let mut name = unit.next().copied().unwrap_or_default();
    while tenths >= 10_000 {
        let Some(next) = unit.next() else { break };
        tenths /= 1000;
        name = next;
    }
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// As in 81.3 %; nothing of nothing is no percentage.
pub(super) fn percent(part: i64, whole: i64) -> Option<String> {
    let tenths = (part * 1000 + whole / 2).checked_div(whole)?;
    Some(format!("{}.{} %", tenths / 10, tenths % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_whole() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(-999), "-999");
        assert_eq!(money("1500.5".parse().expect("a number"), "MXN"), "$1,500.50 MXN");
        assert_eq!(amount_of("100.123400"), "100.1234");
        assert_eq!(amount_of("-1234567"), "-1,234,567.00");
        assert_eq!(plain("1500.500000"), "1500.50");
        assert_eq!(percent(2, 3).as_deref(), Some("66.7 %"));
        assert_eq!(percent(0, 0), None);
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_250_000), "1.2 MB");
        assert_eq!(lasting(7_300), "2 h");
    }

    #[test]
    fn times_are_those_of_nuevo_laredo_and_say_so() {
        let winter = "2026-11-26T18:39:05Z".parse().expect("a time");
        assert_eq!(exactly(winter), "2026-11-26T12:39:05-06:00");
        let summer = "2026-07-01T18:00:00Z".parse().expect("a time");
        assert_eq!(exactly(summer), "2026-07-01T13:00:00-05:00");
    }
}

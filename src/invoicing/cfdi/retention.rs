//! How long an invoice is kept.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use crate::ground::clock::BUSINESS_ZONE;

/// The day from which an invoice may go. Article 30 of the Código Fiscal de la Federación: five years from when the
/// return it belongs to was or should have been filed, not from its date. A person with business activities files a
/// year by 30 April of the next, so an invoice of 2026 is kept to the end of 30 April 2032. The year is the one on the
/// border, where the invoice was issued. It may be kept longer (a loss carried forward, a lawsuit), never shorter.
pub fn conservar_hasta(fecha_emision: DateTime<Utc>) -> NaiveDate {
    let exercise = fecha_emision.with_timezone(&BUSINESS_ZONE).year();
    NaiveDate::from_ymd_opt(exercise.saturating_add(6), 5, 1).unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::conservar_hasta;

    #[test]
    fn the_exercise_decides_and_the_border_says_which() {
        for (issued, kept) in [
            ("2026-01-01T06:00:00Z", "2032-05-01"),
            ("2026-12-31T12:00:00Z", "2032-05-01"),
            // Still 31 December 2025 in Nuevo Laredo.
            ("2026-01-01T05:59:59Z", "2031-05-01"),
        ] {
            let issued = issued.parse().expect("a time");
            assert_eq!(conservar_hasta(issued).to_string(), kept, "{issued}");
        }
    }
}

//! Which days figures are about: days of Nuevo Laredo.

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};

use crate::ground::clock::{BUSINESS_ZONE, start_of_day};

/// Some whole days, up to today or before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    /// As `?periodo=` has it.
    pub(super) key: &'static str,
    /// For people.
    pub(super) name: &'static str,
    /// The first day.
    pub(super) first: NaiveDate,
    /// The last one.
    pub(super) last: NaiveDate,
}

/// What can be asked for, and its name.
pub(super) const PERIODS: [(&str, &str); 5] = [
    ("hoy", "Hoy"),
    ("7d", "7 días"),
    ("mes", "Este mes"),
    ("mes-anterior", "Mes anterior"),
    ("anio", "Este año"),
];

/// Today in Nuevo Laredo.
pub(super) fn today(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&BUSINESS_ZONE).date_naive()
}

impl Period {
    /// What `?periodo=` names; none when it names nothing.
    pub(super) fn named(key: &str, now: DateTime<Utc>) -> Option<Self> {
        let (key, name) = PERIODS.into_iter().find(|(known, _)| *known == key)?;
        let today = today(now);
        let month = today.with_day(1)?;
        let (first, last) = match key {
            "hoy" => (today, today),
            "7d" => (today.checked_sub_days(Days::new(6))?, today),
            "mes-anterior" => {
                let last = month.pred_opt()?;
                (last.with_day(1)?, last)
            }
            "anio" => (month.with_month(1)?, today),
            _ => (month, today),
        };
        Some(Self {
            key,
            name,
            first,
            last,
        })
    }

    /// Its first instant.
    pub(super) fn start(&self) -> DateTime<Utc> {
        start_of_day(self.first)
    }

    /// The first instant after it.
    pub(super) fn end(&self) -> DateTime<Utc> {
        start_of_day(self.last.succ_opt().unwrap_or(self.last))
    }

    /// As lists are asked for the same days.
    pub(super) fn query(&self) -> String {
        format!("desde={}&hasta={}", self.first, self.last)
    }

    /// As in «1 al 26 de noviembre de 2026».
    pub(super) fn days(&self) -> String {
        let (first, last) = (self.first, self.last);
        if first == last {
            return first.format("%d/%m/%Y").to_string();
        }
        format!("{} al {}", first.format("%d/%m/%Y"), last.format("%d/%m/%Y"))
    }
}

#[cfg(test)]
mod tests {
    use super::{PERIODS, Period};

    fn days(key: &str, now: &str) -> String {
        let period = Period::named(key, now.parse().expect("a time")).expect("a period");
        format!("{} {}", period.first, period.last)
    }

    #[test]
    fn days_are_those_of_nuevo_laredo() {
        // Half past eleven of the evening of the last of February there.
        let now = "2027-03-01T05:30:00Z";
        assert_eq!(days("hoy", now), "2027-02-28 2027-02-28");
        assert_eq!(days("7d", now), "2027-02-22 2027-02-28");
        assert_eq!(days("mes", now), "2027-02-01 2027-02-28");
        assert_eq!(days("mes-anterior", now), "2027-01-01 2027-01-31");
        assert_eq!(days("anio", now), "2027-01-01 2027-02-28");
        let january = "2027-01-15T12:00:00Z";
        assert_eq!(days("mes-anterior", january), "2026-12-01 2026-12-31");
        for (key, _) in PERIODS {
            let period = Period::named(key, now.parse().expect("a time")).expect("a period");
            assert!(period.start() < period.end(), "{key}");
        }
        assert_eq!(Period::named("siglo", now.parse().expect("a time")), None);
    }
}

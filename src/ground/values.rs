//! Values that cannot hold a wrong value: money, currencies, ids.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clock::{BUSINESS_ZONE, start_of_day};

/// An ISO 4217 currency, upper case, with the number of decimals Stripe counts its amounts in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Currency([u8; 3]);

/// A text that is not three ASCII letters.
#[derive(Debug, thiserror::Error)]
#[error("a currency has three letters, as in \"mxn\"")]
pub struct NotACurrency;

/// Currencies without decimals at Stripe (docs.stripe.com/currencies, "Zero-decimal currencies").
const ZERO_DECIMAL: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
    "XPF",
];

impl Currency {
    /// The Mexican peso.
    pub const MXN: Self = Self(*b"MXN");

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many decimals the smallest unit has: 2 for MXN (centavos), 0 for JPY.
    pub fn decimals(self) -> u32 {
        if ZERO_DECIMAL.contains(&self.code()) { 0 } else { 2 }
    }
}

impl FromStr for Currency {
    type Err = NotACurrency;

    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        let bytes: [u8; 3] = text.as_bytes().try_into().map_err(|_| NotACurrency)?;
        if bytes.iter().all(u8::is_ascii_alphabetic) {
            Ok(Self(bytes.map(|letter| letter.to_ascii_uppercase())))
        } else {
            Err(NotACurrency)
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in the smallest unit of its currency (centavos for MXN), as Stripe sends it. Never a float.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Money {
    /// How many of the smallest unit.
    pub minor: i64,
    /// Which currency.
    pub currency: Currency,
}

impl Money {
    /// An amount of the smallest unit.
    pub fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The amount as PostgreSQL's `numeric` keeps it: 150000 centavos are 1500.00.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.decimals())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id!(
    /// A row of `clientes`.
    ClientId
);
row_id!(
    /// A row of `servicios`.
    ServiceId
);
row_id!(
    /// A row of `contratos_b2b`.
    ContractId
);

/// A calendar month in Nuevo Laredo, as in `2026-11`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Month(NaiveDate);

/// A text that is no month.
#[derive(Debug, thiserror::Error)]
#[error("a month is written as in 2026-11")]
pub struct NotAMonth;

impl Month {
    /// The month of an instant.
    pub fn of(at: DateTime<Utc>) -> Self {
        let day = at.with_timezone(&BUSINESS_ZONE).date_naive();
        Self(day.with_day(1).unwrap_or(day))
    }

    /// As in 2026.
    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// 1 to 12.
    pub fn number(self) -> u8 {
        u8::try_from(self.0.month()).unwrap_or(1)
    }

    /// The month after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(
            self.0
                .checked_add_months(chrono::Months::new(1))
                .unwrap_or(self.0),
        )
    }

    /// The month before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(
            self.0
                .checked_sub_months(chrono::Months::new(1))
                .unwrap_or(self.0),
        )
    }

    /// Its first instant.
    pub fn start(self) -> DateTime<Utc> {
        start_of_day(self.0)
    }
}

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        let plain = text.len() == 7 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        let day = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d");
        day.ok().filter(|_| plain).map(Self).ok_or(NotAMonth)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_keeps_centavos_and_shows_pesos() {
        let price = Money::from_minor(150_050, Currency::MXN);
        assert_eq!(price.to_string(), "1500.50 MXN");
    }

    #[test]
    fn a_currency_without_decimals_is_not_divided() {
        let yen = Money::from_minor(500, "jpy".parse().expect("three letters"));
        assert_eq!(yen.to_string(), "500 JPY");
    }

    #[test]
    fn a_currency_is_three_letters() {
        assert!("mx".parse::<Currency>().is_err());
        assert!("m1n".parse::<Currency>().is_err());
        assert!("ñxn".parse::<Currency>().is_err());
    }

    #[test]
    fn a_month_is_that_of_nuevo_laredo() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        // 00:30 on 1 August there is still July in Mexico City.
        assert_eq!(Month::of(at("2026-08-01T05:30:00Z")).to_string(), "2026-08");
        assert_eq!(Month::of(at("2026-08-01T04:59:59Z")).to_string(), "2026-07");
        let month = |text: &str| text.parse::<Month>().expect("a month");
        // Daylight saving ends on 1 November 2026, at 2 in the night.
        assert_eq!(month("2026-11").start(), at("2026-11-01T05:00:00Z"));
        assert_eq!(month("2026-12").start(), at("2026-12-01T06:00:00Z"));
        assert_eq!(month("2026-01").previous().to_string(), "2025-12");
        assert_eq!(month("2025-12").next().to_string(), "2026-01");
        for wrong in ["2026-13", "2026-1", "26-01", "2026-011", "+026-01", ""] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }
}

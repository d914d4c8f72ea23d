//! Values that cannot hold a wrong value: money, currencies, ids.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
}

//! What the first page counts, each figure as one statement.

pub(super) mod business;
pub(super) mod closed;
pub(super) mod errors;
pub(super) mod machine;
pub(super) mod payments;
pub(super) mod providers;

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::amounts;

/// Amounts of several rows: each currency by itself, because there is no sum of two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Amounts(Vec<(String, Decimal)>);

impl Amounts {
    /// Adds one.
    pub(super) fn add(&mut self, currency: &str, amount: Decimal) {
        match self.0.iter_mut().find(|(known, _)| known == currency) {
            Some((_, sum)) => *sum += amount,
            None => self.0.push((currency.to_owned(), amount)),
        }
    }

    /// Adds those of another sum.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (currency, amount) in &other.0 {
            self.add(currency, *amount);
        }
    }

    /// Each currency's, digit by digit, for programs.
    pub(super) fn by_currency(&self) -> BTreeMap<&str, String> {
        let each = self.0.iter();
        each.map(|(currency, amount)| (currency.as_str(), amount.to_string()))
            .collect()
    }

    /// The sum of those of some rows.
    pub(super) fn of<'a>(rows: impl Iterator<Item = (&'a str, Decimal)>) -> Self {
        let mut sum = Self::default();
        for (currency, amount) in rows {
            sum.add(currency, amount);
        }
        sum
    }
}

impl std::fmt::Display for Amounts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return out.write_str("$0.00");
        }
        let written: Vec<String> = self
            .0
            .iter()
            .map(|(currency, amount)| amounts::money(*amount, currency))
            .collect();
        out.write_str(&written.join(" + "))
    }
}

//! Lenient reading of Stripe's JSON: every field by its path, every miss with the path in its error.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::engine::Failure;
use crate::ground::values::{Currency, Money};

/// A field that is missing or of another type than any version of the API gave it. The event is kept for a person.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown shape: {path} should be {expected}")]
pub struct Unreadable {
    path: String,
    expected: &'static str,
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        Self::Park(unreadable.to_string())
    }
}

/// Times until the year 9999: what PostgreSQL, chrono and people can all read.
pub const SECONDS: RangeInclusive<i64> = 0..=253_402_300_799;

/// Stripe's own limit is twelve digits (docs.stripe.com/currencies, "Minimum and maximum charge amounts").
const LARGEST: u64 = 999_999_999_999;

/// One of Stripe's objects.
#[derive(Clone, Copy)]
pub struct Object<'a> {
    value: &'a Value,
    /// Where it stands in the event, for errors.
    place: &'static str,
}

impl<'a> Object<'a> {
    /// The object at `place` in an event.
    pub fn at(event: &'a Value, place: &'static str) -> Result<Self, Unreadable> {
        match event.pointer(place) {
            Some(value @ Value::Object(_)) => Ok(Self { value, place }),
            _ => Err(Unreadable {
                path: place.to_owned(),
                expected: "an object",
            }),
        }
    }

    fn find(&self, path: &str) -> Option<&'a Value> {
        self.value.pointer(path).filter(|value| !value.is_null())
    }

    fn miss(&self, path: &str, expected: &'static str) -> Unreadable {
        Unreadable {
            path: format!("{}{path}", self.place),
            expected,
        }
    }

    /// A text that is there, fit for PostgreSQL: JSON may hold U+0000, `text` may not.
    pub fn text(&self, path: &str) -> Option<String> {
        self.find(path)
            .and_then(Value::as_str)
            .map(|text| text.replace('\0', "\u{fffd}").chars().take(500).collect())
    }

    /// The address of a page, to be shown to people.
    pub fn page(&self, path: &str) -> Option<String> {
        let page = self.find(path)?.as_str()?;
        let fit =
            page.starts_with("https://") && page.len() <= 2000 && page.bytes().all(|b| b.is_ascii_graphic());
        fit.then(|| page.to_owned())
    }

    /// The id at `path`, whether it came as an id or as the expanded object. Something that is no id of Stripe's is
    /// treated as absent.
    pub fn id(&self, path: &str) -> Option<String> {
        let found = self.find(path)?;
        let id = found.as_str().or_else(|| found.get("id")?.as_str())?;
        (!id.is_empty() && id.len() <= 255 && id.bytes().all(|b| b.is_ascii_graphic())).then(|| id.to_owned())
    }

    /// The id at the first path that has one: newer paths go first.
    pub fn first_id(&self, paths: &[&str]) -> Option<String> {
        paths.iter().find_map(|path| self.id(path))
    }

    /// The id of the object itself.
    pub fn own_id(&self) -> Result<String, Unreadable> {
        self.id("/id").ok_or_else(|| self.miss("/id", "an id"))
    }

    /// One of our own ids out of metadata, which anybody with a payment link may have written.
    pub fn uuid(&self, path: &str) -> Option<Uuid> {
        self.find(path)?.as_str()?.trim().parse().ok()
    }

    /// A time in Unix seconds.
    pub fn time(&self, path: &str) -> Option<DateTime<Utc>> {
        let seconds = self
            .find(path)?
            .as_i64()
            .filter(|seconds| SECONDS.contains(seconds))?;
        DateTime::from_timestamp(seconds, 0)
    }

    /// A whole number.
    pub fn count(&self, path: &str) -> Option<i64> {
        self.find(path)?.as_i64()
    }

    /// A truth value.
    pub fn flag(&self, path: &str) -> Option<bool> {
        self.find(path)?.as_bool()
    }

    /// Whether it says that it is a `kind`. Silence is believed.
    pub fn is_a(&self, kind: &'static str) -> Result<(), Unreadable> {
        match self.find("/object").and_then(Value::as_str) {
            Some(told) if told != kind => Err(self.miss("/object", kind)),
            _ => Ok(()),
        }
    }

    /// An amount in the smallest unit of the object's currency. What was charged or given back is never negative.
    pub fn money(&self, path: &str) -> Result<Option<Money>, Unreadable> {
        match self.signed_money(path)? {
            Some(money) if money.minor < 0 => Err(self.miss(path, "an amount that is not negative")),
            money => Ok(money),
        }
    }

    /// What is due on an invoice can be negative: a credit.
    pub fn signed_money(&self, path: &str) -> Result<Option<Money>, Unreadable> {
        let Some(found) = self.find(path) else {
            return Ok(None);
        };
        let minor = found.as_i64().filter(|minor| minor.unsigned_abs() <= LARGEST);
        let minor = minor.ok_or_else(|| self.miss(path, "a whole number of at most twelve digits"))?;
        Ok(Some(Money::from_minor(minor, self.currency()?)))
    }

    /// An amount that must be there.
    pub fn required_money(&self, path: &str) -> Result<Money, Unreadable> {
        self.money(path)?.ok_or_else(|| self.miss(path, "an amount"))
    }

    fn currency(&self) -> Result<Currency, Unreadable> {
        let code = self.find("/currency").and_then(Value::as_str);
        code.and_then(|code| code.parse().ok())
            .ok_or_else(|| self.miss("/currency", "a currency of three letters"))
    }

    /// The elements of a list object (`{"object":"list","data":[…]}`).
    pub fn list(&self, path: &str, place: &'static str) -> Vec<Object<'a>> {
        let elements = self
            .find(path)
            .and_then(|list| list.get("data"))
            .and_then(Value::as_array);
        elements
            .into_iter()
            .flatten()
            .map(|value| Object { value, place })
            .collect()
    }
}

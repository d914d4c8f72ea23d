//! KV: keys for their time, within the documented limits. Unlike the real one, a change is seen at once.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answers::Refused;

const KEYS_AT_ONCE: usize = 10_000;
const LONGEST_KEY: usize = 512;
const SHORTEST_TTL: i64 = 60;
const WRITE_EVERY: TimeDelta = TimeDelta::seconds(1);

/// A key to be set.
#[derive(Debug, Deserialize)]
pub struct Pair {
    key: String,
    value: String,
    expiration_ttl: Option<i64>,
}

/// A key that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its value, as text.
    pub value: String,
    /// When its time is over.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was set.
    pub written_at: DateTime<Utc>,
}

/// The namespace.
#[derive(Default)]
pub struct Namespace {
    entries: BTreeMap<String, Entry>,
    /// When each key was last written, also by a delete.
    written: BTreeMap<String, DateTime<Utc>>,
}

impl Namespace {
    /// Sets all of them, or none and says why.
    pub fn put(&mut self, pairs: Vec<Pair>, now: DateTime<Utc>) -> Result<Value, Refused> {
        self.may_write(pairs.iter().map(|pair| pair.key.as_str()), now)?;
        let too_short = |pair: &Pair| pair.expiration_ttl.is_some_and(|ttl| ttl < SHORTEST_TTL);
        if pairs.iter().any(too_short) {
            return Err(wrong("Invalid expiration_ttl: it must be at least 60"));
        }
        let count = pairs.len();
        for Pair {
            key,
            value,
            expiration_ttl,
        } in pairs
        {
            let expires_at = expiration_ttl.map(|ttl| now + TimeDelta::seconds(ttl));
            self.written.insert(key.clone(), now);
            let written_at = now;
            self.entries.insert(
                key.clone(),
                Entry {
                    key,
                    value,
                    expires_at,
                    written_at,
                },
            );
        }
        Ok(json!({ "successful_key_count": count, "unsuccessful_keys": [] }))
    }

    /// Takes all of them out; one that is not there is no error.
    pub fn delete(&mut self, keys: Vec<String>, now: DateTime<Utc>) -> Result<Value, Refused> {
        self.may_write(keys.iter().map(String::as_str), now)?;
        let count = keys.len();
        for key in keys {
            self.entries.remove(&key);
            self.written.insert(key, now);
        }
        Ok(json!({ "successful_key_count": count, "unsuccessful_keys": [] }))
    }

    /// The value of a key whose time is not over.
    pub fn get(&self, key: &str, now: DateTime<Utc>) -> Option<String> {
        let entry = self.entries.get(key)?;
        entry.is_there(now).then(|| entry.value.clone())
    }

    /// All that is there.
    pub fn entries(&self, now: DateTime<Utc>) -> Vec<Entry> {
        let there = self.entries.values().filter(|entry| entry.is_there(now));
        there.cloned().collect()
    }

    fn may_write<'a>(
        &self,
        keys: impl ExactSizeIterator<Item = &'a str>,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        if keys.len() > KEYS_AT_ONCE {
            return Err(wrong("too many keys"));
        }
        for key in keys {
            if key.is_empty() || key.len() > LONGEST_KEY {
                return Err(wrong("a key must be of 1 to 512 bytes"));
            }
            if self
                .written
                .get(key)
                .is_some_and(|written| now - written < WRITE_EVERY)
            {
                return Err(Refused::too_many(1));
            }
        }
        Ok(())
    }
}

impl Entry {
    fn is_there(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

fn wrong(message: &str) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, 10022, message)
}

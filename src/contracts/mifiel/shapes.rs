//! Mifiel's document as we need it, read leniently.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// A document sent for signature.
#[derive(Debug, Clone)]
pub struct Document {
    /// Mifiel's id.
    pub id: String,
    /// The id that we gave it.
    pub external: Option<Uuid>,
    /// Whether everybody has signed.
    pub signed: bool,
    /// When the last one did.
    pub signed_at: Option<DateTime<Utc>>,
    /// Until when it can be signed.
    pub expires_at: Option<DateTime<Utc>>,
    /// SHA-256 of what was sent, in hex.
    pub original_hash: Option<String>,
    /// SHA-256 of what was signed, in hex.
    pub signed_hash: Option<String>,
    /// How many have signed, of how many.
    pub signatures: (usize, usize),
}

impl Document {
    /// None: it has no id.
    pub fn of(answer: &Value) -> Option<Self> {
        let text = |key: &str| {
            answer
                .get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let time = |key: &str| text(key).and_then(|text| text.parse::<DateTime<Utc>>().ok());
        let truth = |key: &str| answer.get(key).and_then(Value::as_bool);
        let status = answer.pointer("/status/0").and_then(Value::as_i64) == Some(1);
        let hash = |key: &str| {
            let hash = text(key).map(str::to_lowercase);
            hash.filter(|hash| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        let all = |key: &str| {
            answer
                .get(key)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let signers = all("signers");
        let has_signed = |signer: &&Value| signer.get("signed").and_then(Value::as_bool) == Some(true);
        Some(Self {
            id: text("id")?.to_owned(),
            external: text("external_id").and_then(|id| id.parse().ok()),
            // Where it says whether all have signed, that is the word; older answers say `signed` and `status`.
            signed: truth("signed_by_all").unwrap_or_else(|| truth("signed") == Some(true) && status),
            signed_at: time("signed_at"),
            expires_at: time("expires_at"),
            original_hash: hash("original_hash"),
            signed_hash: hash("signed_hash"),
            signatures: (signers.iter().filter(has_signed).count(), signers.len()),
        })
    }
}

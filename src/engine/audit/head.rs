//! A head: how far the chain was sealed on a day, signed, so that others can prove it later. Each names the one before it:
//! the heads are a chain too, and none can be taken out of it.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::chain::GENESIS;
use super::verify::Intact;
use crate::engine::Failure;
use crate::tools::signing::{PublicKey, Signer};

/// What a head says it is; the key signs other documents too.
const FORMAT: &str = "onlycar-audit-head-1";
/// Days begin and end there, so that they are all alike and jobs come once in each.
const ZONE: &str = "UTC";
/// Where heads are kept in the store.
pub(super) const FOLDER: &str = "evidencias/";
const NAME: &str = "auditoria-";

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    format: String,
    pub(super) day: NaiveDate,
    zone: String,
    pub(super) last_id: i64,
    pub(super) last_hash: String,
    pub(super) rows: u64,
    pub(super) signed_at: DateTime<Utc>,
    pub(super) key_id: String,
    /// SHA-256 of the document of the head before it.
    pub(super) previous: String,
}

/// A head as it is kept: its text, and what stands in it.
#[derive(Debug, Clone)]
pub struct SignedHead {
    pub(super) text: String,
    pub(super) head: Head,
    pub(super) key: PublicKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    head: Box<RawValue>,
    public_key: String,
    signature: String,
}

impl SignedHead {
    /// The head of a day over what was just proven.
    pub(super) fn sign(
        signer: &Signer,
        now: DateTime<Utc>,
        intact: &Intact,
        before: Option<&Self>,
    ) -> Result<Self, Failure> {
        let key = signer.public();
        let head = Head {
            format: FORMAT.to_owned(),
            day: now.date_naive(),
            zone: ZONE.to_owned(),
            last_id: intact.last_id,
            last_hash: intact.last_hash.clone(),
            rows: intact.rows,
            signed_at: now,
            key_id: key.id(),
            previous: after(before),
        };
        let bytes = serde_json::to_string(&head).map_err(Failure::retry)?;
        let document = Document {
            signature: signer.sign(bytes.as_bytes()),
            public_key: key.to_string(),
            head: RawValue::from_string(bytes).map_err(Failure::retry)?,
        };
        let text = serde_json::to_string(&document).map_err(Failure::retry)?;
        Ok(Self { text, head, key })
    }

    /// Reads a document; one whose signature is not that of the key in it is none.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let document: Document = serde_json::from_str(text).map_err(|_| "it cannot be read")?;
        let signed = document.head.get();
        let head: Head = serde_json::from_str(signed).map_err(|_| "its head cannot be read")?;
        if head.format != FORMAT || head.zone != ZONE {
            return Err("it is of another format");
        }
        let key: PublicKey = document.public_key.parse().map_err(|_| "its key is none")?;
        if !key.verify(signed.as_bytes(), &document.signature) {
            return Err("its signature is wrong: it was changed after it was signed");
        }
        if head.key_id != key.id() {
            return Err("it names another key than the one that signed it");
        }
        let text = text.to_owned();
        Ok(Self { text, head, key })
    }

    /// SHA-256 of the document, by which the next head names it.
    pub(super) fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.text))
    }

    /// Whether it is the next one after that.
    pub(super) fn follows(&self, before: Option<&Self>) -> bool {
        self.head.previous == after(before)
    }

    /// Up to where the chain was proven when it was signed.
    pub(super) fn proven(&self) -> Intact {
        Intact {
            rows: self.head.rows,
            last_id: self.head.last_id,
            last_hash: self.head.last_hash.clone(),
        }
    }
}

fn after(before: Option<&SignedHead>) -> String {
    before.map_or_else(|| GENESIS.to_owned(), SignedHead::sha256)
}

/// Where the head of a day is.
pub(super) fn key_of(day: NaiveDate) -> String {
    format!("{FOLDER}{}/{:02}/{NAME}{day}.json", day.year(), day.month())
}

/// Of which day the head under this key is, where it is one of ours.
pub(super) fn day_of(key: &str) -> Option<NaiveDate> {
    let name = key.rsplit('/').next()?;
    let day = name.strip_prefix(NAME)?.strip_suffix(".json")?;
    day.parse().ok().filter(|day| key_of(*day) == key)
}

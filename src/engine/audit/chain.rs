//! One link of the chain: what is hashed, and how.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use sqlx::FromRow;

/// `hash_anterior` of the very first row.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A row of `logs_auditoria`, with the texts exactly as PostgreSQL prints them: what is hashed, so that whoever carries a
/// row away can compute its hash again.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // the columns, by their names
pub struct Link {
    pub id: i64,
    #[serde(serialize_with = "microseconds")]
    pub ocurrido_en: DateTime<Utc>,
    pub actor: String,
    pub accion: String,
    pub recurso_tipo: String,
    pub recurso_id: String,
    pub detalle: String,
    pub ip: Option<String>,
    pub evento_id: Option<String>,
    pub trabajo_id: Option<String>,
    pub hash_anterior: Option<String>,
    pub hash: Option<String>,
}

/// Always with six digits, in UTC.
fn microseconds<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// The columns of [`Link`]; jsonb prints itself in one canonical order, so its text can be hashed.
pub(super) const COLUMNS: &str =
    "id, ocurrido_en, actor, accion, recurso_tipo, recurso_id, detalle::text as detalle,
    ip::text as ip, evento_id::text as evento_id, trabajo_id::text as trabajo_id, hash_anterior, hash";

impl Link {
    /// Its place in the log.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// When.
    pub fn at(&self) -> DateTime<Utc> {
        self.ocurrido_en
    }

    /// Who.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// What.
    pub fn action(&self) -> &str {
        &self.accion
    }

    /// Table and row that it is about.
    pub fn about(&self) -> (&str, &str) {
        (&self.recurso_tipo, &self.recurso_id)
    }

    /// More.
    pub fn detail(&self) -> serde_json::Value {
        serde_json::from_str(&self.detalle).unwrap_or_default()
    }

    /// From where.
    pub fn ip(&self) -> Option<&str> {
        self.ip.as_deref()
    }

    /// The event and the job that caused it.
    pub fn causes(&self) -> (Option<&str>, Option<&str>) {
        (self.evento_id.as_deref(), self.trabajo_id.as_deref())
    }

    /// The hash of the row before it and its own, once it is sealed.
    pub fn sealed(&self) -> Option<(&str, &str)> {
        self.hash_anterior.as_deref().zip(self.hash.as_deref())
    }

    /// Whether it is sealed, and its content is what was sealed.
    pub fn holds(&self) -> bool {
        self.sealed()
            .is_some_and(|(before, hash)| self.digest(before) == hash)
    }

    /// SHA-256 over the hash before and every column, each with its length in front (an absent one has the
    /// length `u32::MAX`), so that no two different rows give the same bytes.
    pub(super) fn digest(&self, before: &str) -> String {
        let mut sha = Sha256::new();
        let id = self.id.to_string();
        let at = self.ocurrido_en.timestamp_micros().to_string();
        let required = [
            before,
            &id,
            &at,
            &self.actor,
            &self.accion,
            &self.recurso_tipo,
            &self.recurso_id,
            &self.detalle,
        ];
        for text in required {
            add(&mut sha, Some(text));
        }
        for text in [&self.ip, &self.evento_id, &self.trabajo_id] {
            add(&mut sha, text.as_deref());
        }
        hex::encode(sha.finalize())
    }
}

fn add(sha: &mut Sha256, text: Option<&str>) {
    let length = text.map_or(u32::MAX, |text| u32::try_from(text.len()).unwrap_or(u32::MAX - 1));
    sha.update(length.to_be_bytes());
    sha.update(text.unwrap_or_default());
}

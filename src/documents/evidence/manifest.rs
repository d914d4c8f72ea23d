//! `evidencia.json` and `firma.json`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::engine::audit::{Head, Link};

/// What the bundle holds and what is known of it. Names are those of the tables.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`super::FORMAT`].
    pub format: String,
    /// When it was made.
    pub generado_en: DateTime<Utc>,
    /// The document.
    pub documento: Described,
    /// What the providers sent that led to it, and how each was trusted.
    pub eventos: Vec<Map<String, Value>>,
    /// What was asked of the providers then.
    pub trabajos: Vec<Map<String, Value>>,
    /// Every other file of the bundle but the signature.
    pub archivos: Vec<Entry>,
    /// Every sealed row of the audit log about the document.
    pub bitacora: Vec<Link>,
    /// Where the log ended when the bundle was made.
    pub cabeza: Head,
}

/// A document by its row, without personal data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// Its table.
    pub tipo: String,
    /// Its row.
    pub id: String,
    /// The columns of that row.
    pub columnas: Map<String, Value>,
}

/// A file of the bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name in the bundle.
    pub nombre: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// How many there are.
    pub bytes: u64,
    /// Where it lies in the store; none of a file that was made for the bundle.
    pub objeto: Option<StoredObject>,
}

/// A file of the document in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredObject {
    /// Which file of the document: `xml`, `pdf`, `acuse`, `original`, `evidencia`.
    pub archivo: String,
    /// Its key.
    pub clave: String,
    /// The store's own name for the bytes.
    pub etag: String,
    /// When they were written, by the store's clock.
    pub ultima_modificacion: Option<DateTime<Utc>>,
    /// The host that they were downloaded from; none when they were made or handed in here, or that was not noted yet.
    pub de: Option<String>,
    /// When we noted that they are stored, if we did.
    pub guardado_en: Option<DateTime<Utc>>,
}

/// `firma.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// `Ed25519`.
    pub algoritmo: String,
    /// The file that is signed.
    pub archivo: String,
    /// The public key, in base64.
    pub llave: String,
    /// The signature over the bytes of the file, in base64.
    pub firma: String,
}

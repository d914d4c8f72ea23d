//! The files of an invoice, however they are handed out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;

use super::{ApiError, GigstackApi, counted};
use crate::ground::config::Dialect;
use crate::tools::outbound::Incoming;

/// A file of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The invoice itself: the XML is what the law wants to be kept.
    Xml,
    /// Its picture.
    Pdf,
    /// SAT's receipt of its cancellation: the only proof of it that the issuer has.
    Acuse,
}

impl Part {
    /// Its name in addresses.
    fn name(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Pdf => "pdf",
            Self::Acuse => "acuse",
        }
    }
}

impl GigstackApi {
    /// Opens a file of a stamped invoice, which its UUID names. It comes from Gigstack itself, from an address that
    /// Gigstack names (held to the list of hosts), or inside the answer.
    pub async fn file(&self, invoice: &str, part: Part, limit: u64) -> Result<Incoming, ApiError> {
        let version = match self.dialect {
            Dialect::V1 => "v1",
            Dialect::V2 => "v2",
        };
        if self.dialect == Dialect::V1 || part == Part::Acuse {
            let url = self.url(&[version, "invoices", invoice, part.name()])?;
            return counted(self.download(url.as_str(), limit).await);
        }
        let files = self
            .get(self.url(&[version, "invoices", invoice, "files"])?)
            .await?;
        let data = files.get("data").unwrap_or(&files);
        match Handed::find(data, part.name()).ok_or(ApiError::Missing)? {
            Handed::At(url) => counted(self.download(url, limit).await),
            Handed::Here(text) => {
                let host = self.base.host_str().unwrap_or_default().to_owned();
                Ok(Incoming::new(host, stream::iter([Ok(at_hand(text, limit)?)])))
            }
        }
    }

    async fn download(&self, url: &str, limit: u64) -> Result<Incoming, ApiError> {
        let download = self.downloads.get(url, limit).await;
        let download = download.map_err(|error| ApiError::of_download(&error, self.base.host_str()))?;
        Ok(download.incoming())
    }
}

/// How a file is handed out: `{"xml": "https://…"}`, `{"xml_url": "https://…"}`, `{"xml": {"url": "https://…"}}`,
/// `{"xml": "PD94…"}`, `{"xml": {"content": "<?xml …"}}`.
enum Handed<'a> {
    At(&'a str),
    Here(&'a str),
}

impl<'a> Handed<'a> {
    fn find(data: &'a Value, name: &str) -> Option<Self> {
        let text = |path: String| data.pointer(&path)?.as_str();
        let named = [format!("/{name}_url"), format!("/{name}/url")];
        if let Some(url) = named.into_iter().find_map(text) {
            return Some(Self::At(url));
        }
        if let Some(value) = text(format!("/{name}")) {
            let is_address = value.starts_with("https://") || value.starts_with("http://");
            return Some(if is_address {
                Self::At(value)
            } else {
                Self::Here(value)
            });
        }
        let inside = ["content", "base64", "data"].map(|key| format!("/{name}/{key}"));
        inside.into_iter().find_map(text).map(Self::Here)
    }
}

/// XML as it stands, anything else in base64.
fn at_hand(text: &str, limit: u64) -> Result<Bytes, ApiError> {
    let bytes = if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        text.as_bytes().to_vec()
    } else {
        let text = text.split_once("base64,").map_or(text, |(_, text)| text);
        let compact: String = text.split_whitespace().collect();
        let decoded = STANDARD.decode(compact);
        decoded.map_err(|_| ApiError::Unreadable("un archivo que no está en base64"))?
    };
    if bytes.len() as u64 > limit {
        return Err(ApiError::Refused(format!(
            "un archivo es de más de {} MiB",
            limit / (1024 * 1024)
        )));
    }
    Ok(Bytes::from(bytes))
}

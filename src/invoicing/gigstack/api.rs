//! Gigstack's API, in both of its dialects: the customer's (`v1`, the paths of the specification) and the vendor's
//! current one (`v2`). The token goes to Gigstack's own address and nowhere else.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::engine::Failure;
use crate::ground::config::{self, Dialect};
use crate::tools::outbound::{self, DownloadError, Downloads, Hosts};

/// Why Gigstack gave no answer that can be used. The texts are Spanish: operators read them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Gigstack knows no such thing.
    #[error("Gigstack no conoce lo que se pidió")]
    Missing,
    /// Not now.
    #[error("Gigstack no está disponible: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
    /// It refuses this request, and will next time.
    #[error("Gigstack rechazó la solicitud: {0}")]
    Refused(String),
    /// Its answer makes no sense.
    #[error("La respuesta de Gigstack no se entiende: {0}")]
    Unreadable(&'static str),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Unavailable { after, .. } => Self::Retry {
                reason: error.to_string(),
                after,
            },
            // Said too early, or a proxy's page: both are mostly gone a minute later.
            ApiError::Missing | ApiError::Unreadable(_) => Self::retry(error),
            ApiError::Refused(_) => Self::Park(error.to_string()),
        }
    }
}

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

/// The bytes of a file, as they come.
pub type Bytestream = BoxStream<'static, Result<Bytes, DownloadError>>;

/// Gigstack's API with our key.
#[derive(Debug, Clone)]
pub struct GigstackApi {
    http: reqwest::Client,
    downloads: Downloads,
    base: Url,
    key: SecretString,
    dialect: Dialect,
}

impl GigstackApi {
    /// Speaks the dialect of the settings.
    pub fn new(settings: &config::Gigstack, file: &config::GigstackFile) -> anyhow::Result<Self> {
        let names: Vec<&str> = file.file_hosts.iter().map(String::as_str).collect();
        let hosts = Hosts::new(&names).with(&settings.base_url);
        Ok(Self {
            http: outbound::client()?,
            downloads: Downloads::new(hosts)?.with_key(&settings.base_url, settings.api_key.clone()),
            base: settings.base_url.clone(),
            key: settings.api_key.clone(),
            dialect: file.dialect,
        })
    }

    /// An invoice as it is now, by Gigstack's id or by its UUID.
    pub async fn invoice(&self, id: &str) -> Result<Value, ApiError> {
        self.get(&match self.dialect {
            Dialect::V1 => format!("v1/invoices/{id}"),
            Dialect::V2 => format!("v2/invoices/income/{id}"),
        })
        .await
    }

    /// A receipt as it is now.
    pub async fn receipt(&self, id: &str) -> Result<Value, ApiError> {
        self.get(&match self.dialect {
            Dialect::V1 => format!("v1/receipts/{id}"),
            Dialect::V2 => format!("v2/receipts/{id}"),
        })
        .await
    }

    /// Asks for a page where the client makes the own invoice. The same key is the same page.
    pub async fn self_service(&self, key: Uuid, body: &Value) -> Result<Value, ApiError> {
        let path = match self.dialect {
            Dialect::V1 => "v1/invoices/self-service",
            Dialect::V2 => "v2/receipts",
        };
        self.post(path, key, body).await
    }

    /// Asks for the global invoice of a month.
    pub async fn public(&self, key: Uuid, body: &Value) -> Result<Value, ApiError> {
        let path = match self.dialect {
            Dialect::V1 => "v1/invoices/public",
            Dialect::V2 => "v2/invoices/income",
        };
        self.post(path, key, body).await
    }

    /// Invoices made since, newest first, from `after` on; the second value names the next page.
    pub async fn list(
        &self,
        since: i64,
        after: Option<&str>,
    ) -> Result<(Vec<Value>, Option<String>), ApiError> {
        let path = match self.dialect {
            Dialect::V1 => "v1/invoices",
            Dialect::V2 => "v2/invoices/income",
        };
        let after = after
            .map(|id| format!("&starting_after={id}"))
            .unwrap_or_default();
        let mut answer = self
            .get(&format!("{path}?limit=100&created_after={since}{after}"))
            .await?;
        let more = answer.get("has_more") == Some(&Value::Bool(true));
        let Some(Value::Array(items)) = answer.get_mut("data").map(Value::take) else {
            return Err(ApiError::Unreadable("una lista sin data"));
        };
        let last = items
            .last()
            .and_then(|item| item.get("id")?.as_str().map(str::to_owned));
        Ok((items, last.filter(|_| more)))
    }

    /// Opens a file of a stamped invoice, which its UUID names. It comes from Gigstack itself, from an address that Gigstack names (held to
    /// the list of hosts), or inside the answer.
    pub async fn file(&self, invoice: &str, part: Part, limit: u64) -> Result<Bytestream, ApiError> {
        if self.dialect == Dialect::V1 || part == Part::Acuse {
            let version = if self.dialect == Dialect::V1 { "v1" } else { "v2" };
            let url = self.url(&format!("{version}/invoices/{invoice}/{}", part.name()))?;
            return self.download(url.as_str(), limit).await;
        }
        let files = self.get(&format!("v2/invoices/{invoice}/files")).await?;
        let data = files.get("data").unwrap_or(&files);
        let name = part.name();
        let found = [format!("/{name}_url"), format!("/{name}/url"), format!("/{name}")]
            .iter()
            .find_map(|path| data.pointer(path).filter(|value| !value.is_null()).cloned());
        match found {
            Some(Value::String(text)) if text.starts_with("http") => self.download(&text, limit).await,
            Some(Value::String(text)) => at_hand(&text, limit),
            Some(Value::Object(file)) => {
                let text = ["content", "base64", "data"]
                    .iter()
                    .find_map(|key| file.get(*key)?.as_str());
                at_hand(text.ok_or(ApiError::Missing)?, limit)
            }
            _ => Err(ApiError::Missing),
        }
    }

    async fn download(&self, url: &str, limit: u64) -> Result<Bytestream, ApiError> {
        let download = self.downloads.get(url, limit).await.map_err(of_download)?;
        Ok(download.into_stream().boxed())
    }

    async fn get(&self, path: &str) -> Result<Value, ApiError> {
        let request = self.http.get(self.url(path)?);
        self.send(request).await
    }

    async fn post(&self, path: &str, key: Uuid, body: &Value) -> Result<Value, ApiError> {
        let mut body = body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("idempotency_key".to_owned(), json!(key));
        }
        let request = self
            .http
            .post(self.url(path)?)
            .header("idempotency-key", key.to_string());
        self.send(request.json(&body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, ApiError> {
        let request = request.bearer_auth(self.key.expose_secret());
        let response = request.send().await.map_err(|error| ApiError::Unavailable {
            reason: if error.is_timeout() {
                "no contestó a tiempo"
            } else {
                "no se pudo conectar"
            }
            .to_owned(),
            after: None,
        })?;
        let status = response.status();
        if status.is_success() {
            return response
                .json()
                .await
                .map_err(|_| ApiError::Unreadable("no es JSON"));
        }
        Err(refused(status, response).await)
    }

    /// Below the base, whether that ends with its version or not.
    fn url(&self, path: &str) -> Result<Url, ApiError> {
        let base = self.base.as_str().trim_end_matches('/');
        let base = base
            .strip_suffix("/v1")
            .or_else(|| base.strip_suffix("/v2"))
            .unwrap_or(base);
        format!("{base}/{path}")
            .parse()
            .map_err(|_| ApiError::Unreadable("GIGSTACK_BASE_URL"))
    }
}

async fn refused(status: StatusCode, response: Response) -> ApiError {
    let after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    match status.as_u16() {
        404 | 410 => ApiError::Missing,
        401 | 403 => ApiError::Unavailable {
            reason: format!("no acepta GIGSTACK_API_KEY ({status})"),
            after: None,
        },
        408 | 409 | 425 | 429 | 500.. => ApiError::Unavailable {
            reason: format!("contestó {status}"),
            after: after.map(Duration::from_secs),
        },
        _ => {
            // Its message may quote what was sent; its code does not.
            let body: Value = response.json().await.unwrap_or_default();
            let code = ["/error/code", "/code", "/error"]
                .iter()
                .find_map(|path| body.pointer(path)?.as_str());
            let code = code.filter(|code| code.len() <= 60 && code.is_ascii());
            ApiError::Refused(format!("{status}, {}", code.unwrap_or("sin código")))
        }
    }
}

fn of_download(error: DownloadError) -> ApiError {
    match error {
        DownloadError::Status {
            status: 404 | 410, ..
        } => ApiError::Missing,
        DownloadError::Status {
            ref host,
            status,
            after,
        } => ApiError::Unavailable {
            reason: format!("{host} contestó {status}"),
            after,
        },
        DownloadError::Forbidden { .. } | DownloadError::TooLarge { .. } => {
            ApiError::Refused(error.to_string())
        }
        DownloadError::Unavailable { .. } | DownloadError::Inexact { .. } => ApiError::Unavailable {
            reason: error.to_string(),
            after: None,
        },
    }
}

/// XML as it stands, anything else in base64.
fn at_hand(text: &str, limit: u64) -> Result<Bytestream, ApiError> {
    let bytes = if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        text.as_bytes().to_vec()
    } else {
        let text = text.split_once("base64,").map_or(text, |(_, text)| text);
        let compact: String = text.split_whitespace().collect();
        let decoded = STANDARD.decode(compact);
        decoded.map_err(|_| ApiError::Unreadable("un archivo que no está en base64"))?
    };
    if bytes.len() as u64 > limit {
        return Err(ApiError::Refused(format!("un archivo de más de {limit} bytes")));
    }
    Ok(stream::iter([Ok(Bytes::from(bytes))]).boxed())
}

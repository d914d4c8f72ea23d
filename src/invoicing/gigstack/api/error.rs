//! Why Gigstack gave no answer that can be used.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::engine::Failure;
use crate::tools::outbound::DownloadError;
use crate::tools::outbound::answer::retry_after;

/// Why Gigstack gave no answer that can be used. The texts are Spanish: operators read them. None repeats our key, nor
/// what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Gigstack knows no such thing.
    #[error("Gigstack no conoce lo que se pidió")]
    Missing,
    /// Nothing can be asked with this key; what is asked does not matter.
    #[error("Gigstack no acepta GIGSTACK_API_KEY (contestó {0}): genera otra en su panel y cámbiala")]
    KeyRefused(u16),
    /// Not now.
    #[error("Gigstack no está disponible: {reason}; se vuelve a intentar")]
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
            // Said too early, a proxy's page, a key that is being replaced: all are mostly gone later.
            ApiError::Missing | ApiError::Unreadable(_) | ApiError::KeyRefused(_) => Self::retry(error),
            ApiError::Refused(_) => Self::Park(error.to_string()),
        }
    }
}

impl ApiError {
    /// A stable word for metrics.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::KeyRefused(_) => "key-refused",
            Self::Unavailable { .. } => "unavailable",
            Self::Refused(_) => "refused",
            Self::Unreadable(_) => "unreadable",
        }
    }

    pub(super) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
            after: None,
        }
    }

    /// No answer at all, or not all of it.
    pub(super) fn of_request(error: &reqwest::Error) -> Self {
        Self::unavailable(if error.is_timeout() {
            "no contestó a tiempo"
        } else if error.is_connect() {
            "no se pudo conectar con GIGSTACK_BASE_URL"
        } else {
            "la conexión se cortó"
        })
    }

    /// An answer that is no success.
    pub(super) async fn of_answer(response: Response) -> Self {
        let status = response.status();
        match status.as_u16() {
            404 | 410 => Self::Missing,
            401 | 403 => Self::KeyRefused(status.as_u16()),
            408 | 425 | 429 | 500.. => Self::Unavailable {
                reason: format!("contestó {}", status.as_u16()),
                after: retry_after(&response),
            },
            // Our key would go wherever it leads.
            300..=399 => Self::unavailable(format!(
                "mandó a otra dirección ({}); revisa GIGSTACK_BASE_URL",
                status.as_u16()
            )),
            _ => Self::of_refusal(status, response).await,
        }
    }

    /// Its message may quote what was sent; its code does not.
    async fn of_refusal(status: StatusCode, response: Response) -> Self {
        let after = retry_after(&response);
        let body = super::bytes(response).await.unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let code = ["/error/code", "/code", "/error"]
            .iter()
            .filter_map(|path| body.pointer(path)?.as_str())
            .find(|code| is_code(code));
        if status == StatusCode::CONFLICT && code != Some("idempotency_conflict") {
            // The same question is being answered just now.
            let reason = "la misma solicitud está en curso (409)".to_owned();
            return Self::Unavailable { reason, after };
        }
        Self::Refused(format!(
            "contestó {} ({}); búscala en su panel o corrige los datos, y repítela",
            status.as_u16(),
            code.unwrap_or("sin código")
        ))
    }

    /// A file that did not come. `api` is the host that our key is for.
    pub(super) fn of_download(error: &DownloadError, api: Option<&str>) -> Self {
        match error {
            DownloadError::Status {
                status: 404 | 410, ..
            } => Self::Missing,
            DownloadError::Status {
                host,
                status: status @ (401 | 403),
                ..
            } if Some(host.as_str()) == api => Self::KeyRefused(*status),
            DownloadError::Status { host, status, after } => Self::Unavailable {
                reason: format!("{host} contestó {status} al pedir un archivo"),
                after: *after,
            },
            DownloadError::Forbidden { host, .. } => Self::Refused(format!(
                "un archivo está en una dirección que no se admite ({host}); si es de Gigstack, agrégala a \
                 gigstack.file_hosts"
            )),
            DownloadError::TooLarge { limit, .. } => {
                Self::Refused(format!("un archivo es de más de {} MiB", limit / (1024 * 1024)))
            }
            DownloadError::Unavailable { host, .. } | DownloadError::Inexact { host, .. } => {
                Self::unavailable(format!("un archivo no llegó completo de {host}"))
            }
        }
    }
}

/// As in `resource_not_found`: what could be a name, an RFC or a mail address is none.
fn is_code(code: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-' | b'.');
    (1..=60).contains(&code.len()) && code.bytes().all(fits)
}

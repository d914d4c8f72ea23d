//! Why Mifiel gave no answer that can be used.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Response, header};

use crate::engine::Failure;
use crate::tools::outbound::DownloadError;
use crate::tools::outbound::answer::retry_after;

/// Mifiel takes requests whose date is up to 15 minutes from its own (api-auth's default).
const SKEW: TimeDelta = TimeDelta::minutes(15);

/// Why Mifiel gave no answer that can be used. The texts are Spanish: people of the team read them. None repeats our
/// keys, nor what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Mifiel knows no such document, or not any more.
    #[error("Mifiel no conoce el documento")]
    Missing,
    /// Not there yet: what is asked for comes with the last signature.
    #[error("Mifiel no tiene todavía el archivo (contestó {0})")]
    NotYet(u16),
    /// Nothing can be asked with these keys.
    #[error("Mifiel no acepta MIFIEL_APP_ID y MIFIEL_APP_SECRET (contestó {0}): revísalos en su panel")]
    KeyRefused(u16),
    /// Our clock or Mifiel's is wrong; requests are signed with the time.
    #[error("Mifiel no acepta la hora de esta máquina: va {0} s distinta de la suya; corrige el reloj (NTP)")]
    Clock(i64),
    /// Not now.
    #[error("Mifiel no está disponible: {reason}; se vuelve a intentar")]
    Unavailable {
        /// What happened.
        reason: String,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
    /// It refuses this request, and will next time.
    #[error("Mifiel rechazó la solicitud: {0}")]
    Refused(String),
    /// Its answer makes no sense.
    #[error("La respuesta de Mifiel no se entiende: {0}")]
    Unreadable(&'static str),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Unavailable { after, .. } => Self::Retry {
                reason: error.to_string(),
                after,
            },
            ApiError::Refused(_) => Self::Park(error.to_string()),
            // Said too early, a proxy's page, a key or a clock that is being put right: all are mostly gone later.
            _ => Self::retry(error),
        }
    }
}

impl ApiError {
    /// A stable word for metrics.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotYet(_) => "not-yet",
            Self::KeyRefused(_) => "key-refused",
            Self::Clock(_) => "clock",
            Self::Unavailable { .. } => "unavailable",
            Self::Refused(_) => "refused",
            Self::Unreadable(_) => "unreadable",
        }
    }

    /// No answer at all, or not all of it.
    pub(super) fn of_request(error: &reqwest::Error) -> Self {
        let reason = if error.is_timeout() {
            "no contestó a tiempo"
        } else if error.is_connect() {
            "no se pudo conectar con MIFIEL_BASE_URL"
        } else {
            "la conexión se cortó"
        };
        Self::Unavailable {
            reason: reason.to_owned(),
            after: None,
        }
    }

    /// An answer that is no success, to a question of this time.
    pub(super) fn of_answer(response: &Response, asked_at: DateTime<Utc>) -> Self {
        let status = response.status().as_u16();
        match status {
            404 | 410 => Self::Missing,
            406 => Self::NotYet(status),
            401 | 403 => match skew(response, asked_at) {
                Some(skew) => Self::Clock(skew.num_seconds()),
                None => Self::KeyRefused(status),
            },
            408 | 425 | 429 | 500.. => Self::Unavailable {
                reason: format!("contestó {status}"),
                after: retry_after(response),
            },
            300..=399 => Self::Unavailable {
                reason: format!("mandó a otra dirección ({status}); revisa MIFIEL_BASE_URL"),
                after: None,
            },
            402 => Self::Refused("la cuenta de Mifiel no tiene saldo o plan (402)".to_owned()),
            // Its texts may quote what was sent: names and addresses of signers.
            _ => Self::Refused(format!(
                "contestó {status}; corrige el documento o los firmantes y envíalo de nuevo"
            )),
        }
    }

    /// A file that did not come.
    pub(super) fn of_download(error: &DownloadError) -> Self {
        match error {
            DownloadError::Status {
                status: 404 | 410, ..
            } => Self::Missing,
            DownloadError::Status { status: 406, .. } => Self::NotYet(406),
            DownloadError::Status { status, .. } if matches!(status, 401 | 403) => Self::KeyRefused(*status),
            DownloadError::Status { status, after, .. } => Self::Unavailable {
                reason: format!("contestó {status} al pedir un archivo"),
                after: *after,
            },
            DownloadError::Forbidden { host, .. } => Self::Refused(format!(
                "un archivo está en una dirección que no se admite ({host})"
            )),
            DownloadError::TooLarge { limit, .. } => {
                Self::Refused(format!("un archivo es de más de {} MiB", limit / (1024 * 1024)))
            }
            DownloadError::Unavailable { .. } | DownloadError::Inexact { .. } => Self::Unavailable {
                reason: "un archivo no llegó completo".to_owned(),
                after: None,
            },
        }
    }
}

/// How far the clocks are apart, where that is too far.
fn skew(response: &Response, asked_at: DateTime<Utc>) -> Option<TimeDelta> {
    let theirs = response.headers().get(header::DATE)?.to_str().ok()?;
    let theirs = DateTime::parse_from_rfc2822(theirs).ok()?.with_timezone(&Utc);
    let skew = asked_at - theirs;
    (skew.abs() > SKEW).then_some(skew)
}

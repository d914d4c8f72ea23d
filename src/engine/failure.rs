//! Why a piece of work did not end, as the queue understands it.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};

use crate::tools::objects::StoreError;
use crate::tools::outbound::DownloadError;
use crate::tools::problem::Problem;

/// PostgreSQL's codes for a transaction that was ended in favour of another one.
const DEADLOCK: &str = "40P01";
const SERIALIZATION: &str = "40001";

/// What the queue does with a piece of work that did not end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Try again later: after `after` when somebody said when, else after the usual growing wait.
    #[error("{reason}")]
    Retry {
        /// What happened.
        reason: String,
        /// When the other side wants to be asked again.
        after: Option<Duration>,
    },
    /// Keep it for a person: it is not wrong to try again, it is useless.
    #[error("{0}")]
    Park(String),
    /// Another worker holds the row now; nothing was written, and nothing must be.
    #[error("the lease was lost to another worker; nothing was written")]
    LeaseLost,
}

impl Failure {
    /// Try again after the usual wait.
    #[allow(clippy::needless_pass_by_value)] // fits map_err
    pub fn retry(reason: impl ToString) -> Self {
        Self::Retry {
            reason: reason.to_string(),
            after: None,
        }
    }

    /// Whether another transaction was let through instead of this one: it may be tried again at once.
    pub fn is_overtaken(&self) -> bool {
        matches!(self, Self::Retry { after, .. } if *after == Some(Duration::ZERO))
    }
}

/// What a caller of the API is told who waits for it: the reason is for the log.
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        tracing::error!(%failure, "a request of the API was not done");
        let detail =
            "No se pudo guardar ni leer en este momento y nada cambió. Inténtalo de nuevo en unos segundos.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-disponible", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        let overtaken = matches!(code.as_deref(), Some(DEADLOCK | SERIALIZATION));
        Self::Retry {
            reason: format!("database: {error}"),
            // The other transaction has what it wanted: nothing is to be waited for.
            after: overtaken.then_some(Duration::ZERO),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Source(source) => source.into(),
            StoreError::Unavailable { after, .. } => Self::Retry {
                reason: error.to_string(),
                after,
            },
            StoreError::Refused(_) | StoreError::Different { .. } | StoreError::TooLarge { .. } => {
                Self::Park(error.to_string())
            }
        }
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        match error {
            // Any status: a file may not be there yet, and a link that has run out is asked for anew.
            DownloadError::Status { after, .. } => Self::Retry {
                reason: error.to_string(),
                after,
            },
            DownloadError::Unavailable { .. } => Self::retry(error),
            DownloadError::Forbidden { .. }
            | DownloadError::Inexact { .. }
            | DownloadError::TooLarge { .. } => Self::Park(error.to_string()),
        }
    }
}

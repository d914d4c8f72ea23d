//! Why a document could not be stored or read.

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::tools::outbound::DownloadError;

/// What went wrong with an object. Keys carry ids alone; no header, no signature and no secret is ever in it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is away, too slow, or does not let us in: the same call may succeed later.
    #[error("the object store is not available: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
        /// When the store wants to be asked again.
        after: Option<Duration>,
    },
    /// This object as it is will never be taken.
    #[error("the object store refuses it: {0}")]
    Refused(String),
    /// Something else is stored under this key. Nothing was changed.
    #[error("{key} is stored already, with other bytes; the new ones have SHA-256 {offered}")]
    Different {
        /// The key.
        key: String,
        /// The digest of what was refused, in hex.
        offered: String,
    },
    /// The source gave more than was allowed.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The source of the bytes broke off; nothing was stored.
    #[error("its source failed: {0}")]
    Source(#[from] DownloadError),
}

/// Refusals that are not about the document. Wrong keys, a missing right, a wrong clock, the wrong bucket: once the
/// configuration is mended it can be stored. Bytes that were lost or changed on the way: the next time they may not be.
const MAY_PASS: [&str; 10] = [
    "AccessDenied",
    "BadDigest",
    "ExpiredRequest",
    "IncompleteBody",
    "InvalidAccessKeyId",
    "NoSuchBucket",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "Unauthorized",
    "XAmzContentSHA256Mismatch",
];

impl StoreError {
    pub(super) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
            after: None,
        }
    }
}

impl<E: ProvideErrorMetadata> From<SdkError<E>> for StoreError {
    fn from(error: SdkError<E>) -> Self {
        // The client's own texts are not repeated: some of them print the whole request.
        let failure = match &error {
            SdkError::ServiceError(_) => return answered(&error),
            SdkError::ConstructionFailure(_) => {
                return Self::Refused("no request can be made of it".to_owned());
            }
            SdkError::TimeoutError(_) => "no answer in time",
            SdkError::DispatchFailure(failure) if failure.is_timeout() => "no answer in time",
            SdkError::DispatchFailure(_) => "no connection, or it broke off",
            _ => "its answer cannot be read",
        };
        Self::unavailable(failure)
    }
}

fn answered<E: ProvideErrorMetadata>(error: &SdkError<E>) -> StoreError {
    let status = status(error).unwrap_or_default();
    let code = error.code().unwrap_or("no code");
    let told = format!("it answered {status} {code}");
    let passes = matches!(status, 401 | 408 | 409 | 425 | 429 | 500 | 502..) || MAY_PASS.contains(&code);
    // The answer to HEAD has no body, and so no code.
    if passes || (status == 403 && error.code().is_none()) {
        StoreError::Unavailable {
            reason: told,
            after: after(error),
        }
    } else {
        StoreError::Refused(told)
    }
}

/// The status of an answer, when there was one.
pub(super) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

fn after<E>(error: &SdkError<E>) -> Option<Duration> {
    let seconds = error.raw_response()?.headers().get("retry-after")?;
    seconds.parse().ok().map(Duration::from_secs)
}

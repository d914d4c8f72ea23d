//! Conditional requests: `If-Match`, `If-None-Match` and the two dates.

use axum::http::header::{ETAG, HeaderMap, HeaderValue};
use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::{S3Error, S3Result, s3_error};

use super::bucket::Record;

/// The conditions of one request.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the headers are called so")]
pub(super) struct Conditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

impl Conditions {
    /// Whether a write may replace `current`.
    pub(super) fn allow_write(&self, current: Option<&Record>) -> S3Result<()> {
        let matching = |condition: &ETagCondition| current.is_some_and(|record| matches(condition, record));
        let lost = self
            .if_match
            .as_ref()
            .is_some_and(|condition| !matching(condition));
        let taken = self.if_none_match.as_ref().is_some_and(matching);
        if lost || taken {
            Err(precondition_failed())
        } else {
            Ok(())
        }
    }

    /// Whether `record` may be read; each `ETag` condition overrules the date beside it (RFC 9110, 13.2.2).
    pub(super) fn allow_read(&self, record: &Record) -> S3Result<()> {
        let held = match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) => matches(condition, record),
            (None, Some(date)) => record.last_modified <= *date,
            (None, None) => true,
        };
        if !held {
            return Err(precondition_failed());
        }
        let unchanged = match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => matches(condition, record),
            (None, Some(date)) => record.last_modified <= *date,
            (None, None) => false,
        };
        if unchanged {
            Err(not_modified(record))
        } else {
            Ok(())
        }
    }
}

fn matches(condition: &ETagCondition, record: &Record) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.weak_cmp(&ETag::Strong(record.etag.clone())),
    }
}

fn precondition_failed() -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold."
    )
}

fn not_modified(record: &Record) -> S3Error {
    let mut error = s3_error!(NotModified);
    if let Ok(etag) = HeaderValue::try_from(format!("\"{}\"", record.etag)) {
        error.set_headers(HeaderMap::from_iter([(ETAG, etag)]));
    }
    error
}

//! What R2 does not implement and therefore answers with 501, so that nobody builds on it by accident.

use axum::http::HeaderMap;
use s3s::dto::GetObjectInput;
use s3s::{S3Result, s3_error};

/// Headers of the S3 API that R2 does not implement. `x-amz-acl` and SSE with AES256 are tolerated there.
const UNSUPPORTED: [&str; 9] = [
    "x-amz-tagging",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-context",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-website-redirect-location",
];

/// Refuses a write that asks for something R2 does not do.
pub(super) fn refuse_unsupported(headers: &HeaderMap) -> S3Result<()> {
    if let Some(name) = UNSUPPORTED.iter().find(|name| headers.contains_key(**name)) {
        return Err(s3_error!(NotImplemented, "Header '{name}' not implemented"));
    }
    let encryption = text(headers, "x-amz-server-side-encryption");
    if encryption.starts_with("aws:") {
        return Err(s3_error!(
            NotImplemented,
            "Server-side encryption '{encryption}' not implemented"
        ));
    }
    // R2 stores such a body corrupted or refuses it, depending on the day; only the refusal is of use here.
    let payload = text(headers, "x-amz-content-sha256");
    if payload.ends_with("-TRAILER") {
        return Err(s3_error!(
            NotImplemented,
            "{payload} not implemented: set the client's checksum calculation to WHEN_REQUIRED"
        ));
    }
    Ok(())
}

/// Refuses `response-*` overrides: R2's own local server ignores them, so headers belong on the object itself.
pub(super) fn refuse_overrides(input: &GetObjectInput) -> S3Result<()> {
    let overridden = input.response_cache_control.is_some()
        || input.response_content_disposition.is_some()
        || input.response_content_encoding.is_some()
        || input.response_content_language.is_some()
        || input.response_content_type.is_some()
        || input.response_expires.is_some();
    if overridden {
        return Err(s3_error!(
            NotImplemented,
            "response-* overrides are not implemented: store the header instead"
        ));
    }
    Ok(())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

//! A token per role, as Supabase Auth would issue it (HS256, the project's JWT secret), valid for a day.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use uuid::Uuid;

/// Who a token is for.
pub(super) struct Holder {
    pub(super) role: &'static str,
    pub(super) user: Uuid,
}

/// Signs a token for `holder` at `{supabase_url}`.
pub(super) fn token(
    holder: &Holder,
    supabase_url: &str,
    secret: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    let claims = json!({
        "iss": format!("{supabase_url}/auth/v1"),
        "aud": "authenticated",
        "sub": holder.user,
        "role": "authenticated",
        "app_metadata": { "role": holder.role },
        "iat": now.timestamp(),
        "exp": (now + TimeDelta::days(1)).timestamp(),
    });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        part(&json!({ "alg": "HS256", "typ": "JWT" })),
        part(&claims)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(signed.as_bytes());
    Ok(format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    ))
}

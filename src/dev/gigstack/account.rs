//! Whose team it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::ground::config::Issuer;

/// The team: its key, who issues its invoices, and at which rate.
#[derive(Debug, Clone)]
pub struct Account {
    /// The bearer token that the API answers to. Its mode is that of everything in the team.
    pub key: String,
    /// Who issues the invoices.
    pub issuer: Issuer,
    /// The rate of IVA in what is paid: 0.16, or 0.08 with the border's benefit.
    pub vat: Decimal,
    /// Decides on every id; the same seed makes the same ones.
    pub seed: u64,
}

impl Account {
    /// A team at 16 %.
    pub fn new(key: &str, issuer: Issuer) -> Self {
        Self {
            key: key.to_owned(),
            issuer,
            vat: Decimal::new(16, 2),
            seed: 1,
        }
    }

    /// A test key is an `sk_test…` or says so in its claims.
    pub(super) fn livemode(&self) -> bool {
        let claims = self.key.split('.').nth(1);
        let claims = claims.and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Option<Value> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
        let told = claims.and_then(|claims| claims.get("livemode")?.as_bool());
        told.unwrap_or_else(|| !self.key.starts_with("sk_test"))
    }
}

/// A key as Gigstack issues them: a JWT whose claims tell its mode. Nobody checks the signature.
pub fn key(livemode: bool) -> String {
    let mode = if livemode { "live" } else { "test" };
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({ "alg": "HS256", "typ": "JWT" }));
    let claims =
        json!({ "livemode": livemode, "key_id": format!("sk_{mode}_onlycar"), "team": "team_onlycar" });
    let claims = part(claims);
    format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode([7; 32]))
}

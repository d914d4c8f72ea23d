//! Who asks, as the server's side of the Ruby gem api-auth judges it: HMAC-SHA1 over method, type, hash, address and date.

use axum::http::{HeaderMap, Method, Uri, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use md5::{Digest, Md5};
use ring::hmac;

use super::Account;

/// How far the caller's clock may be from ours, either way.
const SKEW: TimeDelta = TimeDelta::seconds(900);

/// A question as it came.
pub(super) struct Asked<'q> {
    pub(super) method: &'q Method,
    pub(super) uri: &'q Uri,
    pub(super) headers: &'q HeaderMap,
    pub(super) body: &'q [u8],
}

impl Asked<'_> {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// Whether the account asks, and in our time.
    pub(super) fn is_by(&self, account: &Account, now: DateTime<Utc>) -> bool {
        let told = self.header(header::AUTHORIZATION.as_str());
        let Some((id, signature)) = told
            .strip_prefix("APIAuth ")
            .and_then(|told| told.split_once(':'))
        else {
            return false;
        };
        let Ok(signature) = STANDARD.decode(signature) else {
            return false;
        };
        let key = key(&account.app_secret);
        let right = hmac::verify(&key, self.canonical().as_bytes(), &signature).is_ok();
        id == account.app_id && right && self.is_of(now) && self.is_whole()
    }

    fn canonical(&self) -> String {
        let uri = self.uri.path_and_query();
        let uri = uri.map_or("/", |uri| uri.as_str());
        let (kind, hash) = (self.header("content-type"), self.header("content-md5"));
        canonical([self.method.as_str(), kind, hash, uri, self.header("date")])
    }

    fn is_of(&self, now: DateTime<Utc>) -> bool {
        let date = NaiveDateTime::parse_from_str(self.header("date"), "%a, %d %b %Y %H:%M:%S GMT");
        date.is_ok_and(|date| (now - date.and_utc()).abs() <= SKEW)
    }

    /// A hash is checked where there is one, and only of what changes something.
    fn is_whole(&self) -> bool {
        let told = self.header("content-md5");
        let changes = matches!(*self.method, Method::POST | Method::PUT);
        told.is_empty() || !changes || told == STANDARD.encode(Md5::digest(self.body))
    }
}

fn canonical(parts: [&str; 5]) -> String {
    parts.join(",")
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/api/v1/documents/29f3cb01-744d-4eae-8718-213aec8a1678/file_signed";

    /// The vendor's own vectors, and two of the same form.
    #[test]
    fn signatures_are_those_of_the_vendors_clients() {
        let (old, new) = ("Fri, 05 Feb 2016 00:00:00 GMT", "Tue, 30 May 2017 03:51:43 GMT");
        for (secret, parts, signature) in [
            (
                "secret_key",
                ["GET", "text/json", "zkuNetVTXWgvValQu70fpw==", "", old],
                "T9lDIpknHXt1jDcoiU0YnHi4flA=",
            ),
            (
                "secret_key",
                ["GET", "text/json", "1B2M2Y8AsgTpgAmY7PhCfg==", "", old],
                "Z+e8CG9ZGQ0YFxrKEYltxVu4tRU=",
            ),
            (
                "app-secret",
                [
                    "POST",
                    "application/json",
                    "",
                    "/api/v1/documents",
                    "Fri, 01 Jan 2016 00:00:00 GMT",
                ],
                "Qr94Z4Nvp0p5G1CsR5LpQDaTQXM=",
            ),
            (
                "secret_key",
                ["GET", "application/json", "", FILE, new],
                "wJl5ADjMIWhshtJFS8tsKrHUl3s=",
            ),
            (
                "secret_key",
                ["GET", "", "1B2M2Y8AsgTpgAmY7PhCfg==", FILE, new],
                "GTE1qt3TVi5hsF3daat8siXJxTE=",
            ),
        ] {
            let signed = hmac::sign(&key(secret), canonical(parts).as_bytes());
            assert_eq!(STANDARD.encode(signed.as_ref()), signature, "{parts:?}");
        }
    }
}

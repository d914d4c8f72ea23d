//! The cookie of a session: what is in it, and what a browser may do with it.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

/// What the browser alone knows.
pub(super) struct Secret([u8; 32]);

impl Secret {
    /// From the generator that the operating system seeds.
    pub(super) fn random() -> Self {
        Self(rand::random())
    }

    pub(super) fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0).into())
    }
}

/// How the database knows a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digest(pub(super) [u8; 32]);

impl Digest {
    pub(super) fn hex(self) -> String {
        hex::encode(self.0)
    }

    /// Enough of it to tell sessions apart, as the audit log names them.
    pub(super) fn name(self) -> String {
        self.hex().chars().take(16).collect()
    }
}

pub(super) struct Cookie {
    name: &'static str,
    attributes: String,
    max_age: i64,
}

impl Cookie {
    pub(super) fn new(encrypted: bool, longest: TimeDelta) -> Self {
        // With this prefix no other host of the domain, and nothing in the clear, can set it.
        let (name, secure) = if encrypted {
            ("__Host-onlycar_sesion", "; Secure")
        } else {
            ("onlycar_sesion", "")
        };
        Self {
            name,
            attributes: format!("; Path=/; HttpOnly; SameSite=Strict{secure}"),
            max_age: longest.num_seconds(),
        }
    }

    pub(super) fn set(&self, secret: &Secret) -> HeaderValue {
        self.header(&URL_SAFE_NO_PAD.encode(secret.0), self.max_age)
    }

    pub(super) fn clear(&self) -> HeaderValue {
        self.header("", 0)
    }

    fn header(&self, value: &str, max_age: i64) -> HeaderValue {
        let text = format!("{}={value}; Max-Age={max_age}{}", self.name, self.attributes);
        // It is ASCII; and a cookie that nobody gets signs nobody in.
        let mut header = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }

    /// What a request brings. Of two, nobody knows which is ours.
    pub(super) fn read(&self, headers: &HeaderMap) -> Option<Secret> {
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        let mut values = pairs.filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == self.name).then_some(value)
        });
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        Some(Secret(URL_SAFE_NO_PAD.decode(value).ok()?.try_into().ok()?))
    }
}

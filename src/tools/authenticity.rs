//! Who sent a webhook, for providers whose scheme is a matter of configuration: a list of schemes, of which one or all
//! have to fit. On the raw bytes, in constant time.

use std::borrow::Cow;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use url::form_urlencoded;

use crate::ground::config::{Encoding, Policy, Scheme, Secrets, Verification};

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Disbelief {
    /// It carries nothing that could be checked.
    #[error("there is no signature")]
    Unsigned,
    /// What it carries does not fit.
    #[error("the signature does not match")]
    Mismatch,
    /// It is too old, or from the future.
    #[error("the timestamp is outside the tolerance")]
    Stale,
}

impl Disbelief {
    /// A stable word for metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Mismatch => "mismatch",
            Self::Stale => "stale",
        }
    }
}

/// The checks of one provider.
pub struct Authenticity {
    verification: Verification,
    secrets: Secrets,
    token: Option<SecretString>,
}

/// A message to be judged.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// What stands behind `?` in the address that it came to.
    pub query: Option<&'a str>,
    /// The bytes as they came.
    pub body: &'a [u8],
    /// When it came.
    pub now: DateTime<Utc>,
}

impl Authenticity {
    /// With the provider's secrets, each of which is as good as the other.
    pub fn new(verification: &Verification, secrets: &Secrets) -> Self {
        Self {
            verification: verification.clone(),
            secrets: secrets.clone(),
            token: None,
        }
    }

    /// And with the token that the address of our own choice carries.
    #[must_use]
    pub fn with_token(mut self, token: Option<SecretString>) -> Self {
        self.token = token;
        self
    }

    /// Judges a message. With nothing to check by, nobody is believed.
    pub fn check(&self, letter: &Letter<'_>) -> Result<(), Disbelief> {
        let schemes = self.verification.schemes.iter();
        let judged: Vec<_> = schemes.map(|scheme| self.judge(scheme, letter)).collect();
        let good = judged.iter().filter(|judged| judged.is_ok()).count();
        let believed = match self.verification.policy {
            Policy::Any => good > 0,
            Policy::All => good > 0 && good == judged.len(),
        };
        if believed {
            return Ok(());
        }
        // What comes nearest to a good one says most.
        let order = [Disbelief::Stale, Disbelief::Mismatch];
        let nearest = order.into_iter().find(|why| judged.contains(&Err(*why)));
        Err(nearest.unwrap_or(Disbelief::Unsigned))
    }

    fn judge(&self, scheme: &Scheme, letter: &Letter<'_>) -> Result<(), Disbelief> {
        match scheme {
            Scheme::StandardWebhooks { tolerance_seconds } => self.standard(letter, *tolerance_seconds),
            Scheme::Hmac {
                header,
                encoding,
                prefix,
                template,
                timestamp_header,
                id_header,
                tolerance_seconds,
            } => {
                let value = letter.one(header)?;
                let text = value.strip_prefix(prefix.as_str()).ok_or(Disbelief::Mismatch)?;
                let candidate = match encoding {
                    Encoding::Hex => hex::decode(text).ok(),
                    Encoding::Base64 => STANDARD.decode(text).ok(),
                };
                let named =
                    |header: &Option<String>| header.as_deref().map(|name| letter.one(name)).transpose();
                let (time, id) = (named(timestamp_header)?, named(id_header)?);
                let signed = fill(
                    template,
                    id.unwrap_or_default(),
                    time.unwrap_or_default(),
                    letter.body,
                );
                self.fits(|secret| vec![secret.to_vec()], &signed, candidate.as_slice())?;
                time.map_or(Ok(()), |time| letter.is_fresh(time, *tolerance_seconds))
            }
            Scheme::StaticHeader { header } => {
                let value = letter.one(header)?.as_bytes();
                let fits = self
                    .secrets
                    .keys()
                    .fold(false, |fits, secret| fits | same(value, secret));
                if fits { Ok(()) } else { Err(Disbelief::Mismatch) }
            }
            Scheme::QueryToken { parameter } => {
                let value = letter.parameter(parameter)?;
                let token = self.token.as_ref().ok_or(Disbelief::Mismatch)?;
                if same(value.as_bytes(), token.expose_secret().as_bytes()) {
                    Ok(())
                } else {
                    Err(Disbelief::Mismatch)
                }
            }
        }
    }

    /// github.com/standard-webhooks/standard-webhooks: `id.timestamp.body`, base64, a list of candidates.
    fn standard(&self, letter: &Letter<'_>, tolerance: i64) -> Result<(), Disbelief> {
        let id = letter.one("webhook-id")?;
        let time = letter.one("webhook-timestamp")?;
        let signatures = letter.one("webhook-signature")?;
        let signed = fill("{id}.{timestamp}.{body}", id, time, letter.body);
        let candidates = signatures.split(' ').filter_map(|item| item.strip_prefix("v1,"));
        let candidates: Vec<Vec<u8>> = candidates.filter_map(|text| STANDARD.decode(text).ok()).collect();
        self.fits(standard_keys, &signed, &candidates)?;
        letter.is_fresh(time, tolerance)
    }

    /// Every key is tried on every candidate, so that the time does not tell which one fits.
    fn fits(
        &self,
        keys: fn(&[u8]) -> Vec<Vec<u8>>,
        signed: &[u8],
        candidates: &[Vec<u8>],
    ) -> Result<(), Disbelief> {
        let mut fits = false;
        for key in self.secrets.keys().flat_map(keys) {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
                continue;
            };
            mac.update(signed);
            for candidate in candidates {
                fits |= mac.clone().verify_slice(candidate).is_ok();
            }
        }
        if fits { Ok(()) } else { Err(Disbelief::Mismatch) }
    }
}

impl<'a> Letter<'a> {
    /// A header that is there exactly once: of two, nobody knows which one was meant.
    fn one(&self, name: &str) -> Result<&'a str, Disbelief> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().map_err(|_| Disbelief::Mismatch),
            (None, _) => Err(Disbelief::Unsigned),
            (Some(_), Some(_)) => Err(Disbelief::Mismatch),
        }
    }

    /// A parameter of the query that is there exactly once.
    fn parameter(&self, name: &str) -> Result<Cow<'a, str>, Disbelief> {
        let pairs = form_urlencoded::parse(self.query.unwrap_or_default().as_bytes());
        let mut values = pairs.filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value),
            (None, _) => Err(Disbelief::Unsigned),
            (Some(_), Some(_)) => Err(Disbelief::Mismatch),
        }
    }

    /// Unix seconds, digits only.
    fn is_fresh(&self, time: &str, tolerance: i64) -> Result<(), Disbelief> {
        let digits = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = time.parse().ok().filter(|_| digits);
        let at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let age = (self.now - at.ok_or(Disbelief::Stale)?).abs();
        if age <= TimeDelta::seconds(tolerance) {
            Ok(())
        } else {
            Err(Disbelief::Stale)
        }
    }
}

/// Puts the parts in where the template names them; the body last, so that nothing in it is taken for a name.
fn fill(template: &str, id: &str, time: &str, body: &[u8]) -> Vec<u8> {
    let (before, after) = template.split_once("{body}").unwrap_or((template, ""));
    let text = |part: &str| {
        // A value is not looked through for further names.
        let parts = part.split("{id}").map(|part| part.replace("{timestamp}", time));
        parts.collect::<Vec<_>>().join(id)
    };
    [text(before).as_bytes(), body, text(after).as_bytes()].concat()
}

/// Whether two secrets are the same. Both are hashed first, so that neither length nor content shows in the time.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(one) else {
        return false;
    };
    let Ok(expected) = Hmac::<Sha256>::new_from_slice(other) else {
        return false;
    };
    mac.verify(&expected.finalize().into_bytes()).is_ok()
}

/// Standard Webhooks: keys have 24 to 64 bytes; half of that nobody guesses either.
const SHORTEST_KEY: usize = 16;

/// `whsec_` and base64 is the scheme's form. A secret without the prefix is taken as it stands, and as the base64 that
/// the scheme's own libraries take it for.
fn standard_keys(secret: &[u8]) -> Vec<Vec<u8>> {
    let marked = secret.strip_prefix(b"whsec_");
    let decoded = STANDARD.decode(marked.unwrap_or(secret)).ok();
    match (marked, decoded) {
        (Some(_), Some(key)) => vec![key],
        (None, Some(key)) if key.len() >= SHORTEST_KEY => vec![secret.to_vec(), key],
        _ => vec![secret.to_vec()],
    }
}

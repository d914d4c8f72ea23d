//! The `Stripe-Signature` verifier: pure, constant time, without a clock of its own.
//!
//! The scheme is on Stripe's page "Receive Stripe events in your webhook endpoint", section
//! "Verify webhook signatures manually"; rotation is on "Webhooks", section "Roll endpoint
//! signing secrets". Where the official SDKs disagree with each other we take what all accept
//! and refuse what all refuse; `tests/it/signature_cases.rs` holds the verdict of each case.
//!
//! It is our own because the Rust crates at hand kept only the last `v1=` of a header (so a
//! secret's rotation broke deliveries) or panicked on extreme timestamps.

use chrono::{DateTime, Utc};
use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;

use crate::ground::config::Secrets;

/// The header's name, as axum's `HeaderMap` wants it.
pub const HEADER: &str = "stripe-signature";

/// How far `t` may lie from now, in seconds, into the past and into the future: the default of
/// every official SDK. Both ends are inside.
pub const TOLERANCE: i64 = 300;

/// A header of 1000 stale signatures before the good one is still honest by Stripe's rules and
/// is 68 KB long (1000 x `v1=<64 hex>,`), so the limit is the next power of two with room to
/// spare. The work is linear in it: parsing plus one MAC per secret, whatever the header says.
const MAX_HEADER: usize = 128 * 1024;

/// The only scheme that counts. Everything else (`v0` on test events, and whatever comes) is
/// ignored, or an attacker could choose the weakest.
const SCHEME: &[u8] = b"v1";

type HmacSha256 = Hmac<Sha256>;

/// Why a request is not from Stripe. The text goes out as `Webhook Error: <text>`, so it says
/// what to look at and never holds a secret, a computed signature or the sender's own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no header.
    #[error("no Stripe-Signature header")]
    Missing,
    /// Several header lines.
    #[error("more than one Stripe-Signature header: Stripe sends one line")]
    Repeated,
    /// A header too long to be honest.
    #[error("the Stripe-Signature header is over {MAX_HEADER} bytes")]
    TooLong,
    /// No `t`.
    #[error("no timestamp in the Stripe-Signature header: expected t=<unix seconds>,v1=<hex>")]
    NoTimestamp,
    /// Several `t`.
    #[error("more than one t in the Stripe-Signature header")]
    RepeatedTimestamp,
    /// A `t` that is no time.
    #[error("the t of the Stripe-Signature header is not a Unix time in seconds")]
    BadTimestamp,
    /// No `v1`.
    #[error("no v1 signature in the Stripe-Signature header: only the scheme v1 is accepted")]
    NoScheme,
    /// No `v1` fits.
    #[error("no signature matches: wrong signing secret, or the body was changed on the way")]
    Mismatch,
    /// `t` is too old.
    #[error("timestamp outside the tolerance of {TOLERANCE} s (too old): check the clock")]
    Stale,
    /// `t` is too far ahead.
    #[error("timestamp outside the tolerance of {TOLERANCE} s (in the future): check the clock")]
    Future,
}

impl Refusal {
    /// The stable name of the reason, for metrics and alerts.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Repeated
            | Self::TooLong
            | Self::NoTimestamp
            | Self::RepeatedTimestamp
            | Self::BadTimestamp => "malformed",
            Self::NoScheme => "no-scheme",
            Self::Mismatch => "mismatch",
            Self::Stale => "stale",
            Self::Future => "future",
        }
    }
}

/// The endpoint's secrets, ready to sign with. Several are valid at once while one is rolled, and
/// while an endpoint of the next API version runs beside the old one.
///
/// A secret is the key exactly as displayed, `whsec_` included: nothing is base64-decoded.
/// Keeping the keyed state instead of the text saves two hash blocks per delivery.
#[derive(Clone)]
pub struct SigningSecrets(Vec<HmacSha256>);

impl SigningSecrets {
    /// Keys one MAC per secret. [`Secrets`] holds no blank one.
    pub fn new(secrets: &Secrets) -> Self {
        Self(secrets.keys().map(keyed).collect())
    }
}

impl fmt::Debug for SigningSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningSecrets({} redacted)", self.0.len())
    }
}

/// HMAC-SHA256 keyed with `secret`.
///
/// The key is brought to one block as RFC 2104 says (longer ones are hashed first), because the
/// crate's constructor for a whole block cannot fail, while the one for a slice returns an error
/// that never happens.
pub(crate) fn keyed(secret: &[u8]) -> HmacSha256 {
    let mut block = [0_u8; 64];
    let hashed;
    let key: &[u8] = if secret.len() > block.len() {
        hashed = Sha256::digest(secret);
        &hashed
    } else {
        secret
    };
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot = *byte;
    }
    HmacSha256::new(&block.into())
}

/// The MAC of one delivery: over `t` as it was sent, a dot, and the body as it was sent.
pub(crate) fn mac(keyed: &HmacSha256, timestamp: &[u8], body: &[u8]) -> CtOutput<HmacSha256> {
    let mut mac = keyed.clone();
    mac.update(timestamp);
    mac.update(b".");
    mac.update(body);
    mac.finalize()
}

/// Says whether Stripe sent `body`. `headers` are the values of all `Stripe-Signature` lines
/// (`HeaderMap::get_all(HEADER)`), `body` is the request as it came: parsing and printing it
/// again changes its bytes.
///
/// The signature is checked before the time, so that the answer about the time (stale, future)
/// is given only to who knows the secret.
///
/// # Errors
/// The first reason to doubt it.
pub fn verify<V: AsRef<[u8]>>(
    headers: impl IntoIterator<Item = V>,
    body: &[u8],
    secrets: &SigningSecrets,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let mut lines = headers.into_iter();
    let line = lines.next().ok_or(Refusal::Missing)?;
    if lines.next().is_some() {
        return Err(Refusal::Repeated);
    }
    let header = Header::parse(line.as_ref())?;
    if !header.matches(body, secrets) {
        return Err(Refusal::Mismatch);
    }
    on_time(header.seconds, now)
}

/// One header line, checked for form.
struct Header<'h> {
    line: &'h [u8],
    /// `t` as sent: this text is signed, not the number it stands for.
    timestamp: &'h [u8],
    seconds: i64,
}

impl<'h> Header<'h> {
    fn parse(line: &'h [u8]) -> Result<Self, Refusal> {
        if line.trim_ascii().is_empty() {
            return Err(Refusal::Missing);
        }
        if line.len() > MAX_HEADER {
            return Err(Refusal::TooLong);
        }
        let mut times = values(line, b"t");
        let timestamp = times.next().ok_or(Refusal::NoTimestamp)?;
        // The SDKs disagree on which of two counts; a sender who needs two is not Stripe.
        if times.next().is_some() {
            return Err(Refusal::RepeatedTimestamp);
        }
        let seconds = unix_seconds(timestamp).ok_or(Refusal::BadTimestamp)?;
        if values(line, SCHEME).next().is_none() {
            return Err(Refusal::NoScheme);
        }
        Ok(Self {
            line,
            timestamp,
            seconds,
        })
    }

    /// Compares every candidate with every secret, in constant time and to the end: how long it
    /// takes depends on the header's form alone, not on which pair matched.
    fn matches(&self, body: &[u8], secrets: &SigningSecrets) -> bool {
        let mut matched = false;
        for secret in &secrets.0 {
            let expected = mac(secret, self.timestamp, body);
            for candidate in self.candidates() {
                matched |= candidate == expected;
            }
        }
        matched
    }

    /// The well-formed `v1` signatures. Others are passed over, not refused: a good one beside
    /// them still proves the sender.
    fn candidates(&self) -> impl Iterator<Item = CtOutput<HmacSha256>> {
        values(self.line, SCHEME).filter_map(|text| {
            let mut bytes = [0_u8; 32];
            hex::decode_to_slice(text, &mut bytes).ok()?;
            Some(CtOutput::new(bytes.into()))
        })
    }
}

/// The values of `key` in `key=value,key=value`. Items without `=` and blanks around items are
/// tolerated; blanks around `=` are part of the key or the value and so match nothing.
fn values<'h>(line: &'h [u8], key: &'static [u8]) -> impl Iterator<Item = &'h [u8]> {
    line.split(|byte| *byte == b',').filter_map(move |item| {
        let item = trim_blanks(item);
        item.strip_prefix(key)?.strip_prefix(b"=")
    })
}

/// Trims what HTTP calls optional white space. A line break is not: no header can carry one.
fn trim_blanks(mut item: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = item {
        item = rest;
    }
    item
}

/// A plain decimal without sign, leading zero or more than 12 digits, so that every reader sees
/// the same number (some take `+1`, `1_000`, `0x10` or `010`) and no arithmetic can overflow.
fn unix_seconds(text: &[u8]) -> Option<i64> {
    let plain = matches!(text, [b'1'..=b'9', ..]) && text.iter().all(u8::is_ascii_digit);
    if !plain || text.len() > 12 {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Whole seconds, as `t` has no more: a delivery exactly at the edge passes all through that
/// second instead of only at its first instant.
fn on_time(seconds: i64, now: DateTime<Utc>) -> Result<(), Refusal> {
    let age = now.timestamp().saturating_sub(seconds);
    if age > TOLERANCE {
        Err(Refusal::Stale)
    } else if age < -TOLERANCE {
        Err(Refusal::Future)
    } else {
        Ok(())
    }
}

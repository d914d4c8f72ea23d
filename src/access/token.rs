//! A token as it came (JWS compact, RFC 7515), and what it claims (RFC 7519) once its signature is proven.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use uuid::Uuid;

use super::keys::{Algorithm, PublicKey, Secret, Unproven};
use super::refusal::Refusal;

/// Tokens of Supabase are about 1 KiB; room for a project that puts much into `app_metadata`.
const LONGEST: usize = 16 * 1024;

/// Whom Supabase means by a user that signed in; its service keys have none.
const AUDIENCE: &str = "authenticated";

/// A token of which nothing is believed yet. What it claims comes out by a proof only.
pub(super) struct Token<'a> {
    /// Named by the token; it chooses the kind of key and must be the key's own.
    pub(super) algorithm: Algorithm,
    /// The key it names. A hint: other headers that carry keys or addresses of keys are not looked at.
    pub(super) kid: Option<String>,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// The bytes of claims whose signature is proven.
pub(super) struct Proven(Vec<u8>);

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl<'a> Token<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::Bad("too-long"));
        }
        let malformed = || Refusal::Bad("malformed");
        let (signed, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
        let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
        if payload.contains('.') {
            return Err(malformed());
        }
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| malformed())?;
        if header.crit.is_some() {
            // It asks for an extension, and there is none here (RFC 7515, 4.1.11).
            return Err(Refusal::Bad("extension"));
        }
        Ok(Self {
            algorithm: Algorithm::named(&header.alg).ok_or(Refusal::Bad("algorithm"))?,
            kid: header.kid,
            signed,
            payload,
            signature: decode(signature)?,
        })
    }

    pub(super) fn signed_with_secret(&self, secret: &Secret) -> Result<Proven, Refusal> {
        if self.algorithm != Algorithm::Hs256 {
            return Err(Refusal::Bad("algorithm"));
        }
        self.proven(secret.prove(self.signed.as_bytes(), &self.signature))
    }

    pub(super) fn signed_with_key(&self, key: &PublicKey) -> Result<Proven, Refusal> {
        if self.algorithm != key.algorithm() {
            return Err(Refusal::Bad("algorithm"));
        }
        self.proven(key.prove(self.signed.as_bytes(), &self.signature))
    }

    fn proven(&self, proof: Result<(), Unproven>) -> Result<Proven, Refusal> {
        proof.map_err(|Unproven| Refusal::Bad("signature"))?;
        decode(self.payload).map(Proven)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Refusal::Bad("malformed"))
}

/// What is read of the claims.
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: Audience,
    exp: i64,
    nbf: Option<i64>,
    /// Who it is.
    #[serde(rename = "sub")]
    pub(super) user: Uuid,
    /// What only the project's owner writes, the role among it. `user_metadata` is written by the user.
    #[serde(default)]
    pub(super) app_metadata: Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Several(several) => several.iter().any(|one| one == name),
        }
    }
}

/// What a token must claim.
pub(super) struct Expected {
    /// Who issues tokens.
    pub(super) issuer: String,
    /// How far clocks may differ.
    pub(super) leeway: TimeDelta,
}

impl Expected {
    pub(super) fn judge(&self, proven: &Proven, now: DateTime<Utc>) -> Result<Claims, Refusal> {
        let claims: Claims = serde_json::from_slice(&proven.0).map_err(|_| Refusal::Bad("claims"))?;
        if claims.iss != self.issuer {
            return Err(Refusal::Bad("issuer"));
        }
        if !claims.aud.has(AUDIENCE) {
            return Err(Refusal::Bad("audience"));
        }
        let early = (now + self.leeway).timestamp();
        if claims.nbf.is_some_and(|begins| begins > early) {
            return Err(Refusal::Bad("not-yet-valid"));
        }
        // Whole seconds, rounded down: a token ends when its second begins.
        let late = (now - self.leeway).timestamp();
        if claims.exp <= late {
            return Err(Refusal::Expired);
        }
        Ok(claims)
    }
}

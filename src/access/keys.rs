//! Keys: what a signature is proven with. The key says which algorithm it is for; the token only repeats it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// The algorithms there are here. `none` is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Es256,
    Rs256,
    Hs256,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            "HS256" => Some(Self::Hs256),
            _ => None,
        }
    }
}

/// A signature that does not fit its message.
#[derive(Debug)]
pub(super) struct Unproven;

/// The project's JWT secret.
pub(super) struct Secret(hmac::Key);

impl Secret {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// In constant time.
    pub(super) fn prove(&self, message: &[u8], signature: &[u8]) -> Result<(), Unproven> {
        hmac::verify(&self.0, message, signature).map_err(|_| Unproven)
    }
}

/// A published key. It cannot sign, and it cannot be taken for a secret.
#[derive(Clone)]
pub(super) enum PublicKey {
    /// An uncompressed point of P-256.
    Es256(Vec<u8>),
    Rs256 {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl PublicKey {
    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::Rs256 { .. } => Algorithm::Rs256,
        }
    }

    pub(super) fn prove(&self, message: &[u8], signature: &[u8]) -> Result<(), Unproven> {
        let proven = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Self::Rs256 { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
        };
        proven.map_err(|_| Unproven)
    }
}

/// The keys of a JWK set (RFC 7517) that can be used here.
#[derive(Clone)]
pub(super) struct KeySet(Vec<Named>);

#[derive(Clone)]
struct Named {
    id: Option<String>,
    key: PublicKey,
}

/// What a set has for a token.
pub(super) enum Found<'a> {
    Key(&'a PublicKey),
    /// There is such a key, for another algorithm.
    OtherAlgorithm,
    /// A newer set may have it.
    Unknown,
    /// The token names no key, and there are several.
    Unnamed,
}

impl KeySet {
    /// Reads a set. Keys of other kinds, for other uses or out of shape are left out, as the RFC asks; what is no set at
    /// all is nothing.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let Set { keys } = serde_json::from_slice(json).ok()?;
        let jwks = keys
            .into_iter()
            .filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let named = jwks.filter_map(|mut jwk| {
            let id = jwk.kid.take();
            Some(Named { id, key: jwk.key()? })
        });
        Some(Self(named.collect()))
    }

    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Found<'_> {
        let Some(id) = id else {
            return match self.0.as_slice() {
                [] => Found::Unknown,
                [one] if one.key.algorithm() == algorithm => Found::Key(&one.key),
                [_] => Found::OtherAlgorithm,
                _ => Found::Unnamed,
            };
        };
        let mut found = Found::Unknown;
        for named in self.0.iter().filter(|named| named.id.as_deref() == Some(id)) {
            if named.key.algorithm() == algorithm {
                return Found::Key(&named.key);
            }
            found = Found::OtherAlgorithm;
        }
        found
    }
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    fn key(self) -> Option<PublicKey> {
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let verifies = self
            .key_ops
            .as_ref()
            .is_none_or(|operations| operations.iter().any(|it| it == "verify"));
        let only_for = self.alg.clone();
        let key = match self.kty.as_str() {
            "EC" if self.crv.as_deref() == Some("P-256") => self.point()?,
            "RSA" => self.rsa()?,
            _ => return None,
        };
        let fits = only_for.is_none_or(|name| Algorithm::named(&name) == Some(key.algorithm()));
        (signs && verifies && fits).then_some(key)
    }

    fn point(&self) -> Option<PublicKey> {
        let (x, y) = (decode(self.x.as_ref()?)?, decode(self.y.as_ref()?)?);
        (x.len() == 32 && y.len() == 32).then(|| PublicKey::Es256([&[4], &*x, &*y].concat()))
    }

    fn rsa(&self) -> Option<PublicKey> {
        let (modulus, exponent) = (unsigned(self.n.as_ref()?)?, unsigned(self.e.as_ref()?)?);
        // 2048 to 8192 bits; the proof refuses others too, but then it would look as if tokens were forged.
        (256..=1024)
            .contains(&modulus.len())
            .then_some(PublicKey::Rs256 { modulus, exponent })
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Without the zeros in front that some issuers write.
fn unsigned(text: &str) -> Option<Vec<u8>> {
    let bytes = decode(text)?;
    let start = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(start..).map(<[u8]>::to_vec)
}

//! What this program signs so that others can prove it later: Ed25519 (RFC 8032).
//!
//! One key signs several kinds of documents. Each of them names its own kind in the bytes that are signed (`format`), and
//! whoever checks one looks at that first, so that no signature can be shown for something else.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hkdf;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::ground::config::Settings;

const SEED: usize = 32;

/// What a seed is derived for; another label would give another key.
const LABEL: &[u8] = b"onlycar audit signing key v1";

/// The key that signs. Debug shows the public half alone.
#[derive(Clone)]
pub struct Signer(Arc<Ed25519KeyPair>);

/// The half that everybody may know: who has it can check, and not sign.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// It is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not the base64 of 32 bytes")]
pub struct NoPublicKey;

impl Signer {
    /// `AUDIT_SIGNING_KEY`, else a key derived from `R2_SECRET_ACCESS_KEY`; without both there is none.
    pub fn of(settings: &Settings) -> Option<Self> {
        let own = settings.audit_signing_key.as_ref().map(Self::from_base64);
        own.or_else(|| Some(Self::derived(&settings.r2.as_ref()?.secret_access_key)))?
    }

    fn from_base64(seed: &SecretString) -> Option<Self> {
        Self::from_seed(&STANDARD.decode(seed.expose_secret()).ok()?)
    }

    /// HKDF-SHA256 without salt: the secret is random already, and the same secret must give the same key.
    fn derived(secret: &SecretString) -> Option<Self> {
        struct Length;
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                SEED
            }
        }
        let mut seed = [0; SEED];
        let secret = secret.expose_secret().as_bytes();
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
        prk.expand(&[LABEL], Length).ok()?.fill(&mut seed).ok()?;
        Self::from_seed(&seed)
    }

    fn from_seed(seed: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        Some(Self(Arc::new(pair)))
    }

    /// The signature over these bytes, in base64.
    pub fn sign(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.0.sign(bytes))
    }

    /// Whoever has this can check what was signed.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        // Both are 32 bytes, by the standard.
        for (byte, of_key) in bytes.iter_mut().zip(self.0.public_key().as_ref()) {
            *byte = *of_key;
        }
        PublicKey(bytes)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.public()).finish()
    }
}

impl PublicKey {
    /// A short name for it: the first 8 bytes of its SHA-256, in hex.
    pub fn id(&self) -> String {
        let mut id = hex::encode(Sha256::digest(self.0));
        id.truncate(16);
        id
    }

    /// Whether that signature, in base64, is this key's over these bytes.
    pub fn verify(&self, bytes: &[u8], signature: &str) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        STANDARD
            .decode(signature)
            .is_ok_and(|signature| key.verify(bytes, &signature).is_ok())
    }
}

/// In base64.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = NoPublicKey;

    fn from_str(text: &str) -> Result<Self, NoPublicKey> {
        let bytes = STANDARD.decode(text).map_err(|_| NoPublicKey)?;
        bytes.try_into().map(Self).map_err(|_| NoPublicKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex_key(seed: &str) -> Signer {
        Signer::from_seed(&hex::decode(seed).expect("hex")).expect("a key")
    }

    #[test]
    fn it_signs_as_the_standard_does() {
        // RFC 8032, section 7.1, test 2.
        let signer = hex_key("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(hex::encode(signer.public().0), public);
        assert_eq!(
            STANDARD.decode(signer.sign(&[0x72])).expect("base64"),
            hex::decode(signature).expect("hex")
        );
    }

    #[test]
    fn only_the_bytes_that_were_signed_by_that_key_fit() {
        let signer = hex_key(&"11".repeat(32));
        let other = hex_key(&"22".repeat(32));
        let signature = signer.sign(b"a head");
        let public: PublicKey = signer
            .public()
            .to_string()
            .parse()
            .expect("it reads what it prints");
        assert_eq!(public, signer.public());
        assert!(public.verify(b"a head", &signature));
        assert!(!public.verify(b"another", &signature));
        assert!(!other.public().verify(b"a head", &signature));
        for wrong in ["", "AAAA", "no base64", &signature[1..], &format!("{signature}=")] {
            assert!(!public.verify(b"a head", wrong), "{wrong}");
        }
        assert_ne!(public.id(), other.public().id());
        assert_eq!(public.id().len(), 16);
        assert!("AAAA".parse::<PublicKey>().is_err());
    }

    #[test]
    fn a_derived_key_is_that_of_its_secret() {
        let derived = |text: &str| {
            Signer::derived(&SecretString::from(text))
                .expect("a key")
                .public()
        };
        assert_eq!(derived("one"), derived("one"));
        assert_ne!(derived("one"), derived("two"));
        assert!(!format!("{:?}", hex_key(&"11".repeat(32))).contains("1111"));
    }

    #[test]
    fn the_derivation_never_changes() {
        // Else nobody could check what was signed before. Computed with Python's cryptography.
        let derived = Signer::derived(&SecretString::from("un-secreto")).expect("a key");
        assert_eq!(
            derived.public().to_string(),
            "ckZoKOD4LQmncGJaS4cq4itNaNcFansOUIf8JVPyLJU="
        );
    }
}

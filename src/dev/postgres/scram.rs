//! A password as PostgreSQL keeps it (RFC 5803), which it takes in place of the password itself.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// How often whoever connects has to hash the password. Many rounds are to slow down whoever guesses it; PostgreSQL's 4,096
/// are half of a test's time in a debug build.
const ROUNDS: u32 = 1;

/// What stands for a password that is too random to be guessed; of one that a person made up it would be a weak protection.
pub fn verifier(password: &str) -> Result<String> {
    let salt: [u8; 16] = rand::random();
    let salted = [salt.as_slice(), &1_u32.to_be_bytes()].concat();
    let salted = keyed(password.as_bytes(), &salted)?;
    let stored_key = Sha256::digest(keyed(&salted, b"Client Key")?);
    let server_key = keyed(&salted, b"Server Key")?;
    let [salt, stored_key, server_key] =
        [&salt[..], &stored_key[..], &server_key[..]].map(|bytes| STANDARD.encode(bytes));
    Ok(format!("SCRAM-SHA-256${ROUNDS}:{salt}${stored_key}:{server_key}"))
}

fn keyed(key: &[u8], text: &[u8]) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
    mac.update(text);
    Ok(mac.finalize().into_bytes().into())
}

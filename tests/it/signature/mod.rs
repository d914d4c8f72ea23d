//! The `Stripe-Signature` verifier, alone and behind the real endpoint.

mod cases;
mod conformance;
mod http;
mod matrix;
mod properties;
mod rows;

use cases::{SECRET, sign};
use chrono::{DateTime, Utc};
use onlycar::ground::config::Secrets;
use onlycar::payments::signature::{Refusal, SigningSecrets, verify};

const BODY: &[u8] = b"{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}";
const OTHER: &str = "whsec_other_secret";

fn now() -> DateTime<Utc> {
    "2026-11-22T18:00:00Z".parse().unwrap()
}

/// As configured: several with commas.
fn secrets(texts: &[&str]) -> Result<SigningSecrets, &'static str> {
    Ok(SigningSecrets::new(&Secrets::parse(&texts.join(","))?))
}

fn verdict(header: impl AsRef<[u8]>) -> Result<(), Refusal> {
    verify([header], BODY, &secrets(&[SECRET]).unwrap(), now())
}

fn t() -> String {
    now().timestamp().to_string()
}

fn good() -> String {
    sign(SECRET, &t(), BODY)
}

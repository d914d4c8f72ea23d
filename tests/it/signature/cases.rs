//! The 104 cases of the differential run over five official SDKs (`facts/stripe.md`, 1.6), as
//! data: the same case goes to the verifier alone and, over HTTP, to the real endpoint.
//!
//! Each body is an event of its own id, so that no case is a duplicate of another, and of a type
//! nobody handles, so that accepting it changes no row of the business.

pub use super::rows::Expected;
use super::rows::{AGES, BODIES, CHANGED, HEADERS, MISMATCH, SECRETS, TIMES};
use Expected::{Either, RefusedAtStart};
use axum::http::HeaderValue;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

/// The secret the server under test is configured with.
pub const SECRET: &str = "whsec_test_secret";

pub struct Case {
    /// The row of the matrix.
    pub number: u16,
    pub name: &'static str,
    /// One per header line.
    pub headers: Vec<Vec<u8>>,
    pub body: Vec<u8>,
    /// What the server is configured with.
    pub secret: String,
    pub expected: Expected,
}

impl Case {
    /// The header lines, or `None` if HTTP cannot carry them (row 11 has a line break).
    pub fn header_values(&self) -> Option<Vec<HeaderValue>> {
        self.headers
            .iter()
            .map(|line| HeaderValue::from_bytes(line).ok())
            .collect()
    }
}

/// Every row, in order, as sent at `now`.
pub fn cases(now: DateTime<Utc>) -> Vec<Case> {
    let now = now.timestamp();
    let t = now.to_string();
    let mut all = Vec::with_capacity(104);
    let mut add = |number, name, expected, header: Vec<u8>, body: Vec<u8>, secret: &str| {
        all.push(Case {
            number,
            name,
            headers: vec![header],
            body,
            secret: secret.to_owned(),
            expected,
        });
    };
    let signed =
        |t: &str, secret: &str, body: &[u8]| format!("t={t},v1={}", sign(secret, t, body)).into_bytes();
    for &(number, name, expected, header) in HEADERS {
        let body = event(number);
        add(
            number,
            name,
            expected,
            fill(header, now, &body).into_bytes(),
            body,
            SECRET,
        );
    }
    for &(number, name, expected, sent, over) in TIMES {
        let body = event(number);
        let mac = sign(SECRET, &fill(over, now, &body), &body);
        let header = format!("{},v1={mac}", fill(sent, now, &body));
        add(number, name, expected, header.into_bytes(), body, SECRET);
    }
    for &(number, name, expected, age) in AGES {
        let body = event(number);
        add(
            number,
            name,
            expected,
            signed(&(now + age).to_string(), SECRET, &body),
            body,
            SECRET,
        );
    }
    for &(number, name, expected, body) in BODIES {
        let body = written(body, number);
        add(number, name, expected, signed(&t, SECRET, &body), body, SECRET);
    }
    for &(number, name, signed_body, sent) in CHANGED {
        let header = signed(&t, SECRET, &written(signed_body.as_bytes(), number));
        add(
            number,
            name,
            MISMATCH,
            header,
            written(sent.as_bytes(), number),
            SECRET,
        );
    }
    for &(number, name, configured, senders) in SECRETS {
        let body = event(number);
        add(
            number,
            name,
            RefusedAtStart,
            signed(&t, senders, &body),
            body,
            configured,
        );
    }
    let body = event(89);
    let header = [b"x=\xff,".as_slice(), &signed(&t, SECRET, &body)].concat();
    add(89, "non-utf8 byte in header", Either, header, body, SECRET);
    all.sort_by_key(|case| case.number);
    all
}

/// HMAC-SHA256 over `t.body`, in hex: written apart from the program, to judge it.
pub fn sign(secret: &str, t: &str, body: &[u8]) -> String {
    hex::encode(mac(secret, &[t.as_bytes(), b".", body].concat()))
}

fn mac(secret: &str, text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn event(number: u16) -> Vec<u8> {
    written(b"{event}", number)
}

fn written(body: &[u8], number: u16) -> Vec<u8> {
    let event = format!(
        "{{\n  \"id\": \"evt_{number}\",\n  \"object\": \"event\",\n  \"type\": \"plan.created\"\n}}"
    );
    let compact: String = event.split_whitespace().collect();
    let words = [
        ("{event}", event),
        ("{compact}", compact),
        ("{open20000}", "[".repeat(20_000)),
        ("{close20000}", "]".repeat(20_000)),
        ("{digits400}", "9".repeat(400)),
    ];
    words.iter().fold(body.to_vec(), |body, (word, text)| {
        replace(&body, word.as_bytes(), text.as_bytes())
    })
}

/// `str::replace` for bytes that need not be text.
fn replace(body: &[u8], word: &[u8], text: &[u8]) -> Vec<u8> {
    match body.windows(word.len()).position(|window| window == word) {
        Some(at) => [&body[..at], text, &body[at + word.len()..]].concat(),
        None => body.to_vec(),
    }
}

fn fill(template: &str, now: i64, body: &[u8]) -> String {
    let t = now.to_string();
    let text = [t.as_bytes(), b".", body].concat();
    let good = sign(SECRET, &t, body);
    let bad = "b".repeat(64);
    let mut sha512 = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).unwrap();
    sha512.update(&text);
    let words = [
        ("{stale}", (now - 86_400).to_string()),
        ("{underscored}", format!("{}_{}", &t[..1], &t[1..])),
        ("{hex}", format!("{now:#x}")),
        (
            "{full_width}",
            t.bytes()
                .map(|digit| char::from_u32(0xff10 + u32::from(digit - b'0')).unwrap())
                .collect(),
        ),
        ("{upper}", good.to_uppercase()),
        ("{first63}", good[..63].to_owned()),
        ("{first62}", good[..62].to_owned()),
        // As long as a SHA-1 is; what it was made of no longer matters.
        ("{first40}", good[..40].to_owned()),
        ("{untimed}", sign(SECRET, "", body)),
        ("{other_secret}", sign("whsec_other_secret", &t, body)),
        (
            "{stripped_secret}",
            sign(SECRET.trim_start_matches("whsec_"), &t, body),
        ),
        ("{body_only}", hex::encode(mac(SECRET, body))),
        ("{sha512}", hex::encode(sha512.finalize().into_bytes())),
        ("{no_key}", hex::encode(Sha256::digest(&text))),
        ("{base64}", base64(&mac(SECRET, &text))),
        ("{bad1000}", format!("v1={bad},").repeat(1000)),
        ("{bad}", bad),
        ("{good}", good),
        ("{t}", t),
    ];
    words
        .iter()
        .fold(template.to_owned(), |line, (word, text)| line.replace(word, text))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            text.push(if digit > chunk.len() {
                '='
            } else {
                char::from(DIGITS[value])
            });
        }
    }
    text
}

//! One HTTP request with a signed Stripe event, patched in place for each sending.
//!
//! The bytes are laid out once and every id has a fixed width, so that a fresh event costs the generator a few copies and
//! one HMAC: it runs on the same two cores as what it measures.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub const WEBHOOK_SECRET: &str = "whsec_bench";
pub const PATH: &str = "/api/webhooks/stripe";
pub const TYPE: &str = "payment_intent.succeeded";
pub const API_VERSION: &str = "2026-10-28.endive";

/// A pretty-printed event as Stripe sends it; the runs of E, P, C, 2 and 1 are the places of what is fresh in each one.
const TEMPLATE: &str = include_str!("payment_intent.succeeded.json");
const EVENT_ID: &str = "EEEEEEEEEEEEEEEEEEEEEEEE";
const INTENT_ID: &str = "PPPPPPPPPPPPPPPPPPPPPPPP";
const CHARGE_ID: &str = "CCCCCCCCCCCCCCCCCCCCCCCC";
const SERVICE_ID: &str = "22222222-2222-4222-8222-222222222222";
const CREATED: &str = "1111111111";
const SIGNATURE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What Stripe's ids begin with: a slowly growing part and the account; the ten characters after it are the fresh ones.
pub const ID_PREFIX: &str = "3SVu2kLkdIwHu7";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The body of the yardstick's rows: the same bytes, with the places left as they are.
pub const fn sample() -> &'static str {
    TEMPLATE
}

/// The service that event number `event` pays; `database::seed` writes the same ids in SQL.
pub fn service_id(event: u64) -> String {
    format!("00000000-0000-4000-8000-{event:012x}")
}

#[derive(Clone)]
pub struct Request {
    bytes: Vec<u8>,
    body: usize,
    event: Vec<Range<usize>>,
    intent: Vec<Range<usize>>,
    charge: Vec<Range<usize>>,
    service: Vec<Range<usize>>,
    created: Vec<Range<usize>>,
    signed_at: Range<usize>,
    signature: Range<usize>,
    key: Hmac<Sha256>,
    /// Makes the ids of two runs differ.
    salt: u64,
}

impl Request {
    pub fn new(salt: u64) -> Result<Self> {
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n\
             Accept: */*; q=0.5, application/xml\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\
             Stripe-Signature: t={CREATED},v1={SIGNATURE}\r\n\r\n",
            TEMPLATE.len()
        );
        let text = format!("{head}{TEMPLATE}");
        let first = |marker| {
            places(&text, marker)
                .into_iter()
                .next()
                .context("a place in the head is missing")
        };
        let in_body = |marker| {
            let found: Vec<_> = places(&text, marker)
                .into_iter()
                .filter(|place| place.start > head.len())
                .collect();
            ensure!(!found.is_empty(), "the template has no place for {marker}");
            Ok(found)
        };
        Ok(Self {
            body: head.len(),
            event: in_body(EVENT_ID)?,
            intent: in_body(INTENT_ID)?,
            charge: in_body(CHARGE_ID)?,
            service: in_body(SERVICE_ID)?,
            created: in_body(CREATED)?,
            signed_at: first(CREATED)?,
            signature: first(SIGNATURE)?,
            key: Hmac::new_from_slice(WEBHOOK_SECRET.as_bytes())?,
            salt,
            bytes: text.into_bytes(),
        })
    }

    /// The bytes to send for event number `event`, signed as of `now` (Unix seconds, ten digits until the year 2286).
    pub fn sign(&mut self, event: u64, now: u64) -> Result<&[u8]> {
        let now = now.to_string();
        let fresh = fresh_id(self.salt.wrapping_add(event));
        let service = service_id(event);
        for (places, value) in [
            (&self.event, fresh.as_slice()),
            (&self.intent, &fresh),
            (&self.charge, &fresh),
            (&self.service, service.as_bytes()),
            (&self.created, now.as_bytes()),
        ] {
            places
                .iter()
                .try_for_each(|place| write(&mut self.bytes, place, value))?;
        }
        let mut mac = self.key.clone();
        mac.update(now.as_bytes());
        mac.update(b".");
        mac.update(
            self.bytes
                .get(self.body..)
                .context("the body lies inside the request")?,
        );
        let signature = hex::encode(mac.finalize().into_bytes());
        write(&mut self.bytes, &self.signed_at, now.as_bytes())?;
        write(&mut self.bytes, &self.signature, signature.as_bytes())?;
        Ok(&self.bytes)
    }
}

fn places(text: &str, marker: &str) -> Vec<Range<usize>> {
    text.match_indices(marker)
        .map(|(at, found)| at..at + found.len())
        .collect()
}

fn write(bytes: &mut [u8], place: &Range<usize>, value: &[u8]) -> Result<()> {
    let slot = bytes
        .get_mut(place.clone())
        .context("a place lies inside the request")?;
    ensure!(
        slot.len() == value.len(),
        "{} bytes do not fit a place of {}",
        value.len(),
        slot.len()
    );
    slot.copy_from_slice(value);
    Ok(())
}

/// Ten scattered base-62 characters after the prefix: as with Stripe's own ids, neighbours in time are no neighbours in
/// the unique index. (`splitmix64` is a bijection, so two events of one run practically never share an id.)
fn fresh_id(number: u64) -> Vec<u8> {
    let mut mixed = splitmix64(number);
    let mut id = ID_PREFIX.as_bytes().to_vec();
    for _ in 0..10 {
        let digit = usize::try_from(mixed % 62).unwrap_or_default();
        id.extend(BASE62.get(digit));
        mixed /= 62;
    }
    id
}

pub const fn splitmix64(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

//! Made-up ids that look like Stripe's: a prefix per object, then random letters and digits.

use rand::RngExt;
use rand::distr::Alphanumeric;

fn random(length: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}

fn id(prefix: &str, length: usize) -> String {
    format!("{prefix}_{}", random(length))
}

/// Ids of objects that belong to an account: a digit, then 23 characters. Payments, their
/// charges and their events begin with 3, everything else with 1.
fn owned(prefix: &str, digit: char) -> String {
    format!("{prefix}_{digit}{}", random(23))
}

pub(super) fn event(of_payment: bool) -> String {
    owned("evt", if of_payment { '3' } else { '1' })
}

pub(super) fn payment_intent() -> String {
    owned("pi", '3')
}

pub(super) fn client_secret(payment_intent: &str) -> String {
    format!("{payment_intent}_secret_{}", random(25))
}

pub(super) fn charge() -> String {
    owned("ch", '3')
}

pub(super) fn balance_transaction() -> String {
    owned("txn", '3')
}

pub(super) fn payment_method() -> String {
    owned("pm", '1')
}

pub(super) fn subscription() -> String {
    owned("sub", '1')
}

pub(super) fn subscription_item() -> String {
    id("si", 14)
}

pub(super) fn price() -> String {
    owned("price", '1')
}

pub(super) fn product() -> String {
    id("prod", 14)
}

pub(super) fn invoice() -> String {
    owned("in", '1')
}

pub(super) fn invoice_line() -> String {
    owned("il", '1')
}

pub(super) fn customer() -> String {
    id("cus", 14)
}

pub(super) fn request() -> String {
    id("req", 14)
}

pub(super) fn idempotency_key() -> String {
    format!("onlycar-{}", random(24))
}

/// A card's fingerprint: the same card has the same one everywhere in an account.
pub(super) fn fingerprint() -> String {
    random(16)
}

/// Eight upper-case characters, as before every invoice number and in every hosted link.
pub(super) fn invoice_prefix() -> String {
    random(8).to_uppercase()
}

/// The digits under an OXXO voucher's bar code.
pub(super) fn voucher_number() -> String {
    let mut rng = rand::rng();
    (0..32)
        .map(|_| char::from(b'0' + rng.random_range(0..10_u8)))
        .collect()
}

/// The last part of a hosted page's address.
pub(super) fn page() -> String {
    random(32)
}

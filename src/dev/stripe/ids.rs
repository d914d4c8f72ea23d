//! Ids that look like Stripe's: a prefix per object, then letters and digits. What stands alone is made up; what belongs
//! to something is derived from its id, so that several events about one object agree on everything around it.

use rand::RngExt;
use rand::distr::Alphanumeric;
use sha2::{Digest, Sha256};

fn random(length: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}

/// Letters and digits that follow from the owner's id and what they are for.
pub(super) fn of(owner: &str, what: &str, length: usize) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let bytes = Sha256::digest(format!("{what} of {owner}"));
    let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied();
    let letters = bytes.iter().filter_map(letter).map(char::from);
    letters.take(length).collect()
}

/// Payments, their charges and their events begin with 3 after the prefix, everything else of an account with 1.
pub(super) fn event(of_payment: bool) -> String {
    format!("evt_{}{}", if of_payment { '3' } else { '1' }, random(23))
}

pub(super) fn payment_intent() -> String {
    format!("pi_3{}", random(23))
}

pub(super) fn subscription() -> String {
    format!("sub_1{}", random(23))
}

pub(super) fn invoice() -> String {
    format!("in_1{}", random(23))
}

pub(super) fn customer() -> String {
    format!("cus_{}", random(14))
}

pub(super) fn request() -> String {
    format!("req_{}", random(14))
}

pub(super) fn client_secret(payment_intent: &str) -> String {
    format!("{payment_intent}_secret_{}", of(payment_intent, "secret", 25))
}

pub(super) fn charge(payment_intent: &str) -> String {
    format!("ch_3{}", of(payment_intent, "charge", 23))
}

/// The try before, which failed.
pub(super) fn failed_charge(payment_intent: &str) -> String {
    format!("ch_3{}", of(payment_intent, "failed charge", 23))
}

pub(super) fn refund(charge: &str) -> String {
    format!("re_3{}", of(charge, "refund", 23))
}

pub(super) fn dispute(charge: &str) -> String {
    format!("du_1{}", of(charge, "dispute", 23))
}

pub(super) fn balance_transaction(of_what: &str) -> String {
    format!("txn_3{}", of(of_what, "balance transaction", 23))
}

pub(super) fn payment_method(customer: &str) -> String {
    format!("pm_1{}", of(customer, "payment method", 23))
}

pub(super) fn session(payment_intent: &str) -> String {
    format!("cs_test_a1{}", of(payment_intent, "session", 30))
}

pub(super) fn invoice_payment(invoice: &str) -> String {
    format!("inpay_1{}", of(invoice, "payment", 23))
}

/// The payment of an invoice: made with it, by Stripe.
pub(super) fn payment_of_invoice(invoice: &str) -> String {
    format!("pi_3{}", of(invoice, "payment intent", 23))
}

pub(super) fn subscription_item(subscription: &str) -> String {
    format!("si_{}", of(subscription, "item", 14))
}

pub(super) fn price(subscription: &str) -> String {
    format!("price_1{}", of(subscription, "price", 23))
}

pub(super) fn product(subscription: &str) -> String {
    format!("prod_{}", of(subscription, "product", 14))
}

pub(super) fn invoice_line(invoice: &str) -> String {
    format!("il_1{}", of(invoice, "line", 23))
}

/// Eight upper-case characters, as before every invoice number of a customer.
pub(super) fn invoice_prefix(customer: &str) -> String {
    of(customer, "prefix", 8).to_uppercase()
}

/// The digits under an OXXO voucher's bar code.
pub(super) fn voucher_number(payment_intent: &str) -> String {
    digits(&of(payment_intent, "voucher", 32))
}

/// A CLABE, the 18 digits that a SPEI transfer is sent to.
pub(super) fn clabe(customer: &str) -> String {
    digits(&of(customer, "clabe", 18))
}

fn digits(letters: &str) -> String {
    letters
        .chars()
        .filter_map(|letter| char::from_digit(u32::from(letter) % 10, 10))
        .collect()
}

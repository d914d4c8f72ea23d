//! A service is paid: by card, with a voucher, by transfer, twice, or for nobody.

use serde_json::json;

use crate::convergence::story::{DAY, MINUTE, Story, Teller, id, uuid};

/// A declined card, then a good one.
pub fn card_after_a_decline() -> Story {
    let mut it = Teller::new("card after a decline");
    it.tell("payment_intent.created");
    it.sample.charge_id = Some(id("ch", "declined"));
    it.after(MINUTE)
        .tell("charge.failed")
        .tell("payment_intent.payment_failed");
    it.sample.charge_id = Some(id("ch", "a"));
    it.after(MINUTE)
        .tell("charge.succeeded")
        .tell("payment_intent.succeeded");
    it.after(20 * MINUTE).tell("charge.updated");
    it.done()
}

/// The life of a PaymentIntent alone.
pub fn payment_paid() -> Story {
    let mut it = Teller::new("payment paid");
    it.tell("payment_intent.created");
    it.after(MINUTE).tell("payment_intent.payment_failed");
    it.after(MINUTE).tell("payment_intent.requires_action");
    it.after(4 * DAY).tell("payment_intent.processing");
    it.after(DAY).tell("payment_intent.succeeded");
    it.done()
}

pub fn payment_canceled() -> Story {
    let mut it = Teller::new("payment canceled");
    it.tell("payment_intent.created");
    it.after(MINUTE).tell("payment_intent.payment_failed");
    it.after(MINUTE).tell("payment_intent.requires_action");
    it.after(DAY).tell("payment_intent.canceled");
    it.done()
}

/// Goes back: the voucher expired, another one was issued, and expired too.
pub fn oxxo_not_paid() -> Story {
    let mut it = Teller::new("OXXO not paid");
    it.tell("payment_intent.created");
    it.tell("payment_intent.requires_action");
    it.with(
        "checkout.session.completed",
        &json!({ "payment_status": "unpaid" }),
    );
    it.after(4 * DAY).tell("payment_intent.processing");
    it.after(DAY).with(
        "payment_intent.payment_failed",
        &json!({ "last_payment_error.code": "payment_intent_payment_attempt_expired",
                 "last_payment_error.decline_code": null, "last_payment_error.charge": null, "latest_charge": null }),
    );
    it.tell("checkout.session.async_payment_failed");
    it.done()
}

pub fn oxxo_paid() -> Story {
    let mut it = Teller::new("OXXO paid days later");
    it.tell("payment_intent.created");
    it.tell("payment_intent.requires_action");
    it.with(
        "checkout.session.completed",
        &json!({ "payment_status": "unpaid" }),
    );
    it.after(2 * DAY)
        .tell("charge.succeeded")
        .tell("payment_intent.succeeded");
    it.tell("checkout.session.async_payment_succeeded");
    it.done()
}

pub fn spei_in_parts() -> Story {
    let mut it = Teller::new("SPEI in parts");
    let missing =
        |left: i64| json!({ "next_action.display_bank_transfer_instructions.amount_remaining": left });
    it.tell_with(
        "payment_intent.requires_action",
        "payment_intent.partially_funded",
        &missing(150_000),
    );
    it.after(DAY)
        .with("payment_intent.partially_funded", &missing(100_000));
    it.after(DAY)
        .with("payment_intent.partially_funded", &missing(20_000));
    it.after(DAY)
        .tell("charge.succeeded")
        .tell("payment_intent.succeeded");
    it.done()
}

/// The payment names nothing; its charge does.
pub fn known_by_its_charge() -> Story {
    let mut it = Teller::new("known by its charge");
    it.sample.service_id = None;
    it.tell("payment_intent.created");
    it.sample.service_id = Some(uuid(2));
    it.after(MINUTE).tell("charge.succeeded");
    it.sample.service_id = None;
    it.tell("payment_intent.succeeded");
    it.done()
}

/// The payment names nothing, nor does its charge; the Checkout Session does.
pub fn known_by_its_session() -> Story {
    let mut it = Teller::new("known by its session");
    it.sample.service_id = None;
    it.tell("payment_intent.created");
    it.after(MINUTE).tell("payment_intent.payment_failed");
    it.after(MINUTE)
        .tell("charge.succeeded")
        .tell("payment_intent.succeeded");
    it.sample.service_id = Some(uuid(2));
    it.tell("checkout.session.completed");
    it.done()
}

/// Charge and session name different services.
pub fn charge_and_session_disagree() -> Story {
    let mut it = Teller::new("charge and session disagree");
    it.sample.service_id = None;
    it.tell("payment_intent.succeeded");
    it.sample.service_id = Some(uuid(4));
    it.tell("checkout.session.completed");
    it.sample.service_id = Some(uuid(2));
    it.tell("charge.succeeded");
    it.done()
}

pub fn two_payments_for_one_service() -> Story {
    let mut it = Teller::new("two payments for one service");
    it.tell("payment_intent.created");
    it.after(MINUTE).tell("payment_intent.payment_failed");
    it.sample.payment_intent_id = Some(id("pi", "b"));
    it.sample.charge_id = Some(id("ch", "b"));
    it.sample.created = Some(it.now());
    it.after(MINUTE).tell("payment_intent.succeeded");
    it.sample.payment_intent_id = Some(id("pi", "a"));
    it.sample.charge_id = Some(id("ch", "a"));
    it.sample.created = Some(crate::convergence::story::began());
    it.after(MINUTE).tell("payment_intent.succeeded");
    it.done()
}

/// The first of two payments is given back: the second one pays the service.
pub fn paid_twice_and_given_back() -> Story {
    let mut it = Teller::new("paid twice and given back");
    it.tell("payment_intent.succeeded").tell("charge.succeeded");
    it.sample.payment_intent_id = Some(id("pi", "b"));
    it.sample.charge_id = Some(id("ch", "b"));
    it.after(MINUTE).tell("payment_intent.succeeded");
    it.sample.payment_intent_id = Some(id("pi", "a"));
    it.sample.charge_id = Some(id("ch", "a"));
    it.after(MINUTE).tell("refund.created").tell("charge.refunded");
    it.done()
}

/// A payment is moved from one service to another while it waits.
pub fn metadata_that_changes() -> Story {
    let mut it = Teller::new("metadata that changes");
    it.tell("payment_intent.created");
    it.after(MINUTE).tell("payment_intent.payment_failed");
    it.sample.service_id = Some(uuid(4));
    it.after(MINUTE).tell("payment_intent.succeeded");
    it.tell("charge.succeeded");
    it.done()
}

/// Of what was named once and then taken back, the later word counts.
pub fn metadata_that_goes() -> Story {
    let mut it = Teller::new("metadata that goes");
    it.tell("payment_intent.created");
    it.sample.service_id = Some(uuid(4));
    it.after(MINUTE).tell("payment_intent.payment_failed");
    it.sample.service_id = None;
    it.after(MINUTE).tell("payment_intent.requires_action");
    it.after(MINUTE).tell("payment_intent.succeeded");
    it.done()
}

pub fn paid_in_dollars() -> Story {
    let mut it = Teller::new("paid in dollars");
    let dollars = json!({ "currency": "usd" });
    it.with("payment_intent.created", &dollars);
    it.after(MINUTE).with("payment_intent.succeeded", &dollars);
    it.with("charge.succeeded", &dollars);
    it.after(MINUTE)
        .with("refund.created", &json!({ "currency": "usd", "amount": 50_000 }));
    it.done()
}

pub fn session_expired() -> Story {
    let mut it = Teller::new("session expired, then recovered");
    it.tell("checkout.session.expired");
    it.sample.session_id = Some(id("cs", "b"));
    it.after(MINUTE).with(
        "checkout.session.completed",
        &json!({ "payment_status": "unpaid" }),
    );
    it.after(DAY).tell("checkout.session.async_payment_succeeded");
    it.tell("payment_intent.succeeded");
    it.done()
}

/// A charge alone: pending, then through, its fee known, given back in two parts.
pub fn charge_alone() -> Story {
    let mut it = Teller::new("charge alone");
    it.tell_with(
        "charge.pending",
        "charge.succeeded",
        &json!({ "status": "pending", "captured": false, "paid": false }),
    );
    it.after(MINUTE).tell("charge.succeeded");
    it.after(MINUTE).tell("charge.updated");
    it.sample.refund_amount = Some(50_000);
    it.after(DAY).tell("charge.refunded");
    it.sample.refund_amount = None;
    it.after(DAY).tell("charge.refunded");
    it.done()
}

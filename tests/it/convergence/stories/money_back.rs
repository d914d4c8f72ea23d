//! Money goes back: refunds in part and in full, refunds that fail, disputes.

use serde_json::json;

use crate::convergence::story::{DAY, MINUTE, Story, Teller, id};

pub fn refund_in_parts() -> Story {
    let mut it = Teller::new("refund in parts");
    it.tell("payment_intent.succeeded").tell("charge.succeeded");
    it.sample.refund_amount = Some(50_000);
    it.after(DAY)
        .with("refund.created", &json!({ "status": "pending" }));
    it.tell("charge.refunded");
    it.after(MINUTE).tell("refund.updated");
    it.sample.refund_id = Some(id("re", "b"));
    it.sample.refund_amount = Some(100_000);
    it.after(DAY).tell("refund.created");
    it.sample.refund_amount = None;
    it.tell("charge.refunded");
    it.done()
}

pub fn refund_that_fails() -> Story {
    let mut it = Teller::new("refund that fails");
    it.tell("payment_intent.succeeded").tell("charge.succeeded");
    it.after(DAY).tell("refund.created").tell("charge.refunded");
    it.after(5 * DAY).tell("refund.failed");
    it.with(
        "charge.updated",
        &json!({ "amount_refunded": 0, "refunded": false }),
    );
    it.done()
}

/// Nothing is told of the charge after the refund has failed.
pub fn refund_that_fails_silently() -> Story {
    let mut it = Teller::new("refund that fails silently");
    it.tell("payment_intent.succeeded").tell("charge.succeeded");
    it.after(DAY).tell("refund.created").tell("charge.refunded");
    it.after(5 * DAY).tell("refund.failed");
    it.done()
}

/// One refund fails, another one takes its place, and the charge tells of each.
pub fn refund_made_again() -> Story {
    let mut it = Teller::new("refund made again");
    it.tell("payment_intent.succeeded").tell("charge.succeeded");
    it.sample.refund_amount = Some(60_000);
    it.after(DAY).tell("refund.created").tell("charge.refunded");
    it.after(DAY).tell("refund.failed");
    it.sample.refund_id = Some(id("re", "b"));
    it.after(DAY).tell("refund.created").tell("charge.refunded");
    it.done()
}

/// A refund knows only its charge.
pub fn refund_of_a_charge() -> Story {
    let mut it = Teller::new("refund of a charge");
    it.tell("payment_intent.succeeded").tell("charge.succeeded");
    it.after(DAY).with(
        "refund.created",
        &json!({ "payment_intent": null, "amount": 40_000 }),
    );
    it.tell_with(
        "charge.refund.updated",
        "refund.updated",
        &json!({ "payment_intent": null, "amount": 40_000 }),
    );
    it.done()
}

pub fn refund_alone() -> Story {
    let mut it = Teller::new("refund alone");
    it.with("refund.created", &json!({ "status": "requires_action" }));
    it.after(MINUTE)
        .with("refund.updated", &json!({ "status": "pending" }));
    it.after(MINUTE)
        .tell("refund.updated")
        .tell("charge.refund.updated");
    it.after(DAY).tell("refund.failed");
    it.done()
}

pub fn dispute_lost() -> Story {
    let mut it = Teller::new("dispute lost");
    it.tell("payment_intent.succeeded");
    it.after(DAY)
        .tell("charge.dispute.created")
        .tell("charge.dispute.funds_withdrawn");
    it.after(DAY).tell("charge.dispute.updated");
    it.after(9 * DAY).tell("charge.dispute.closed");
    it.done()
}

/// Created and closed within half a second (polar#13050), and an early warning before.
pub fn dispute_won() -> Story {
    let mut it = Teller::new("dispute won");
    it.with(
        "charge.dispute.created",
        &json!({ "status": "warning_needs_response" }),
    );
    it.after(DAY)
        .with("charge.dispute.updated", &json!({ "status": "needs_response" }));
    it.with("charge.dispute.updated", &json!({ "status": "under_review" }));
    it.after(DAY)
        .with("charge.dispute.closed", &json!({ "status": "won" }));
    it.tell("charge.dispute.funds_reinstated");
    it.done()
}

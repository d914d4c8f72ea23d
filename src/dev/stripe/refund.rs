//! Refunds: money on its way back to the customer.

use serde_json::{Value, json};

use super::{Scene, ids, with};

/// Made and, as with cards, done at once. All of the charge unless the sample says how much.
pub(super) fn created(scene: &Scene) -> Value {
    json!({
        "id": scene.refund,
        "object": "refund",
        "amount": scene.refund_amount(),
        "balance_transaction": ids::balance_transaction(&scene.refund),
        "charge": scene.charge,
        "created": scene.created(),
        "currency": "mxn",
        "customer": scene.sample.customer_id,
        "destination_details": {
            "card": { "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund" },
            "type": "card",
        },
        // A payment's metadata is never copied onto its refunds.
        "metadata": {},
        "payment_intent": scene.payment_intent,
        "payment_method": scene.payment_method,
        "reason": "requested_by_customer",
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "succeeded",
        "transfer_reversal": null,
    })
}

/// The bank's reference has come, so that the customer can look for the money.
pub(super) fn referenced(scene: &Scene) -> Value {
    let reference = ids::of(&scene.refund, "reference", 23);
    with(
        created(scene),
        json!({
            "destination_details": {
                "card": {
                    "reference": reference,
                    "reference_status": "available",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
        }),
    )
}

/// The bank sent it back: the money is ours again, and the customer has none.
pub(super) fn failed(scene: &Scene) -> Value {
    with(
        created(scene),
        json!({
            "failure_balance_transaction": ids::balance_transaction(&format!("{} back", scene.refund)),
            "failure_reason": "lost_or_stolen_card",
            "status": "failed",
        }),
    )
}

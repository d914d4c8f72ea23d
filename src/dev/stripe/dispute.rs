//! Disputes: a cardholder's bank takes a charge back.

use serde_json::{Value, json};

use super::{Scene, ids, with};

/// Opened: the money is taken until it is decided, and evidence is due in ten days.
pub(super) fn created(scene: &Scene) -> Value {
    json!({
        "id": scene.dispute,
        "object": "dispute",
        "amount": scene.sample.amount,
        "balance_transactions": [],
        "charge": scene.charge,
        "created": scene.created(),
        "currency": "mxn",
        "enhanced_eligibility_types": [],
        "evidence": {
            "customer_email_address": scene.sample.email,
            "customer_name": scene.sample.name,
            "product_description": null,
            "receipt": null,
            "service_documentation": null,
            "uncategorized_text": null,
        },
        "evidence_details": {
            "due_by": scene.created() + 10 * 86_400,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
        },
        "is_charge_refundable": false,
        "livemode": false,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": scene.payment_intent,
        "payment_method_details": {
            "card": { "brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4" },
            "type": "card",
        },
        "reason": "fraudulent",
        "status": "needs_response",
    })
}

/// The bank has taken the money.
pub(super) fn funds_withdrawn(scene: &Scene) -> Value {
    with(
        created(scene),
        json!({ "balance_transactions": [movement(scene, "withdrawn", -scene.sample.amount)] }),
    )
}

/// Evidence was handed in; the bank decides.
pub(super) fn answered(scene: &Scene) -> Value {
    with(funds_withdrawn(scene), json!({ "status": "under_review" }))
}

pub(super) fn lost(scene: &Scene) -> Value {
    with(funds_withdrawn(scene), json!({ "status": "lost" }))
}

/// Won: the bank gives the money back.
pub(super) fn funds_reinstated(scene: &Scene) -> Value {
    let movements = [
        movement(scene, "withdrawn", -scene.sample.amount),
        movement(scene, "reinstated", scene.sample.amount),
    ];
    with(
        created(scene),
        json!({ "balance_transactions": movements, "status": "won" }),
    )
}

fn movement(scene: &Scene, what: &str, amount: i64) -> Value {
    json!({
        "id": ids::balance_transaction(&format!("{} {what}", scene.dispute)),
        "object": "balance_transaction",
        "amount": amount,
        "created": scene.created(),
        "currency": "mxn",
        "fee": 0,
        "net": amount,
        "reporting_category": "dispute",
        "source": scene.dispute,
        "status": "available",
        "type": "adjustment",
    })
}

//! Charges: one try to take the money of a payment, and what became of it.

use super::customer::billing_details;
use super::payment::{checks, direct_sale};
use super::{Scene, ids, with};
use serde_json::{Value, json};

/// A charge just made. The fee is not known yet: `balance_transaction` follows with
/// `charge.updated`, since capture is asynchronous by default.
pub(super) fn succeeded(scene: &Scene) -> Value {
    let page = ids::of(&scene.charge, "receipt", 32);
    let charge = json!({
        "id": scene.charge,
        "object": "charge",
        "amount": scene.sample.amount,
        "amount_captured": scene.sample.amount,
        "amount_refunded": 0,
        "application_fee": null,
        "balance_transaction": null,
        "billing_details": billing_details(scene),
        "calculated_statement_descriptor": "ONLYCAR",
        "captured": true,
        "created": scene.created(),
        "currency": "mxn",
        "customer": scene.sample.customer_id,
        "description": "Servicio OnlyCar",
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "fraud_details": {},
        "livemode": false,
        // Stripe copies the payment's metadata once, when the charge is made.
        "metadata": scene.service_metadata(),
        "outcome": {
            "advice_code": null,
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "approved_by_network",
            "reason": null,
            "risk_level": "normal",
            "risk_score": 21,
            "seller_message": "Approved.",
            "type": "authorized",
        },
        "paid": true,
        "payment_intent": scene.payment_intent,
        "payment_method": scene.payment_method,
        "payment_method_details": { "card": charged_card(scene), "type": "card" },
        "radar_options": {},
        "receipt_email": scene.sample.email,
        "receipt_number": null,
        "receipt_url": format!("https://pay.stripe.com/receipts/payment/{page}"),
        "refunded": false,
        "source_transfer": null,
        "status": "succeeded",
    });
    with(charge, direct_sale())
}

fn charged_card(scene: &Scene) -> Value {
    json!({
        "amount_authorized": scene.sample.amount,
        "authorization_code": "123456",
        "brand": "visa",
        "checks": checks(),
        "country": "MX",
        "exp_month": 8,
        "exp_year": 2030,
        "extended_authorization": { "status": "disabled" },
        "fingerprint": ids::of(&scene.payment_method, "fingerprint", 16),
        "funding": "credit",
        "incremental_authorization": { "status": "unavailable" },
        "installments": null,
        "last4": "4242",
        "mandate": null,
        "multicapture": { "status": "unavailable" },
        "network": "visa",
        "network_token": { "used": false },
        "network_transaction_id": "796129201410711",
        "overcapture": {
            "maximum_amount_capturable": scene.sample.amount,
            "status": "unavailable",
        },
        "regulated_status": "unregulated",
        "three_d_secure": null,
        "wallet": null,
    })
}

/// The fee is known now: `balance_transaction` is there.
pub(super) fn captured(scene: &Scene) -> Value {
    with(
        succeeded(scene),
        json!({ "balance_transaction": ids::balance_transaction(&scene.charge) }),
    )
}

/// Declined by the bank.
pub(super) fn failed(scene: &Scene) -> Value {
    with(
        succeeded(scene),
        json!({
            "id": scene.failed_charge(),
            "amount_captured": 0,
            "captured": false,
            "failure_code": "card_declined",
            "failure_message": "Your card has insufficient funds.",
            "outcome": {
                "advice_code": "try_again_later",
                "network_advice_code": null,
                "network_decline_code": "51",
                "network_status": "declined_by_network",
                "reason": "insufficient_funds",
                "risk_level": "normal",
                "risk_score": 21,
                "seller_message": "The bank returned the decline code `insufficient_funds`.",
                "type": "issuer_declined",
            },
            "paid": false,
            "receipt_url": null,
            "status": "failed",
        }),
    )
}

/// Refunded: `refunded` is true only when nothing is left. The refund itself comes as `refund.created`.
pub(super) fn refunded(scene: &Scene) -> Value {
    let amount = scene.refund_amount();
    with(
        captured(scene),
        json!({ "amount_refunded": amount, "refunded": amount == scene.sample.amount }),
    )
}

//! Checkout sessions: the page where a customer pays for a service.

use serde_json::{Value, json};

use super::{Scene, ids, with};

/// Ended with a choice that is not money yet, an OXXO voucher or a transfer, and was not paid in the end.
pub(super) fn unpaid(scene: &Scene) -> Value {
    session(scene)
}

/// Paid, at once or days later.
pub(super) fn paid(scene: &Scene) -> Value {
    with(session(scene), json!({ "payment_status": "paid" }))
}

/// Nobody paid before the page expired.
pub(super) fn expired(scene: &Scene) -> Value {
    with(
        session(scene),
        json!({ "customer_details": null, "payment_intent": null, "status": "expired" }),
    )
}

fn session(scene: &Scene) -> Value {
    let session = json!({
        "id": scene.session,
        "object": "checkout.session",
        "amount_subtotal": scene.sample.amount,
        "amount_total": scene.sample.amount,
        "client_reference_id": scene.sample.service_id,
        "created": scene.created(),
        "currency": "mxn",
        "customer": scene.sample.customer_id,
        "customer_account": null,
        "customer_details": {
            "address": { "city": null, "country": "MX", "line1": null, "line2": null, "postal_code": null, "state": null },
            "email": scene.sample.email,
            "name": scene.sample.name,
            "phone": null,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": null,
        "expires_at": scene.created() + 86_400,
        "invoice": null,
        "livemode": false,
        "metadata": scene.service_metadata(),
        "mode": "payment",
        "payment_intent": scene.payment_intent,
        "payment_link": format!("plink_1{}", ids::of(&scene.session, "link", 23)),
        "payment_method_types": ["card", "oxxo", "customer_balance"],
        "payment_status": "unpaid",
        "status": "complete",
        "subscription": null,
        "success_url": "https://onlycar.example/gracias",
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "url": null,
    });
    with(session, terms())
}

/// What is the same on every page of ours.
fn terms() -> Value {
    json!({
        "after_expiration": null,
        "allow_promotion_codes": false,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_address_collection": "auto",
        "cancel_url": null,
        "collected_information": { "business_name": null, "individual_name": null, "shipping_details": null },
        "consent": null,
        "custom_fields": [],
        "discounts": [],
        "locale": "es-419",
        "managed_payments": null,
        "payment_method_collection": "if_required",
        "recovered_from": null,
        "setup_intent": null,
        "shipping_cost": null,
        "submit_type": "pay",
        "ui_mode": "hosted_page",
    })
}

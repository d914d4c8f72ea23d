//! Customers and what of them is repeated on other objects.

use super::{Scene, ids, with};
use serde_json::{Value, json};

pub(super) fn customer(scene: &Scene) -> Value {
    json!({
        "id": scene.sample.customer_id,
        "object": "customer",
        "address": address(),
        "balance": 0,
        "created": scene.created(),
        "currency": null,
        "customer_account": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "discount": null,
        "email": scene.sample.email,
        "invoice_prefix": ids::invoice_prefix(&scene.sample.customer_id),
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": null,
            "footer": null,
            "rendering_options": null,
        },
        "livemode": false,
        "metadata": {},
        "name": scene.sample.name,
        "next_invoice_sequence": 1,
        "phone": "+525555555555",
        "preferred_locales": ["es-419"],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    })
}

/// A card became the one to charge.
pub(super) fn updated(scene: &Scene) -> Value {
    let settings = json!({
        "custom_fields": null,
        "default_payment_method": scene.payment_method,
        "footer": null,
        "rendering_options": null,
    });
    with(
        customer(scene),
        json!({ "currency": "mxn", "invoice_settings": settings }),
    )
}

pub(super) fn address() -> Value {
    json!({
        "city": "Ciudad de México",
        "country": "MX",
        "line1": "Av. Insurgentes Sur 1602",
        "line2": null,
        "postal_code": "03940",
        "state": "CDMX",
    })
}

pub(super) fn billing_details(scene: &Scene) -> Value {
    json!({
        "address": address(),
        "email": scene.sample.email,
        "name": scene.sample.name,
        "phone": null,
        "tax_id": null,
    })
}

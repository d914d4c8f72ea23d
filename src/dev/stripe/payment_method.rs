//! Means of payment that a customer keeps, or tries once.

use serde_json::{Value, json};

use super::customer::billing_details;
use super::payment::checks;
use super::{Scene, ids, with};

/// A card kept with its customer.
pub(super) fn attached(scene: &Scene) -> Value {
    with(loose_card(scene), json!({ "customer": scene.sample.customer_id }))
}

/// Taken off its customer, who then stands in `previous_attributes` only.
pub(super) fn detached(scene: &Scene) -> Value {
    loose_card(scene)
}

/// Renewed: the same card is good for longer.
pub(super) fn renewed(scene: &Scene) -> Value {
    let mut card = attached(scene);
    if let Some(year) = card.pointer_mut("/card/exp_year") {
        *year = json!(2034);
    }
    card
}

/// A card that belongs to nobody.
pub(super) fn loose_card(scene: &Scene) -> Value {
    json!({
        "id": scene.payment_method,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(scene),
        "card": {
            "brand": "visa",
            "checks": checks(),
            "country": "MX",
            "display_brand": "visa",
            "exp_month": 8,
            "exp_year": 2030,
            "fingerprint": ids::of(&scene.payment_method, "fingerprint", 16),
            "funding": "credit",
            "generated_from": null,
            "last4": "4242",
            "networks": { "available": ["visa"], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        },
        "created": scene.created(),
        "customer": null,
        "customer_account": null,
        "livemode": false,
        "metadata": {},
        "type": "card",
    })
}

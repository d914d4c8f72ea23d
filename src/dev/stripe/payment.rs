//! Payments of a service: the payment intent through its life.

use super::{Scene, ids, payment_method, with};
use serde_json::{Value, json};

/// A payment nobody has tried to pay yet.
pub(super) fn created(scene: &Scene) -> Value {
    let id = &scene.payment_intent;
    let intent = json!({
        "client_secret": ids::client_secret(id),
        "id": id,
        "object": "payment_intent",
        "amount": scene.sample.amount,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": 0,
        "canceled_at": null,
        "cancellation_reason": null,
        "created": scene.created(),
        "currency": "mxn",
        "customer": scene.sample.customer_id,
        "customer_account": null,
        "description": "Servicio OnlyCar",
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "metadata": scene.service_metadata(),
        "next_action": null,
        "payment_method": null,
        "payment_record": null,
        "processing": null,
        "receipt_email": scene.sample.email,
        "status": "requires_payment_method",
    });
    with(with(intent, means()), direct_sale())
}

/// How it may be paid: by card or with an OXXO voucher.
fn means() -> Value {
    json!({
        "allowed_payment_method_types": null,
        "automatic_payment_methods": null,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "excluded_payment_method_types": null,
        "managed_payments": null,
        "payment_method_configuration_details": null,
        "payment_method_options": {
            "card": {
                "installments": null,
                "mandate_options": null,
                "network": null,
                "request_three_d_secure": "automatic",
            },
            "oxxo": { "expires_after_days": 3 },
        },
        "payment_method_types": ["card", "oxxo"],
        "setup_future_usage": null,
    })
}

/// What payments and charges both say when nobody stands between the customer and us.
pub(super) fn direct_sale() -> Value {
    json!({
        "application": null,
        "application_fee_amount": null,
        "on_behalf_of": null,
        "review": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "transfer_data": null,
        "transfer_group": null,
    })
}

pub(super) fn succeeded(scene: &Scene) -> Value {
    with(
        created(scene),
        json!({
            "amount_received": scene.sample.amount,
            "latest_charge": scene.charge,
            "payment_method": scene.payment_method,
            "status": "succeeded",
        }),
    )
}

/// Declined by the bank. The payment itself goes back to waiting for a means of payment.
pub(super) fn failed(scene: &Scene) -> Value {
    let charge = scene.failed_charge();
    with(
        created(scene),
        json!({
            "last_payment_error": {
                "advice_code": "try_again_later",
                "charge": charge,
                "code": "card_declined",
                "decline_code": "insufficient_funds",
                "doc_url": "https://docs.stripe.com/error-codes/card-declined",
                "message": "The card does not have enough funds.",
                "network_advice_code": null,
                "network_decline_code": "51",
                "payment_method": payment_method::loose_card(scene),
                "type": "card_error",
            },
            "latest_charge": charge,
        }),
    )
}

pub(super) fn canceled(scene: &Scene) -> Value {
    with(
        created(scene),
        json!({
            "canceled_at": scene.now(),
            "cancellation_reason": "requested_by_customer",
            "status": "canceled",
        }),
    )
}

/// The customer chose OXXO and got a voucher; the money comes in days, or never.
pub(super) fn voucher_issued(scene: &Scene) -> Value {
    let page = ids::of(&scene.payment_intent, "voucher page", 32);
    with(
        created(scene),
        json!({
            "next_action": {
                "oxxo_display_details": {
                    "expires_after": voucher_end(scene.created()),
                    "hosted_voucher_url": format!("https://payments.stripe.com/oxxo/voucher/test_{page}"),
                    "number": ids::voucher_number(&scene.payment_intent),
                },
                "type": "oxxo_display_details",
            },
            "payment_method": scene.payment_method,
            "payment_method_types": ["oxxo"],
            "status": "requires_action",
        }),
    )
}

pub(super) fn voucher_expired(scene: &Scene) -> Value {
    with(
        created(scene),
        json!({
            "payment_method": scene.payment_method,
            "payment_method_types": ["oxxo"],
            "status": "processing",
        }),
    )
}

/// A SPEI transfer of a third of the price came in; the rest is still to come.
pub(super) fn partially_funded(scene: &Scene) -> Value {
    let remaining = scene.sample.amount - scene.sample.amount / 3;
    let account = json!({
        "spei": {
            "account_holder_name": "ONLYCAR",
            "bank_code": "002",
            "bank_name": "BANAMEX",
            "clabe": ids::clabe(&scene.sample.customer_id),
        },
        "supported_networks": ["spei"],
        "type": "spei",
    });
    let page = ids::of(&scene.payment_intent, "instructions", 32);
    with(
        created(scene),
        json!({
            "next_action": {
                "display_bank_transfer_instructions": {
                    "amount_remaining": remaining,
                    "currency": "mxn",
                    "financial_addresses": [account],
                    "hosted_instructions_url": format!("https://payments.stripe.com/bank_transfers/instructions/test_{page}"),
                    "reference": ids::of(&scene.payment_intent, "reference", 12).to_uppercase(),
                    "type": "mx_bank_transfer",
                },
                "type": "display_bank_transfer_instructions",
            },
            "payment_method": scene.payment_method,
            "payment_method_types": ["customer_balance"],
            "status": "requires_action",
        }),
    )
}

/// The last second of the third day after `now` in Mexico City, which is six hours behind UTC
/// all year since 2022.
fn voucher_end(now: i64) -> i64 {
    const DAY: i64 = 86_400;
    const BEHIND: i64 = 6 * 3_600;
    let today = (now - BEHIND).div_euclid(DAY);
    (today + 4) * DAY - 1 + BEHIND
}

pub(super) fn checks() -> Value {
    json!({
        "address_line1_check": "pass",
        "address_postal_code_check": "pass",
        "cvc_check": "pass",
    })
}

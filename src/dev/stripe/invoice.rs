//! The invoices of a subscription.

use super::billing::{month_after, month_before};
use super::{Scene, customer, ids, with};
use serde_json::{Value, json};

pub(super) fn paid(scene: &Scene) -> Value {
    with(
        invoice(scene),
        json!({
            "amount_paid": scene.sample.amount,
            "amount_remaining": 0,
            "auto_advance": false,
            "status": "paid",
            "status_transitions": {
                "finalized_at": scene.created(),
                "marked_uncollectible_at": null,
                "paid_at": scene.now(),
                "voided_at": null,
            },
        }),
    )
}

/// Open, tried once; Stripe tries again in three days.
pub(super) fn failed(scene: &Scene) -> Value {
    let retry = scene.now() + 3 * 86_400;
    with(invoice(scene), json!({ "next_payment_attempt": retry }))
}

/// Just made: it can still be changed, has no number, and is finalised in an hour.
pub(super) fn draft(scene: &Scene) -> Value {
    with(
        invoice(scene),
        json!({
            "attempt_count": 0,
            "attempted": false,
            "automatically_finalizes_at": scene.created() + 3_600,
            "effective_at": null,
            "hosted_invoice_url": null,
            "invoice_pdf": null,
            "number": null,
            "status": "draft",
            "status_transitions": untouched(),
            "webhooks_delivered_at": null,
        }),
    )
}

/// Finalised and not yet tried.
pub(super) fn finalized(scene: &Scene) -> Value {
    with(invoice(scene), json!({ "attempt_count": 0, "attempted": false }))
}

/// The bank wants to see the customer confirm (3-D Secure); the hosted page is where.
pub(super) fn action_required(scene: &Scene) -> Value {
    with(invoice(scene), json!({ "next_payment_attempt": null }))
}

/// It could not be finalised, so nobody is charged until a person mends it.
pub(super) fn not_finalized(scene: &Scene) -> Value {
    with(
        draft(scene),
        json!({
            "automatically_finalizes_at": null,
            "last_finalization_error": {
                "code": "customer_tax_location_invalid",
                "doc_url": "https://docs.stripe.com/error-codes#customer-tax-location-invalid",
                "message": "The customer's location isn't recognized.",
                "type": "invalid_request_error",
            },
        }),
    )
}

/// Given up; it can still be paid.
pub(super) fn written_off(scene: &Scene) -> Value {
    let when = json!({ "marked_uncollectible_at": scene.now(), "finalized_at": scene.created() });
    let status = json!({ "auto_advance": false, "status": "uncollectible", "status_transitions": with(untouched(), when) });
    with(invoice(scene), status)
}

/// As if it had never been; nobody owes it.
pub(super) fn voided(scene: &Scene) -> Value {
    let when = json!({ "voided_at": scene.now(), "finalized_at": scene.created() });
    let status =
        json!({ "auto_advance": false, "status": "void", "status_transitions": with(untouched(), when) });
    with(invoice(scene), status)
}

fn untouched() -> Value {
    json!({
        "finalized_at": null,
        "marked_uncollectible_at": null,
        "paid_at": null,
        "voided_at": null,
    })
}

/// What paid an invoice: since 2025-03-31.basil the link between it and its payment.
pub(super) fn payment(scene: &Scene) -> Value {
    json!({
        "id": scene.invoice_payment(),
        "object": "invoice_payment",
        "amount_paid": scene.sample.amount,
        "amount_requested": scene.sample.amount,
        "created": scene.created(),
        "currency": "mxn",
        "invoice": scene.invoice,
        "is_default": true,
        "livemode": false,
        "payment": {
            "payment_intent": scene.payment_of_invoice(),
            "type": "payment_intent",
        },
        "status": "paid",
        "status_transitions": { "canceled_at": null, "paid_at": scene.now() },
    })
}

/// A finalised, unpaid invoice of a renewal. It names the subscription in `parent` and, as since
/// 2025-03-31.basil, no payment: that takes a question to the API.
fn invoice(scene: &Scene) -> Value {
    let id = &scene.invoice;
    let (prefix, page) = (
        ids::invoice_prefix(&scene.sample.customer_id),
        ids::of(id, "page", 32),
    );
    let number = ids::of(id, "number", 4).to_uppercase();
    let hosted = format!("https://invoice.stripe.com/i/acct_onlycar/test_{page}");
    let invoice = json!({
        "object": "invoice",
        "account_country": "MX",
        "account_name": "OnlyCar",
        "attempt_count": 1,
        "attempted": true,
        "auto_advance": true,
        "billing_reason": "subscription_cycle",
        "created": scene.created(),
        "customer": scene.sample.customer_id,
        "customer_account": null,
        "customer_address": customer::address(),
        "customer_email": scene.sample.email,
        "customer_name": scene.sample.name,
        "customer_phone": null,
        "effective_at": scene.created(),
        "invoice_pdf": format!("{hosted}/pdf?s=ap"),
        "hosted_invoice_url": hosted,
        "lines": {
            "object": "list",
            "data": [line(scene, id)],
            "has_more": false,
            "total_count": 1,
            "url": format!("/v1/invoices/{id}/lines"),
        },
        "id": id,
        "livemode": false,
        "metadata": {},
        "next_payment_attempt": null,
        "number": format!("{prefix}-{number}"),
        "parent": {
            "quote_details": null,
            "subscription_details": {
                // A snapshot of the subscription's metadata, taken when the invoice was made.
                "metadata": scene.contract_metadata(),
                "subscription": scene.sample.subscription_id,
            },
            "type": "subscription_details",
        },
        // The invoice's own period is the month that ended; its lines pay for the one ahead.
        "period_end": scene.created(),
        "period_start": month_before(scene.created_at()).timestamp(),
        "status": "open",
        "status_transitions": {
            "finalized_at": scene.created(),
            "marked_uncollectible_at": null,
            "paid_at": null,
            "voided_at": null,
        },
        "webhooks_delivered_at": scene.created(),
    });
    with(with(invoice, terms()), amounts(scene.sample.amount))
}

/// What is the same on every invoice of ours: charged by itself, nothing added by hand.
fn terms() -> Value {
    json!({
        "account_tax_ids": null,
        "application": null,
        "automatic_tax": {
            "disabled_reason": null,
            "enabled": false,
            "liability": null,
            "provider": null,
            "status": null,
        },
        "automatically_finalizes_at": null,
        "collection_method": "charge_automatically",
        "custom_fields": null,
        "customer_shipping": null,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": null,
        "default_source": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "due_date": null,
        "footer": null,
        "from_invoice": null,
        "issuer": { "type": "self" },
        "last_finalization_error": null,
        "latest_revision": null,
        "on_behalf_of": null,
        "payment_settings": {
            "default_mandate": null,
            "payment_method_options": null,
            "payment_method_types": null,
        },
        "receipt_number": null,
        "rendering": null,
        "shipping_details": null,
        "statement_descriptor": null,
        "test_clock": null,
    })
}

/// What an unpaid invoice says about money. The price includes its tax.
fn amounts(amount: i64) -> Value {
    json!({
        "amount_due": amount,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": amount,
        "amount_shipping": 0,
        "currency": "mxn",
        "ending_balance": 0,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "shipping_cost": null,
        "starting_balance": 0,
        "subtotal": amount,
        "subtotal_excluding_tax": amount,
        "total": amount,
        "total_discount_amounts": [],
        "total_excluding_tax": amount,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    })
}

fn line(scene: &Scene, invoice: &str) -> Value {
    let amount = scene.sample.amount;
    let subscription = &scene.sample.subscription_id;
    json!({
        "id": ids::invoice_line(invoice),
        "object": "line_item",
        "amount": amount,
        "currency": "mxn",
        "description": "1 × Plan mensual OnlyCar",
        "discount_amounts": [],
        "discountable": true,
        "discounts": [],
        "invoice": invoice,
        "livemode": false,
        "metadata": scene.contract_metadata(),
        "parent": {
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null,
                "proration": false,
                "proration_details": { "credited_items": null },
                "subscription": subscription,
                "subscription_item": ids::subscription_item(subscription),
            },
            "type": "subscription_item_details",
        },
        "period": {
            "end": month_after(scene.created_at()).timestamp(),
            "start": scene.created(),
        },
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": { "price": ids::price(subscription), "product": ids::product(subscription) },
            "type": "price_details",
            "unit_amount_decimal": amount.to_string(),
        },
        "quantity": 1,
        "quantity_decimal": "1",
        "subscription": subscription,
        "subtotal": amount,
        "taxes": [],
    })
}

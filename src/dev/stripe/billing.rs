//! Contracts that are paid monthly: the subscription.

use super::{Scene, ids, with};
use chrono::{DateTime, Months, Utc};
use serde_json::{Value, json};

/// An active subscription whose month begins now.
pub(super) fn subscription(scene: &Scene) -> Value {
    let id = &scene.sample.subscription_id;
    let subscription = json!({
        "id": id,
        "object": "subscription",
        "application": null,
        "application_fee_percent": null,
        "billing_cycle_anchor": scene.created(),
        "billing_cycle_anchor_config": null,
        "cancel_at": null,
        "cancel_at_period_end": false,
        "canceled_at": null,
        "cancellation_details": { "comment": null, "feedback": null, "reason": null },
        "created": scene.created(),
        "currency": "mxn",
        "customer": scene.sample.customer_id,
        "customer_account": null,
        "default_payment_method": scene.payment_method,
        "ended_at": null,
        "items": {
            "object": "list",
            "data": [item(scene)],
            "has_more": false,
            "total_count": 1,
            "url": format!("/v1/subscription_items?subscription={id}"),
        },
        "latest_invoice": scene.invoice,
        "livemode": false,
        "metadata": scene.contract_metadata(),
        "next_pending_invoice_item_invoice": null,
        "pending_setup_intent": null,
        "pending_update": null,
        "schedule": null,
        "start_date": scene.created(),
        "status": "active",
        "test_clock": null,
        "transfer_data": null,
        "trial_end": null,
        "trial_start": null,
    });
    with(subscription, terms())
}

/// How it is billed: by card, without trial, discount or automatic tax.
fn terms() -> Value {
    json!({
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
        "billing_mode": {
            "flexible": { "proration_discounts": "included" },
            "type": "flexible",
        },
        "billing_schedules": [],
        "billing_thresholds": null,
        "collection_method": "charge_automatically",
        "days_until_due": null,
        "default_source": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "invoice_settings": {
            "account_tax_ids": null,
            "custom_fields": null,
            "description": null,
            "footer": null,
            "issuer": { "type": "self" },
        },
        "managed_payments": null,
        "on_behalf_of": null,
        "pause_collection": null,
        "payment_settings": {
            "payment_method_options": null,
            "payment_method_types": null,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": null,
        "trial_settings": { "end_behavior": { "missing_payment_method": "create_invoice" } },
    })
}

fn item(scene: &Scene) -> Value {
    let subscription = &scene.sample.subscription_id;
    let (price, product) = (ids::price(subscription), ids::product(subscription));
    let began = scene.created_at();
    json!({
        "id": ids::subscription_item(subscription),
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": scene.created(),
        "current_period_end": month_after(began).timestamp(),
        "current_period_start": scene.created(),
        "current_trial": null,
        "discounts": [],
        "metadata": {},
        "plan": plan(&price, &product, scene.sample.amount, scene.created()),
        "price": self::price(&price, &product, scene.sample.amount, scene.created()),
        "quantity": 1,
        "subscription": subscription,
        "tax_rates": [],
    })
}

pub(super) fn price(id: &str, product: &str, amount: i64, created: i64) -> Value {
    json!({
        "id": id,
        "object": "price",
        "active": true,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": "mxn",
        "custom_unit_amount": null,
        "livemode": false,
        "lookup_key": null,
        "metadata": {},
        "nickname": null,
        "product": product,
        "recurring": {
            "interval": "month",
            "interval_count": 1,
            "meter": null,
            "trial_period_days": null,
            "usage_type": "licensed",
        },
        "tax_behavior": "inclusive",
        "tiers_mode": null,
        "transform_quantity": null,
        "type": "recurring",
        "unit_amount": amount,
        "unit_amount_decimal": amount.to_string(),
    })
}

/// The same as the price in the words of an older API; Stripe still sends both.
pub(super) fn plan(id: &str, product: &str, amount: i64, created: i64) -> Value {
    json!({
        "id": id,
        "object": "plan",
        "active": true,
        "amount": amount,
        "amount_decimal": amount.to_string(),
        "billing_scheme": "per_unit",
        "created": created,
        "currency": "mxn",
        "interval": "month",
        "interval_count": 1,
        "livemode": false,
        "metadata": {},
        "meter": null,
        "nickname": null,
        "product": product,
        "tiers_mode": null,
        "transform_usage": null,
        "trial_period_days": null,
        "usage_type": "licensed",
    })
}

/// Renewed now: it began a month ago, unless the sample says when.
pub(super) fn renewed_subscription(scene: &Scene) -> Value {
    let began = scene
        .sample
        .created
        .unwrap_or_else(|| month_before(scene.at))
        .timestamp();
    let times = json!({ "billing_cycle_anchor": began, "created": began, "start_date": began });
    let mut renewed = with(subscription(scene), times);
    if let Some(item) = renewed.pointer_mut("/items/data/0") {
        let month = json!({
            "created": began,
            "current_period_end": month_after(scene.at).timestamp(),
            "current_period_start": scene.now(),
        });
        *item = with(item.take(), month);
    }
    renewed
}

/// What the renewal changed: the items come whole, with the month before.
pub(super) fn before_renewal(scene: &Scene, renewed: &Value) -> Value {
    let before = month_before(scene.at).timestamp();
    let month = json!({ "current_period_end": scene.now(), "current_period_start": before });
    let item = renewed.pointer("/items/data/0").cloned().unwrap_or_default();
    let invoice = format!("in_1{}", ids::of(&scene.invoice, "invoice before", 23));
    json!({ "items": { "data": [with(item, month)] }, "latest_invoice": invoice })
}

/// A trial that ends in three days; then the card is charged for the first time.
pub(super) fn ending_trial(scene: &Scene) -> Value {
    let end = scene.now() + 3 * 86_400;
    let began = scene
        .sample
        .created
        .map_or(end - 14 * 86_400, |at| at.timestamp());
    let times = json!({
        "billing_cycle_anchor": end,
        "created": began,
        "start_date": began,
        "status": "trialing",
        "trial_end": end,
        "trial_start": began,
    });
    let mut trial = with(subscription(scene), times);
    if let Some(item) = trial.pointer_mut("/items/data/0") {
        let period = json!({ "created": began, "current_period_end": end, "current_period_start": began });
        *item = with(item.take(), period);
    }
    trial
}

/// Its trial ended and nobody had left a card: no invoices until it is resumed.
pub(super) fn paused_subscription(scene: &Scene) -> Value {
    with(subscription(scene), json!({ "status": "paused" }))
}

pub(super) fn ended_subscription(scene: &Scene) -> Value {
    with(
        subscription(scene),
        json!({
            "canceled_at": scene.now(),
            "cancellation_details": {
                "comment": null,
                "feedback": null,
                "reason": "cancellation_requested",
            },
            "ended_at": scene.now(),
            "status": "canceled",
        }),
    )
}

/// Months as a calendar counts them: from 31 January to 28 February. At the end of all dates
/// there is no next month; the same moment does.
pub(super) fn month_after(at: DateTime<Utc>) -> DateTime<Utc> {
    at.checked_add_months(Months::new(1)).unwrap_or(at)
}

pub(super) fn month_before(at: DateTime<Utc>) -> DateTime<Utc> {
    at.checked_sub_months(Months::new(1)).unwrap_or(at)
}

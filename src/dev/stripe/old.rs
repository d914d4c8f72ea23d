//! The same event as rendered before 2025-03-31.basil. Accounts keep their default version for
//! years, `GET /v1/events` answers in it whatever version the endpoint has, and stored events
//! never change. Stripe's changelog for basil has the reasons, under the subscription's deprecated
//! current period and an invoice's multiple (partial) payments.

use super::{billing, ids};
use serde_json::{Map, Value, json};

const VERSION: &str = "2024-06-20";

type Fields = Map<String, Value>;

/// Fields that came after [`VERSION`], per object.
const NEWER: &[(&str, &[&str])] = &[
    (
        "payment_intent",
        &[
            "allowed_payment_method_types",
            "customer_account",
            "excluded_payment_method_types",
            "managed_payments",
            "payment_record",
        ],
    ),
    ("customer", &["customer_account"]),
    ("refund", &["customer", "payment_method"]),
    ("dispute", &["enhanced_eligibility_types", "network_reason_code"]),
    ("payment_method", &["allow_redisplay", "customer_account"]),
    (
        "checkout.session",
        &["collected_information", "customer_account", "managed_payments"],
    ),
    (
        "subscription",
        &[
            "billing_mode",
            "billing_schedules",
            "customer_account",
            "managed_payments",
        ],
    ),
    (
        "invoice",
        &[
            "amount_overpaid",
            "automatically_finalizes_at",
            "customer_account",
            "parent",
            "total_pretax_credit_amounts",
            "total_taxes",
        ],
    ),
    (
        "line_item",
        &[
            "parent",
            "pretax_credit_amounts",
            "pricing",
            "quantity_decimal",
            "subtotal",
            "taxes",
        ],
    ),
];

/// Turns an event of [`super::event`] into its older shape: other paths for an invoice's
/// subscription and payment, and for a subscription's period.
#[must_use]
pub fn old_shape(mut event: Value) -> Value {
    if event.get("api_version").and_then(Value::as_str) == Some(VERSION) {
        return event; // it is so already
    }
    let deleted = event.get("type").and_then(Value::as_str) == Some("customer.deleted");
    if let Some(fields) = event.as_object_mut() {
        fields.insert("api_version".to_owned(), VERSION.into());
    }
    if let Some(object) = event.pointer_mut("/data/object").and_then(Value::as_object_mut) {
        match object.get("object").and_then(Value::as_str) {
            Some("invoice") => invoice(object),
            Some("subscription") => subscription(object),
            Some("payment_intent") => payment_intent(object),
            Some("charge") => charge(object),
            Some("customer") if deleted => {
                // What is left of it; newer events have all of it.
                object.retain(|name, _| matches!(name.as_str(), "id" | "object"));
                add(object, json!({ "deleted": true }));
            }
            Some("checkout.session") => add(object, json!({ "shipping_details": null })),
            _ => {}
        }
        drop_newer(object);
    }
    if let Some(previous) = event
        .pointer_mut("/data/previous_attributes")
        .and_then(Value::as_object_mut)
        && previous.contains_key("items")
    {
        lift_period(previous);
        previous.remove("items");
    }
    event
}

fn drop_newer(object: &mut Fields) {
    let kind = object.get("object").and_then(Value::as_str).unwrap_or_default();
    let newer = NEWER
        .iter()
        .find(|(name, _)| *name == kind)
        .map_or(&[][..], |(_, names)| names);
    for name in newer {
        object.remove(*name);
    }
}

fn add(object: &mut Fields, fields: Value) {
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
}

/// The period of the first item becomes the subscription's: it had only one then.
fn lift_period(object: &mut Fields) {
    let Some(items) = object.get_mut("items").and_then(|list| list.get_mut("data")) else {
        return;
    };
    let items = items.as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
    let mut lifted = Fields::new();
    for item in items.iter_mut().rev().filter_map(Value::as_object_mut) {
        item.remove("current_trial");
        for name in ["current_period_start", "current_period_end"] {
            if let Some(time) = item.remove(name) {
                lifted.insert(name.to_owned(), time);
            }
        }
    }
    object.extend(lifted);
}

fn subscription(object: &mut Fields) {
    lift_period(object);
    let item = object.get("items").and_then(|list| list.pointer("/data/0"));
    let plan = item
        .and_then(|item| item.get("plan"))
        .cloned()
        .unwrap_or_default();
    let quantity = item
        .and_then(|item| item.get("quantity"))
        .cloned()
        .unwrap_or_default();
    add(
        object,
        json!({ "discount": null, "plan": plan, "quantity": quantity }),
    );
}

fn invoice(object: &mut Fields) {
    let details = object
        .get("parent")
        .and_then(|parent| parent.get("subscription_details"));
    let subscription = details
        .and_then(|d| d.get("subscription"))
        .cloned()
        .unwrap_or_default();
    let metadata = details
        .and_then(|d| d.get("metadata"))
        .cloned()
        .unwrap_or_default();
    let status = object.get("status").and_then(Value::as_str).unwrap_or_default();
    let (paid, draft) = (status == "paid", status == "draft");
    let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
    let payment = (!draft).then(|| ids::payment_of_invoice(id));
    let charge = payment.as_deref().filter(|_| paid).map(ids::charge);
    for line in lines(object) {
        invoice_line(line);
    }
    add(
        object,
        json!({
            "charge": charge,
            "discount": null,
            "paid": paid,
            "paid_out_of_band": false,
            "payment_intent": payment,
            "quote": null,
            "subscription": subscription,
            "subscription_details": { "metadata": metadata },
            "tax": null,
            "total_tax_amounts": [],
            "transfer_data": null,
        }),
    );
}

/// Makes this the payment of an older event's invoice, in place of the one that follows from the invoice's id.
pub(super) fn name_payment(event: &mut Value, payment: &str, charge: Option<&str>) {
    let object = event.pointer_mut("/data/object").and_then(Value::as_object_mut);
    let Some(invoice) = object.filter(|object| object.get("object") == Some(&json!("invoice"))) else {
        return;
    };
    let derived = ids::charge(payment);
    for (field, id) in [
        ("payment_intent", payment),
        ("charge", charge.unwrap_or(&derived)),
    ] {
        if let Some(value @ Value::String(_)) = invoice.get_mut(field) {
            *value = id.into();
        }
    }
}

fn lines(invoice: &mut Fields) -> impl Iterator<Item = &mut Fields> {
    let lines = invoice.get_mut("lines").and_then(|list| list.get_mut("data"));
    let lines = lines
        .and_then(Value::as_array_mut)
        .map(Vec::as_mut_slice)
        .unwrap_or_default();
    lines.iter_mut().filter_map(Value::as_object_mut)
}

fn invoice_line(line: &mut Fields) {
    let text = |path: &str, key: &str| {
        let parent = line.get(path).cloned().unwrap_or_default();
        parent
            .pointer(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let price = text("pricing", "/price_details/price");
    let product = text("pricing", "/price_details/product");
    let item = text("parent", "/subscription_item_details/subscription_item");
    let amount = line.get("amount").and_then(Value::as_i64).unwrap_or_default();
    let start = line.get("period").and_then(|period| period.get("start"));
    let created = start.and_then(Value::as_i64).unwrap_or_default();
    add(
        line,
        json!({
            "amount_excluding_tax": amount,
            "plan": billing::plan(&price, &product, amount, created),
            "price": billing::price(&price, &product, amount, created),
            "proration": false,
            "proration_details": { "credited_items": null },
            "subscription_item": item,
            "tax_amounts": [],
            "tax_rates": [],
            "type": "subscription",
            "unit_amount_excluding_tax": amount.to_string(),
        }),
    );
    drop_newer(line);
}

fn payment_intent(object: &mut Fields) {
    object.insert("invoice".to_owned(), Value::Null);
    if let Some(error) = object
        .get_mut("last_payment_error")
        .and_then(Value::as_object_mut)
    {
        drop_advice(error);
    }
}

fn charge(object: &mut Fields) {
    object.insert("invoice".to_owned(), Value::Null);
    if let Some(outcome) = object.get_mut("outcome").and_then(Value::as_object_mut) {
        drop_advice(outcome);
    }
}

/// The networks' codes came with 2024-09-30.acacia.
fn drop_advice(of: &mut Fields) {
    for name in ["advice_code", "network_advice_code", "network_decline_code"] {
        of.remove(name);
    }
}

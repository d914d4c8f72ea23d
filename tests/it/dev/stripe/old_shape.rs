//! The same events as an account with a default version before 2025-03-31.basil has them.

use super::{every, made, objects};
use onlycar::dev::stripe::old_shape;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_old_shape_has_the_old_paths_only() {
    for (kind, new) in every() {
        let old = old_shape(new.clone());
        assert_eq!(old["api_version"], "2024-06-20", "{kind}");
        assert_eq!(old["id"], new["id"], "{kind}");
        for object in objects(&old) {
            let kind_of = object["object"].as_str().unwrap();
            let (has, lacks): (&[&str], &[&str]) = match kind_of {
                "invoice" => (
                    &[
                        "subscription",
                        "payment_intent",
                        "charge",
                        "paid",
                        "subscription_details",
                        "discount",
                        "tax",
                    ],
                    &["parent", "total_taxes", "amount_overpaid"],
                ),
                "line_item" => (
                    &[
                        "price",
                        "plan",
                        "type",
                        "proration",
                        "subscription_item",
                        "tax_amounts",
                    ],
                    &["parent", "pricing", "taxes", "subtotal"],
                ),
                "subscription" => (
                    &["current_period_start", "current_period_end", "plan", "discount"],
                    &["billing_mode", "billing_schedules", "managed_payments"],
                ),
                "subscription_item" => (
                    &["price", "plan"],
                    &["current_period_start", "current_period_end"],
                ),
                "payment_intent" => (
                    &["invoice"],
                    &["payment_record", "managed_payments", "customer_account"],
                ),
                "charge" => (&["invoice"], &[]),
                "refund" => (&["charge"], &["customer", "payment_method"]),
                "checkout.session" => (&["shipping_details"], &["collected_information"]),
                _ => (&[], &[]),
            };
            for name in has {
                assert!(object.get(*name).is_some(), "{kind}: {kind_of} has no {name}");
            }
            for name in lacks {
                assert!(object.get(*name).is_none(), "{kind}: {kind_of} still has {name}");
            }
        }
    }
}

#[test]
fn the_old_shape_says_the_same() {
    let new = made("invoice.paid");
    let old = old_shape(new.clone());
    let (new, old) = (&new["data"]["object"], &old["data"]["object"]);
    assert_eq!(
        old["subscription"],
        new["parent"]["subscription_details"]["subscription"]
    );
    assert_eq!(
        old["subscription_details"]["metadata"],
        new["parent"]["subscription_details"]["metadata"]
    );
    assert_eq!(old["paid"], true);
    assert!(old["payment_intent"].as_str().unwrap().starts_with("pi_3"));
    let (new, old) = (&new["lines"]["data"][0], &old["lines"]["data"][0]);
    assert_eq!(old["price"]["id"], new["pricing"]["price_details"]["price"]);
    assert_eq!(old["price"]["unit_amount"], new["amount"]);
    assert_eq!(
        old["subscription_item"],
        new["parent"]["subscription_item_details"]["subscription_item"]
    );
    assert_eq!(
        old_shape(made("invoice.payment_failed"))["data"]["object"]["paid"],
        false
    );

    let new = made("customer.subscription.updated");
    let old = old_shape(new.clone());
    let item = &new["data"]["object"]["items"]["data"][0];
    assert_eq!(
        old["data"]["object"]["current_period_end"],
        item["current_period_end"]
    );
    let item = &new["data"]["previous_attributes"]["items"]["data"][0];
    let previous = &old["data"]["previous_attributes"];
    assert_eq!(previous["current_period_start"], item["current_period_start"]);
    assert_eq!(
        keys(previous),
        BTreeSet::from(["current_period_end", "current_period_start", "latest_invoice"])
    );
}

#[test]
fn what_is_old_stays_as_it_is() {
    for (kind, new) in every() {
        let old = old_shape(new);
        assert_eq!(old_shape(old.clone()), old, "{kind}");
    }
}

#[test]
fn of_a_deleted_customer_a_stub_is_left() {
    let new = made("customer.deleted");
    assert_eq!(
        old_shape(new.clone())["data"]["object"],
        json!({ "id": new["data"]["object"]["id"], "object": "customer", "deleted": true })
    );
}

#[test]
fn the_old_shape_of_anything_else_is_left_alone() {
    for odd in [
        json!(null),
        json!([]),
        json!({}),
        json!({"data": {"object": {}}}),
        json!({"data": {"object": {"object": "invoice", "lines": 7}}}),
    ] {
        let _no_panic = old_shape(odd);
    }
}

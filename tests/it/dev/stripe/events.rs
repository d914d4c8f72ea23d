//! Complete, in today's shape, and signed so that our own verifier accepts them.

use std::collections::BTreeSet;

use onlycar::dev::stripe::{API_VERSION, KINDS, Sample, body, event, old_event, sign};
use onlycar::ground::config::Secrets;
use onlycar::payments::signature::{SigningSecrets, verify};
use serde_json::{Value, json};

use super::{at, every, made, noon, objects, sample};

const SECRET: &str = "whsec_test_secret";

#[test]
fn every_kind_named_can_be_made_and_no_other() {
    for (kind, event) in every() {
        assert_eq!(event["type"], kind);
        assert_eq!(event["object"], "event");
        assert_eq!(event["api_version"], API_VERSION);
        assert_eq!(event["created"], noon().timestamp());
        assert_eq!(event["livemode"], false);
        let of_payment = ["payment_intent.", "charge.", "refund."];
        let prefix = if of_payment.iter().any(|family| kind.starts_with(family)) {
            "evt_3"
        } else {
            "evt_1"
        };
        let id = event["id"].as_str().unwrap();
        assert!(id.starts_with(prefix) && id.len() == 28, "{kind}: {id}");
        assert_ne!(event["id"], made(kind)["id"], "{kind}: an id was given twice");
    }
    assert_eq!(event("payment_intent.eaten", &sample(), noon()), None);
    let names: BTreeSet<_> = KINDS.iter().map(|(kind, _)| kind).collect();
    assert_eq!(names.len(), KINDS.len());
    assert!(KINDS.iter().all(|(_, line)| !line.is_empty() && line.len() < 100));
}

#[test]
fn each_event_refers_to_the_sample() {
    let sample = sample();
    for (kind, event) in every() {
        let object = &event["data"]["object"];
        match object["object"].as_str().unwrap() {
            "payment_intent" => {
                assert_eq!(object["id"], "pi_3TestPayment000000000001", "{kind}");
                assert_eq!(
                    object["metadata"]["service_id"],
                    json!(sample.service_id),
                    "{kind}"
                );
                assert_eq!(object["amount"], 123_456, "{kind}");
                assert_eq!(object["currency"], "mxn", "{kind}");
            }
            "charge" => {
                assert_eq!(object["payment_intent"], "pi_3TestPayment000000000001", "{kind}");
                assert_eq!(
                    object["metadata"]["service_id"],
                    json!(sample.service_id),
                    "{kind}"
                );
                assert!(object["id"].as_str().unwrap().starts_with("ch_3"), "{kind}");
            }
            "subscription" => {
                assert_eq!(object["id"], sample.subscription_id, "{kind}");
                assert_eq!(
                    object["metadata"]["contract_id"],
                    json!(sample.contract_id),
                    "{kind}"
                );
            }
            "invoice" => {
                let details = &object["parent"]["subscription_details"];
                assert_eq!(details["subscription"], sample.subscription_id, "{kind}");
                assert_eq!(
                    details["metadata"]["contract_id"],
                    json!(sample.contract_id),
                    "{kind}"
                );
            }
            "refund" | "dispute" => {
                assert_eq!(object["payment_intent"], "pi_3TestPayment000000000001", "{kind}");
                assert_eq!(object["amount"], 123_456, "{kind}");
                assert_eq!(
                    object["charge"],
                    made("charge.succeeded")["data"]["object"]["id"],
                    "{kind}"
                );
            }
            "checkout.session" => {
                assert_eq!(
                    object["metadata"]["service_id"],
                    json!(sample.service_id),
                    "{kind}"
                );
                assert_eq!(object["client_reference_id"], json!(sample.service_id), "{kind}");
            }
            "invoice_payment" => {
                let payment = &object["payment"]["payment_intent"];
                assert_eq!(payment, "pi_3TestPayment000000000001", "{kind}");
            }
            "payment_method" => assert_eq!(object["card"]["last4"], "4242", "{kind}"),
            "customer" => assert_eq!(object["email"], sample.email, "{kind}"),
            other => panic!("{kind}: {other}"),
        }
        let customer = match object["object"].as_str().unwrap() {
            "customer" => &object["id"],
            "dispute" | "invoice_payment" => continue,
            _ if kind == "payment_method.detached" => &event["data"]["previous_attributes"]["customer"],
            _ => &object["customer"],
        };
        assert_eq!(*customer, sample.customer_id, "{kind}");
    }
}

#[test]
fn the_same_ids_tell_one_story() {
    let told = Sample {
        payment_intent_id: None,
        ..sample()
    };
    let of = |kind: &str, sample: &Sample| event(kind, sample, noon()).unwrap()["data"]["object"].clone();
    let a = of("payment_intent.succeeded", &told);
    let b = of("payment_intent.succeeded", &told);
    assert_ne!(a["id"], b["id"], "a payment not named is a new one");
    let story = told.one_story();
    let payment = of("payment_intent.succeeded", &story);
    let charge = of("charge.updated", &story);
    let refund = of("refund.created", &story);
    assert_eq!(payment["latest_charge"], charge["id"]);
    assert_eq!(charge["payment_intent"], payment["id"]);
    assert_eq!(refund["charge"], charge["id"]);
    assert_eq!(
        charge["receipt_url"],
        of("charge.refunded", &story)["receipt_url"]
    );
    assert_ne!(charge["id"], of("charge.failed", &story)["id"], "another try");
    let invoice = of("invoice.paid", &story);
    let link = of("invoice_payment.paid", &story);
    assert_eq!(link["invoice"], invoice["id"]);
    assert_eq!(link["payment"]["payment_intent"], payment["id"]);
    let old = old_event("invoice.paid", &story, noon()).unwrap();
    assert_eq!(old["data"]["object"]["payment_intent"], payment["id"]);
    assert_eq!(old["data"]["object"]["charge"], charge["id"]);
}

#[test]
fn objects_made_before_say_when() {
    let story = Sample {
        created: Some(at("2026-11-01T00:00:00Z")),
        ..sample()
    };
    for (kind, _) in KINDS {
        let event = event(kind, &story, noon()).unwrap();
        assert_eq!(event["created"], noon().timestamp(), "{kind}");
        assert_eq!(
            event["data"]["object"]["created"],
            at("2026-11-01T00:00:00Z").timestamp(),
            "{kind}"
        );
    }
}

#[test]
fn part_of_a_charge_can_be_refunded() {
    let sample = Sample {
        refund_amount: Some(23_456),
        ..sample()
    };
    let charge = event("charge.refunded", &sample, noon()).unwrap();
    assert_eq!(charge["data"]["object"]["refunded"], false);
    assert_eq!(charge["data"]["object"]["amount_refunded"], 23_456);
    let refund = event("refund.created", &sample, noon()).unwrap();
    assert_eq!(refund["data"]["object"]["amount"], 23_456);
}

#[test]
fn a_stranger_matches_nothing() {
    let stranger = Sample::default();
    let event = event("payment_intent.succeeded", &stranger, noon()).unwrap();
    assert_eq!(event["data"]["object"]["metadata"], json!({}));
    assert_ne!(stranger.customer_id, Sample::default().customer_id);
    assert!(stranger.customer_id.starts_with("cus_") && stranger.customer_id.len() == 18);
}

#[test]
fn states_and_amounts_fit_the_kind() {
    let field = |kind: &str, path: &str| {
        made(kind)["data"]["object"]
            .pointer(path)
            .cloned()
            .unwrap_or_default()
    };
    for (kind, status, received) in [
        ("payment_intent.created", "requires_payment_method", 0),
        ("payment_intent.requires_action", "requires_action", 0),
        ("payment_intent.processing", "processing", 0),
        ("payment_intent.succeeded", "succeeded", 123_456),
        ("payment_intent.payment_failed", "requires_payment_method", 0),
        ("payment_intent.canceled", "canceled", 0),
    ] {
        assert_eq!(field(kind, "/status"), status, "{kind}");
        assert_eq!(field(kind, "/amount_received"), received, "{kind}");
    }
    assert_eq!(
        field(
            "payment_intent.payment_failed",
            "/last_payment_error/decline_code"
        ),
        "insufficient_funds"
    );
    assert_eq!(
        field("payment_intent.canceled", "/canceled_at"),
        noon().timestamp()
    );
    for (kind, status) in [
        ("payment_intent.partially_funded", "requires_action"),
        ("charge.failed", "failed"),
        ("charge.dispute.created", "needs_response"),
        ("charge.dispute.closed", "lost"),
        ("charge.dispute.funds_reinstated", "won"),
        ("refund.created", "succeeded"),
        ("refund.failed", "failed"),
        ("customer.subscription.trial_will_end", "trialing"),
        ("invoice.created", "draft"),
        ("invoice.finalized", "open"),
        ("invoice.finalization_failed", "draft"),
        ("invoice_payment.paid", "paid"),
        ("checkout.session.completed", "complete"),
        ("checkout.session.expired", "expired"),
    ] {
        assert_eq!(field(kind, "/status"), status, "{kind}");
    }
    assert_eq!(field("checkout.session.completed", "/payment_status"), "paid");
    assert_eq!(
        field("checkout.session.async_payment_failed", "/payment_status"),
        "unpaid"
    );
    assert_eq!(field("payment_method.detached", "/customer"), json!(null));
    assert_eq!(field("invoice.created", "/number"), json!(null));
    assert!(
        field(
            "payment_intent.partially_funded",
            "/next_action/display_bank_transfer_instructions/amount_remaining"
        )
        .as_i64()
            == Some(82_304)
    );
    assert_eq!(field("charge.succeeded", "/refunded"), false);
    assert_eq!(field("charge.refunded", "/refunded"), true);
    assert_eq!(field("charge.refunded", "/amount_refunded"), 123_456);
    assert_eq!(
        made("charge.refunded")["data"]["previous_attributes"]["amount_refunded"],
        0
    );
    assert_eq!(field("invoice.paid", "/status"), "paid");
    assert_eq!(field("invoice.paid", "/amount_paid"), 123_456);
    assert_eq!(
        field("invoice.paid", "/status_transitions/paid_at"),
        noon().timestamp()
    );
    assert_eq!(field("invoice.payment_failed", "/status"), "open");
    assert_eq!(field("invoice.payment_failed", "/amount_remaining"), 123_456);
    assert!(field("invoice.payment_failed", "/next_payment_attempt").as_i64() > Some(noon().timestamp()));
    assert_eq!(field("customer.subscription.deleted", "/status"), "canceled");
    assert_eq!(
        field("customer.subscription.deleted", "/ended_at"),
        noon().timestamp()
    );
}

#[test]
fn the_new_shape_has_no_old_path() {
    for (kind, event) in every() {
        for object in objects(&event) {
            let old: &[&str] = match object["object"].as_str().unwrap() {
                "invoice" => &[
                    "subscription",
                    "payment_intent",
                    "charge",
                    "paid",
                    "tax",
                    "discount",
                    "subscription_details",
                ],
                "line_item" => &["price", "plan", "type", "proration", "tax_amounts"],
                "subscription" => &["current_period_start", "current_period_end", "plan", "discount"],
                "payment_intent" | "charge" => &["invoice", "charges", "refunds"],
                _ => &[],
            };
            let found: Vec<_> = old.iter().filter(|name| object.get(**name).is_some()).collect();
            assert!(
                found.is_empty(),
                "{kind}: {} still has {found:?}",
                object["object"]
            );
        }
    }
}

#[test]
fn a_renewal_moves_the_period_by_a_calendar_month() {
    let event = event(
        "customer.subscription.updated",
        &sample(),
        at("2027-01-31T12:00:00Z"),
    )
    .unwrap();
    let now = &event["data"]["object"]["items"]["data"][0];
    let before = &event["data"]["previous_attributes"]["items"]["data"][0];
    let time = |time: &str| at(time).timestamp();
    assert_eq!(now["current_period_start"], time("2027-01-31T12:00:00Z"));
    assert_eq!(now["current_period_end"], time("2027-02-28T12:00:00Z"));
    assert_eq!(before["current_period_start"], time("2026-12-31T12:00:00Z"));
    assert_eq!(before["current_period_end"], now["current_period_start"]);
    assert_eq!(before["id"], now["id"]);
    assert_eq!(
        event["data"]["object"]["start_date"],
        time("2026-12-31T12:00:00Z")
    );
}

#[test]
fn a_voucher_ends_with_the_third_day_in_mexico_city() {
    for (issued, end) in [
        ("2026-11-22T18:00:00Z", "2026-11-26T05:59:59Z"),
        ("2026-11-23T05:59:59Z", "2026-11-26T05:59:59Z"),
        ("2026-11-23T06:00:00Z", "2026-11-27T05:59:59Z"),
    ] {
        let event = event("payment_intent.requires_action", &sample(), at(issued)).unwrap();
        let action = &event["data"]["object"]["next_action"]["oxxo_display_details"];
        assert_eq!(action["expires_after"], at(end).timestamp(), "issued {issued}");
        let number = action["number"].as_str().unwrap();
        assert!(number.len() == 32 && number.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(
            action["hosted_voucher_url"]
                .as_str()
                .unwrap()
                .starts_with("https://")
        );
    }
}

#[test]
fn a_body_is_printed_as_stripe_prints_and_reads_back() {
    for (kind, event) in every() {
        let body = body(&event);
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), event, "{kind}");
        let text = String::from_utf8(body).unwrap();
        assert!(text.starts_with("{\n  \"") && text.ends_with("\n}"), "{kind}");
        assert!(
            (800..10_000).contains(&text.len()),
            "{kind}: {} bytes",
            text.len()
        );
    }
}

#[test]
fn what_we_sign_our_verifier_accepts() {
    let secrets = SigningSecrets::new(&Secrets::parse(SECRET).unwrap());
    for (kind, event) in every() {
        let body = body(&event);
        let header = sign(SECRET, noon(), &body);
        let (time, hex) = header.split_once(",v1=").unwrap();
        assert_eq!(time, format!("t={}", noon().timestamp()));
        assert!(hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert_eq!(verify([&header], &body, &secrets, noon()), Ok(()), "{kind}");
    }
}

//! Shapes that no version of the API has, or not yet: taken, and then either read leniently or kept for a person with
//! the field that nobody can read. Never a failure, never again and again.

use onlycar::payments::handled;
use serde_json::{Value, json};

use super::in_both_shapes;
use super::scene::Scene;

/// One event of each family.
pub const FAMILIES: [(&str, &str); 10] = [
    ("payment_intent.payment_failed", "payments"),
    ("charge.refunded", "charges"),
    ("refund.failed", "refunds"),
    ("charge.dispute.created", "disputes"),
    ("customer.updated", "customers"),
    ("payment_method.attached", "payment_methods"),
    ("customer.subscription.updated", "subscriptions"),
    ("invoice.payment_failed", "invoices"),
    ("invoice_payment.paid", "invoice_payments"),
    ("checkout.session.completed", "checkout_sessions"),
];

/// What Stripe may one day send.
fn odd_values() -> Vec<Value> {
    let huge = 1_000_000_000_000_000_000_i64;
    vec![
        json!(null),
        json!(true),
        json!("hibernating"),
        json!(""),
        json!("with\0nul"),
        json!("ñandú 🚗"),
        json!("x".repeat(100_000)),
        json!(-1),
        json!(huge),
        json!(u64::MAX),
        json!(1500.5),
        json!(1e300),
        json!([]),
        json!(["mxn"]),
        json!({}),
        json!({ "id": "cus_expanded", "object": "customer" }),
        json!({ "id": 7, "object": "list", "data": [null, 7, "x", { "id": null, "period": "now" }] }),
        nested(100),
    ]
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!("deep"), |inner, _| json!([inner]))
}

/// Sends it under an id and a time of its own, so that Stripe need not be asked, and expects it to be taken.
pub async fn send(scene: &Scene, event: &Value, number: usize) {
    let mut event = event.clone();
    event["id"] = json!(format!("evt_odd_{number}"));
    event["created"] = json!(event["created"].as_i64().unwrap() + i64::try_from(number).unwrap());
    scene.app.send(&event).await;
}

/// Everything came to an end at the first attempt.
pub async fn all_ended(scene: &Scene) {
    scene.app.drain().await;
    let left: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "select event_type, state::text, last_error from webhooks.events
         where state not in ('processed', 'parked', 'ignored')
         union all
         select kind, state::text, last_error from engine.jobs where state not in ('processed', 'parked', 'ignored')",
    )
    .fetch_all(&scene.app.pool)
    .await
    .unwrap();
    assert_eq!(left, []);
    // Thousands of events about one service, handled together, may meet in a deadlock; nothing else may go wrong.
    let sql = "select error from engine.failures where error not like '%deadlock detected%'";
    let failures: Vec<String> = sqlx::query_scalar(sql).fetch_all(&scene.app.pool).await.unwrap();
    assert_eq!(failures, [""; 0]);
    let nameless: Vec<(String, String)> = sqlx::query_as(
        "select event_type, last_error from webhooks.events
         where state = 'parked' and last_error not like 'unknown shape: /data/object/%'
           and last_error not like 'unmatched: %' and last_error not like '% had been paid by another payment%'",
    )
    .fetch_all(&scene.app.pool)
    .await
    .unwrap();
    assert_eq!(nameless, [], "a reason names the field");
}

#[tokio::test]
async fn any_field_may_hold_anything() {
    in_both_shapes(async |scene| {
        let mut number = 0;
        for (kind, _) in FAMILIES {
            let event = scene.event(kind);
            let fields: Vec<String> = event["data"]["object"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect();
            for field in fields {
                for (at, value) in odd_values().into_iter().enumerate() {
                    // A fifth in each run, by the field's name: the mutants do the rest. The longest ones once per family.
                    let long = value.to_string().len() > 1000;
                    if (at + field.len() + usize::from(scene.old)) % 5 != 0 || long && field != "status" {
                        continue;
                    }
                    let mut odd = event.clone();
                    odd["data"]["object"][&field] = value;
                    number += 1;
                    send(scene, &odd, number).await;
                }
                let mut without = event.clone();
                without["data"]["object"].as_object_mut().unwrap().remove(&field);
                number += 1;
                send(scene, &without, number).await;
            }
            all_ended(scene).await;
        }
        assert!(number > 500, "{number}");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_is_named_by_its_field() {
    let whole = "a whole number of at most twelve digits";
    let positive = "an amount that is not negative";
    let cases = [
        ("payment_intent.succeeded", "amount", json!("150000"), whole),
        ("payment_intent.succeeded", "amount", json!(null), "an amount"),
        ("payment_intent.succeeded", "amount", json!(1500.5), whole),
        ("payment_intent.succeeded", "amount_received", json!(-1), positive),
        (
            "payment_intent.succeeded",
            "amount",
            json!(1_000_000_000_000_i64),
            whole,
        ),
        (
            "payment_intent.succeeded",
            "currency",
            json!("pesos"),
            "a currency of three letters",
        ),
        (
            "payment_intent.succeeded",
            "currency",
            json!(null),
            "a currency of three letters",
        ),
        ("payment_intent.succeeded", "id", json!(null), "an id"),
        ("payment_intent.succeeded", "id", json!("pi with spaces"), "an id"),
        ("payment_intent.succeeded", "id", json!("pi_\0"), "an id"),
        ("payment_intent.succeeded", "id", json!("p".repeat(256)), "an id"),
        (
            "payment_intent.succeeded",
            "object",
            json!("charge"),
            "payment_intent",
        ),
        ("charge.succeeded", "amount_refunded", json!([]), whole),
        ("charge.failed", "amount_captured", json!(-5), positive),
        ("refund.created", "amount", json!(-150_000), positive),
        ("refund.created", "object", json!("charge"), "refund"),
        ("charge.dispute.created", "amount", json!({}), whole),
        ("customer.updated", "id", json!(["cus_1"]), "an id"),
        ("customer.deleted", "id", json!(null), "an id"),
        ("payment_method.attached", "id", json!(""), "an id"),
        ("customer.subscription.updated", "id", json!(7), "an id"),
        ("invoice.paid", "amount_paid", json!("1500.00"), whole),
        (
            "invoice.paid",
            "currency",
            json!("mx"),
            "a currency of three letters",
        ),
        ("invoice_payment.paid", "amount_paid", json!(-1), positive),
        ("checkout.session.completed", "amount_total", json!("free"), whole),
    ];
    in_both_shapes(async |scene| {
        for (kind, field, value, expected) in &cases {
            let mut odd = scene.event(kind);
            odd["data"]["object"][*field] = value.clone();
            let reason = scene.is_parked(&odd).await;
            assert_eq!(
                reason,
                format!("unknown shape: /data/object/{field} should be {expected}"),
                "{kind}"
            );
            assert_eq!(scene.alerts().await, [format!("apartado:{kind}")]);
            scene
                .run("update engine.alerts set resolved_at = last_seen_at")
                .await;
        }
        for table in [
            "payments",
            "charges",
            "refunds",
            "disputes",
            "customers",
            "invoices",
        ] {
            let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "select count(*) from stripe.{table}"
            )))
            .fetch_one(&scene.app.pool)
            .await
            .unwrap();
            assert_eq!(count, 0, "{table}");
        }
        assert_eq!(scene.audit().await, [""; 0]);
    })
    .await;
}

/// The same row, whether an id is an id or the object it is of.
#[tokio::test]
async fn expanded_objects_are_as_good_as_their_ids() {
    const IDS: [&str; 10] = [
        "customer",
        "payment_intent",
        "charge",
        "latest_charge",
        "payment_method",
        "invoice",
        "subscription",
        "default_payment_method",
        "latest_invoice",
        "balance_transaction",
    ];
    in_both_shapes(async |scene| {
        for (kind, table) in FAMILIES {
            let event = scene.event(kind);
            let mut expanded = event.clone();
            expanded["id"] = json!(format!("evt_expanded_{table}"));
            let mut count = 0;
            for field in IDS {
                let object = &mut expanded["data"]["object"];
                if let Some(id) = object.get(field).and_then(Value::as_str).map(str::to_owned) {
                    object[field] = json!({ "id": id, "object": field, "metadata": {} });
                    count += 1;
                }
            }
            assert!(count > 0 || table == "customers", "{kind}");
            scene.app.handle(&expanded).await;
            let row = scene.kept(table, &event["data"]["object"]).await;
            let forget = format!("delete from stripe.{table}");
            sqlx::query(sqlx::AssertSqlSafe(forget))
                .execute(&scene.app.pool)
                .await
                .unwrap();
            scene.app.handle(&event).await;
            assert_eq!(scene.kept(table, &event["data"]["object"]).await, row, "{kind}");
        }
    })
    .await;
}

/// An id where an object was: nothing more is known, and nothing else is lost.
#[tokio::test]
async fn ids_in_place_of_objects_are_read_as_far_as_they_go() {
    const OBJECTS: [&str; 12] = [
        "items",
        "lines",
        "last_payment_error",
        "next_action",
        "payment_method_details",
        "card",
        "evidence_details",
        "invoice_settings",
        "parent",
        "payment",
        "status_transitions",
        "metadata",
    ];
    in_both_shapes(async |scene| {
        for (kind, table) in FAMILIES {
            let mut event = scene.event(kind);
            for field in OBJECTS {
                if event["data"]["object"].get(field).is_some_and(Value::is_object) {
                    event["data"]["object"][field] = json!("il_1NowAnId");
                }
            }
            scene.app.handle(&event).await;
            let state = scene.app.state(&event).await;
            assert_ne!(state.0, "failed", "{kind}: {state:?}");
            assert!(
                scene.kept(table, &event["data"]["object"]).await["id"].is_string(),
                "{kind}"
            );
        }
    })
    .await;
}

/// 300 KB of metadata, U+0000 in every text, and ids with odd characters.
#[tokio::test]
async fn long_and_strange_texts_are_kept_within_bounds() {
    in_both_shapes(async |scene| {
        let padding: String = "m".repeat(300_000);
        let mut number = 0;
        for kind in handled() {
            let mut long = scene.event(kind);
            long["data"]["object"]["metadata"] =
                json!({ "note": padding, "service_id": scene.story.service });
            send(scene, &long, number).await;
            scene.app.drain().await;
            let mut nul = scene.event(kind);
            let object = &mut nul["data"]["object"];
            let (id, currency, name) = (
                object["id"].clone(),
                object["currency"].clone(),
                object["object"].clone(),
            );
            spoil(object);
            object["id"] = json!(format!("{}/..?#&%41'\"", id.as_str().unwrap()));
            object["currency"] = currency;
            object["object"] = name;
            send(scene, &nul, number + 1).await;
            scene.app.drain().await;
            number += 2;
        }
        all_ended(scene).await;
        let parked: i64 = scene
            .app
            .one("select count(*) from webhooks.events where last_error like 'unknown%'")
            .await;
        assert_eq!(parked, 0);
    })
    .await;
}

/// Puts a U+0000 into every text.
fn spoil(value: &mut Value) {
    match value {
        Value::String(text) => text.push_str("\0."),
        Value::Array(items) => items.iter_mut().for_each(spoil),
        Value::Object(fields) => fields.values_mut().for_each(spoil),
        _ => {}
    }
}

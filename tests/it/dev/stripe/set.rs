//! `--set path=value`.

use super::made;
use onlycar::dev::stripe::set_path;
use serde_json::json;

#[test]
fn set_changes_what_the_path_names() {
    for (path, value, pointer, expected) in [
        ("data.object.amount", "12345", "/data/object/amount", json!(12345)),
        ("amount", "12345", "/data/object/amount", json!(12345)),
        ("status", "past_due", "/data/object/status", json!("past_due")),
        ("customer", "null", "/data/object/customer", json!(null)),
        ("customer", "\"123\"", "/data/object/customer", json!("123")),
        (
            "payment_method_types",
            "[\"oxxo\"]",
            "/data/object/payment_method_types",
            json!(["oxxo"]),
        ),
        (
            "payment_method_types.0",
            "oxxo",
            "/data/object/payment_method_types/0",
            json!("oxxo"),
        ),
        (
            "next_action",
            "{\"type\":\"redirect_to_url\"}",
            "/data/object/next_action/type",
            json!("redirect_to_url"),
        ),
        ("id", "evt_fixed", "/id", json!("evt_fixed")),
        ("data.object.id", "pi_fixed", "/data/object/id", json!("pi_fixed")),
        ("created", "1", "/created", json!(1)),
        ("livemode", "true", "/livemode", json!(true)),
        ("request.id", "req_1", "/request/id", json!("req_1")),
        (
            "metadata.service_id",
            "abc",
            "/data/object/metadata/service_id",
            json!("abc"),
        ),
        ("metadata.order", "42", "/data/object/metadata/order", json!("42")),
        ("metadata.yes", "true", "/data/object/metadata/yes", json!("true")),
        ("data.object.brand_new", "1", "/data/object/brand_new", json!(1)),
        ("description", "", "/data/object/description", json!("")),
        ("description", "a=b.c", "/data/object/description", json!("a=b.c")),
    ] {
        let mut event = made("payment_intent.succeeded");
        set_path(&mut event, path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(event.pointer(pointer), Some(&expected), "{path}={value}");
    }
    let mut event = made("invoice.paid");
    set_path(&mut event, "lines.data.0.amount", "7").unwrap();
    assert_eq!(event["data"]["object"]["lines"]["data"][0]["amount"], 7);
}

#[test]
fn set_says_where_it_got_lost() {
    for (path, says) in [
        (
            "amout",
            "the fields there are allowed_payment_method_types, amount, ",
        ),
        ("metadat.service_id", "nothing named `metadat`"),
        ("data.objekt.amount", "the fields there are object"),
        ("payment_method_types.7", "it is a list of 2; count from 0"),
        ("payment_method_types.first", "it is a list of 2; count from 0"),
        ("next_action.type", "what is there is null; set it whole, as JSON"),
        ("amount.value", "what is there is 123456"),
        ("", "is not a path"),
        ("data..amount", "is not a path"),
        (".amount", "is not a path"),
    ] {
        let mut event = made("payment_intent.succeeded");
        let before = event.clone();
        let error = set_path(&mut event, path, "1").expect_err(path).to_string();
        assert!(
            error.contains(says) && error.contains("hint: "),
            "{path}: {error}"
        );
        assert_eq!(event, before, "{path} changed something");
    }
    let error = set_path(&mut json!({"id": 1}), "amount", "1")
        .unwrap_err()
        .to_string();
    assert!(error.contains("no data.object"));
}

//! Both dialects of the API.

use onlycar::dev::gigstack::{Account, Order, key};
use reqwest::Method;
use serde_json::json;

use super::{Doors, SECRET, Team, account, month, noon, sale};

#[tokio::test]
async fn without_its_key_it_answers_nothing() {
    let team = Team::new().await;
    let invoice = team.gigstack.stamp(Order::default());
    for token in [None, Some("wrong"), Some("")] {
        for path in [
            "/v1/invoices".to_owned(),
            format!("/v2/invoices/{}/files", invoice.uuid),
        ] {
            let request = team.request(Method::GET, &path);
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 401, "{path}");
            let told: serde_json::Value = answer.json().await.unwrap();
            assert_eq!(told["error"]["code"], "invalid_token");
        }
    }
    assert_eq!(team.get("/v1/nothing").await.status(), 404);
    assert_eq!(team.gigstack.leaked_tokens(), 0);
}

#[tokio::test]
async fn the_key_decides_on_the_mode() {
    for (key, livemode) in [
        (key(false), false),
        (key(true), true),
        ("sk_test_1".to_owned(), false),
        ("sk_live_1".to_owned(), true),
    ] {
        let account = Account {
            key: key.clone(),
            ..account()
        };
        let team = Team::of(account, noon()).await;
        let invoice = team.gigstack.stamp(Order::default());
        let request = team.request(Method::GET, &format!("/v1/invoices/{}", invoice.id));
        let answer = request.bearer_auth(key).send().await.unwrap();
        let told: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(told["data"]["livemode"], livemode);
    }
}

#[tokio::test]
async fn a_receipt_waits_for_its_customer_in_both_dialects() {
    let team = Team::new().await;
    for (make, read) in [
        ("/v1/invoices/self-service", "/v1/receipts"),
        ("/v2/receipts", "/v2/receipts"),
    ] {
        let (status, made) = team.post(make, &sale()).await;
        assert_eq!(status, 200, "{made}");
        let receipt = &made["data"];
        let id = receipt["id"].as_str().unwrap();
        assert!(id.starts_with("receipt_"));
        assert_eq!(receipt["status"], "open");
        assert_eq!(receipt["total"], 1500);
        assert_eq!(receipt["metadata"], sale()["metadata"]);
        let url = format!("{}/autofactura?id={id}", team.gigstack.url());
        assert_eq!(receipt["url"], url);
        assert_eq!(team.json(&format!("{read}/{id}")).await["data"], *receipt);
        let gone = team
            .asking(Method::DELETE, &format!("{read}/{id}"))
            .send()
            .await
            .unwrap();
        assert_eq!(gone.status(), 200);
        assert_eq!(
            team.json(&format!("{read}/{id}")).await["data"]["status"],
            "cancelled"
        );
    }
    assert_eq!(team.gigstack.receipts().len(), 2, "a key is one path's own");
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_another_body_none() {
    let team = Team::new().await;
    let first = team.post("/v1/invoices/public", &month("global:2026-10")).await;
    let again = team.post("/v1/invoices/public", &month("global:2026-10")).await;
    assert_eq!(first, again);
    assert_eq!(team.gigstack.invoices().len(), 1);
    let mut other = month("global:2026-10");
    other["items"][0]["total"] = json!(1);
    let (status, told) = team.post("/v1/invoices/public", &other).await;
    assert_eq!(
        (status, &told["error"]["code"]),
        (409, &json!("idempotency_conflict"))
    );
    // The header says it too, and may not contradict the body.
    let by_header = |key: &'static str| {
        let request = team.asking(Method::POST, "/v1/invoices/public").json(&other);
        request.header("idempotency-key", key).send()
    };
    assert_eq!(by_header("another").await.unwrap().status(), 422);
    other.as_object_mut().unwrap().remove("idempotency_key");
    let request = team.asking(Method::POST, "/v1/invoices/public").json(&other);
    let answer = request
        .header("idempotency-key", "global:2026-10")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 409);

    let body = sale();
    let at_once = (0..20).map(|_| team.post("/v1/invoices/self-service", &body));
    let answers = futures_util::future::join_all(at_once).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(team.gigstack.receipts().len(), 1);
}

#[tokio::test]
async fn what_sat_would_refuse_is_refused() {
    let team = Team::new().await;
    let cases = [
        ("/v1/invoices/self-service", "/items", json!([])),
        ("/v1/invoices/self-service", "/payment_form", json!("77")),
        ("/v1/invoices/self-service", "/items/0/total", json!(-1)),
        ("/v1/invoices/self-service", "/items/0/total", json!(1500.001)),
        ("/v1/invoices/self-service", "/items/0/unit_price", json!(1499)),
        ("/v1/invoices/self-service", "/currency", json!("USD")),
        ("/v1/invoices/public", "/global/month", json!("13")),
        ("/v1/invoices/public", "/global/year", json!("MMXXVI")),
        ("/v1/invoices/public", "/items/1/id", json!("F-1")),
        ("/v1/invoices/public", "/global", json!(null)),
    ];
    for (path, field, value) in cases {
        let mut body = if path.ends_with("public") {
            month("key")
        } else {
            sale()
        };
        *body.pointer_mut(field).unwrap() = value;
        let (status, told) = team.post(path, &body).await;
        assert_eq!(status, 422, "{path} {field}: {told}");
    }
    assert!(team.gigstack.invoices().is_empty() && team.gigstack.receipts().is_empty());
}

#[tokio::test]
async fn an_invoice_is_found_by_both_its_ids_and_in_the_list() {
    let team = Team::new().await;
    for n in 1..=5 {
        let order = Order {
            payment_intent: Some(format!("pi_{n}")),
            ..Order::default()
        };
        team.gigstack.stamp(order);
    }
    let invoices = team.gigstack.invoices();
    let first = &invoices[0];
    let upper = first.uuid.to_string().to_uppercase();
    let told = team.json(&format!("/v1/invoices/{upper}")).await;
    assert_eq!(told["data"]["id"], first.id);
    assert_eq!(told["data"]["uuid"], first.uuid.to_string());
    assert_eq!(told["data"]["stripe"]["payment_intent"], "pi_1");
    assert_eq!(told["data"]["folio_number"], 1);
    assert_eq!(told["data"]["taxes"], 206.9);
    assert_eq!(
        told,
        team.json(&format!("/v2/invoices/income/{}", first.id)).await
    );
    assert_eq!(team.get("/v1/invoices/invoice_of_nobody").await.status(), 404);
    for list in ["/v1/invoices", "/v2/invoices/income"] {
        let page = team.json(&format!("{list}?limit=2")).await;
        assert_eq!(
            (page["has_more"].clone(), page["total_results"].clone()),
            (json!(true), json!(5))
        );
        assert_eq!(page["data"][0]["id"], invoices[4].id, "the newest first");
        let cursor = page["next"].as_str().unwrap();
        let rest = team
            .json(&format!("{list}?limit=3&starting_after={cursor}"))
            .await;
        assert_eq!(rest["has_more"], false);
        assert_eq!(rest["data"][2]["id"], first.id);
        let after = noon().timestamp() + 1;
        let none = team.json(&format!("{list}?created_after={after}")).await;
        assert_eq!(none["data"], json!([]));
    }
}

#[tokio::test]
async fn an_invoice_is_cancelled_once_the_receiver_agrees_and_told_then() {
    let team = Team::new().await;
    let doors = Doors::open().await;
    team.gigstack.send_to(&doors.url, SECRET);
    let invoice = team.gigstack.stamp(Order::default());
    let path = format!("/v2/invoices/{}", invoice.uuid);
    let acuse = format!("/v1/invoices/{}/acuse", invoice.uuid);
    let ask = |body: serde_json::Value| team.asking(Method::DELETE, &path).json(&body).send();
    for body in [json!({}), json!({ "motive": "05" }), json!({ "motive": "01" })] {
        assert_eq!(ask(body).await.unwrap().status(), 422);
    }
    team.gigstack.ask_receiver(true);
    for _ in 0..2 {
        let told: serde_json::Value = ask(json!({ "motive": "02" }))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(told["data"]["status"], "stamped");
        assert_eq!(told["data"]["cancellation"]["status"], "pending");
    }
    assert_eq!(team.get(&acuse).await.status(), 404);
    team.gigstack.receiver_answers(&invoice.id, false).unwrap();
    let told = team.json(&format!("/v1/invoices/{}", invoice.id)).await;
    assert_eq!(told["data"]["cancellation"], json!(null));
    team.gigstack.ask_receiver(false);
    for _ in 0..2 {
        let told: serde_json::Value = ask(json!({ "motive": "02" }))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(told["data"]["status"], "cancelled");
        assert_eq!(told["data"]["cancelled_at"], noon().timestamp());
    }
    team.gigstack.settled().await;
    assert_eq!(
        doors.letter().uri,
        "/api/webhooks/gigstack/invoice-cancelled",
        "told once"
    );
    let acuse = team.get(&acuse).await.text().await.unwrap();
    let document = roxmltree::Document::parse(&acuse).unwrap();
    let uuid = document
        .descendants()
        .find(|node| node.has_tag_name(("http://cancelacfd.sat.gob.mx", "UUID")));
    assert_eq!(
        uuid.unwrap().text(),
        Some(&*invoice.uuid.to_string().to_uppercase())
    );
}

//! The simulated API: what is asked with any HTTP client, answered in Stripe's words.

use onlycar::dev::stripe::Simulator;
use onlycar::dev::stripe::simulator::{Fault, Version};
use onlycar::ground::clock::Clock;
use onlycar::tools::outbound;
use reqwest::Method;
use serde_json::{Value, json};

use super::{at, event, made, noon, sample};
use crate::support::app::{KEY, simulator};

struct Rig {
    stripe: Simulator,
    url: String,
    client: reqwest::Client,
}

async fn rig() -> Rig {
    let (stripe, url) = simulator(&Clock::manual(noon())).await;
    let client = outbound::client().unwrap();
    Rig { stripe, url, client }
}

impl Rig {
    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(KEY);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn ids(&self, path: &str) -> Vec<String> {
        let (status, list) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {list}");
        let items = list["data"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn tell(&self, method: Method, path: &str, body: &Value) -> (u16, String) {
        let request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .json(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

/// Ten events, a second apart, `evt_0` the oldest.
async fn ten() -> Rig {
    let rig = rig().await;
    for n in 0..10 {
        let mut event = made("customer.created");
        event["id"] = format!("evt_{n}").into();
        event["created"] = (noon().timestamp() + n).into();
        event["type"] = if n % 2 == 0 {
            "customer.created"
        } else {
            "customer.updated"
        }
        .into();
        rig.stripe.happened(&event);
    }
    rig
}

#[tokio::test]
async fn an_event_leaves_its_object() {
    let rig = rig().await;
    for (kind, _) in onlycar::dev::stripe::KINDS {
        let event = made(kind);
        rig.stripe.happened(&event);
        let object = &event["data"]["object"];
        let id = object["id"].as_str().unwrap();
        let family = match object["object"].as_str().unwrap() {
            "checkout.session" => "checkout/sessions".to_owned(),
            name => format!("{name}s"),
        };
        let (status, answer) = rig.get(&format!("/v1/{family}/{id}")).await;
        assert_eq!(status, 200, "{kind}: {answer}");
        if *kind == "customer.deleted" {
            assert_eq!(answer, json!({ "id": id, "object": "customer", "deleted": true }));
        } else {
            assert_eq!(answer, *object, "{kind}");
        }
        let (_, known) = rig
            .get(&format!("/v1/events/{}", event["id"].as_str().unwrap()))
            .await;
        assert_eq!(known, event);
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_as_stripe_refuses() {
    let rig = ten().await;
    let types = "&types[]=charge.failed".repeat(21);
    for (path, status, code, parameter) in [
        ("/v1/charges/ch_1", 404, "resource_missing", "id"),
        ("/v1/events/evt_x", 404, "resource_missing", "id"),
        (
            "/v1/events?starting_after=evt_x",
            400,
            "resource_missing",
            "starting_after",
        ),
        ("/v1/events?limit=101", 400, "parameter_invalid_integer", "limit"),
        ("/v1/events?limit=0", 400, "parameter_invalid_integer", "limit"),
        ("/v1/events?sort=up", 400, "parameter_unknown", "sort"),
        (
            "/v1/invoice_payments?payment_intent=pi_1",
            400,
            "parameter_unknown",
            "payment_intent",
        ),
        (&format!("/v1/events?limit=1{types}"), 400, "", "types"),
        ("/v1/accounts", 404, "", ""),
    ] {
        let (told, answer) = rig.get(path).await;
        assert_eq!(told, status, "{path}: {answer}");
        let error = &answer["error"];
        assert_eq!(error["type"], "invalid_request_error", "{path}");
        assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{path}");
        assert_eq!(error["param"].as_str().unwrap_or_default(), parameter, "{path}");
    }
    let stranger = rig.client.get(format!("{}/v1/events", rig.url));
    assert_eq!(stranger.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn lists_go_on_where_they_are_told_to() {
    let rig = ten().await;
    assert_eq!(rig.ids("/v1/events?limit=3").await, ["evt_9", "evt_8", "evt_7"]);
    assert_eq!(
        rig.ids("/v1/events?limit=3&starting_after=evt_7").await,
        ["evt_6", "evt_5", "evt_4"]
    );
    assert_eq!(
        rig.ids("/v1/events?limit=3&ending_before=evt_2").await,
        ["evt_5", "evt_4", "evt_3"]
    );
    assert_eq!(rig.get("/v1/events?limit=9").await.1["has_more"], true);
    assert_eq!(rig.get("/v1/events?limit=10").await.1["has_more"], false);
    let since = noon().timestamp() + 8;
    assert_eq!(
        rig.ids(&format!("/v1/events?created[gte]={since}")).await,
        ["evt_9", "evt_8"]
    );
    assert_eq!(
        rig.ids(&format!("/v1/events?created[gt]={since}")).await,
        ["evt_9"]
    );
    assert_eq!(
        rig.ids("/v1/events?types[0]=customer.updated&limit=2").await,
        ["evt_9", "evt_7"]
    );
    assert_eq!(
        rig.ids("/v1/events?type=customer.u*&limit=2").await,
        ["evt_9", "evt_7"]
    );
    assert_eq!(rig.ids("/v1/events?type=invoice.*").await, [""; 0]);
}

#[tokio::test]
async fn an_older_invoice_names_its_payment() {
    let rig = rig().await;
    let story = sample().one_story();
    for kind in ["payment_intent.succeeded", "invoice_payment.paid", "invoice.paid"] {
        rig.stripe
            .happened(&event(kind, &story, at("2026-11-22T18:00:00Z")).unwrap());
    }
    rig.stripe.list_in(Version::Old);
    let (_, list) = rig.get("/v1/events?type=invoice.paid").await;
    let invoice = &list["data"][0]["data"]["object"];
    assert_eq!(invoice["payment_intent"], json!(story.payment_intent_id));
    let (_, payment) = rig
        .get(&format!(
            "/v1/payment_intents/{}",
            invoice["payment_intent"].as_str().unwrap()
        ))
        .await;
    assert_eq!(invoice["charge"], payment["latest_charge"]);
}

#[tokio::test]
async fn faults_come_in_their_turn_and_end() {
    let rig = ten().await;
    rig.stripe.fail(Fault::RateLimited, 1);
    rig.stripe.fail_at("/v1/charges", Fault::ServerError, 1);
    let limited = rig
        .client
        .get(format!("{}/v1/events", rig.url))
        .bearer_auth(KEY)
        .send()
        .await
        .unwrap();
    assert_eq!(limited.status(), 429);
    assert_eq!(limited.headers()["retry-after"], "2");
    assert_eq!(limited.headers()["stripe-rate-limited-reason"], "global-rate");
    assert_eq!(rig.get("/v1/events").await.0, 200);
    let (status, error) = rig.get("/v1/charges/ch_1").await;
    assert_eq!((status, &error["error"]["type"]), (500, &json!("api_error")));
    assert_eq!(rig.get("/v1/charges/ch_1").await.0, 404);
    rig.stripe.fail(Fault::ServerError, 9);
    rig.stripe.heal();
    assert_eq!(rig.get("/v1/events").await.0, 200);
}

#[tokio::test]
async fn another_process_can_tell_it_what_happens() {
    let rig = rig().await;
    let unseen = json!({ "kind": "charge.succeeded", "sample": { "charge_id": "ch_told" }, "set": { "amount": 77 },
                       "deliver": { "lose": true } });
    rig.stripe.send_to("http://127.0.0.1:1/", "whsec_a");
    let (status, told) = rig.tell(Method::POST, "/_sim/events", &unseen).await;
    assert_eq!(status, 200, "{told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told[0]["answers"], json!([]));
    assert_eq!(rig.get("/v1/charges/ch_told").await.1["amount"], 77);

    let refund = json!({ "id": "re_1", "object": "refund" });
    assert_eq!(rig.tell(Method::PUT, "/_sim/objects", &refund).await.0, 204);
    assert_eq!(rig.get("/v1/refunds/re_1").await.1, refund);

    let fault = json!({
        "fault": "bad_gateway", "times": 1, "path": "/v1/refunds", "delay_ms": 0, "retry_after": 2,
    });
    assert_eq!(rig.tell(Method::POST, "/_sim/faults", &fault).await.0, 204);
    assert_eq!(rig.tell(Method::PUT, "/_sim/version", &json!("old")).await.0, 204);
    let (_, list) = rig.get("/v1/events").await;
    assert_eq!(list["data"][0]["api_version"], "2024-06-20");
    let state = rig
        .client
        .get(format!("{}/_sim/state", rig.url))
        .send()
        .await
        .unwrap();
    let state: Value = state.json().await.unwrap();
    assert_eq!(state["version"], "old");
    assert_eq!(state["faults"][0], fault);
    assert_eq!(state["events"].as_array().unwrap().len(), 1);
    assert_eq!(state["asked"].as_array().unwrap().len(), 3);
    assert_eq!(
        rig.tell(Method::DELETE, "/_sim/faults", &json!(null)).await.0,
        204
    );
    assert_eq!(rig.get("/v1/refunds/re_1").await.0, 200);

    for wrong in [
        json!({ "kind": "charge.eaten" }),
        json!({}),
        json!({ "kind": "charge.succeeded", "set": { "amout": 1 } }),
        json!({ "kind": "charge.succeeded" }),
    ] {
        let (status, told) = rig.tell(Method::POST, "/_sim/events", &wrong).await;
        assert_eq!(status, 400, "{wrong}: {told}");
    }
    let (status, _) = rig
        .tell(
            Method::POST,
            "/_sim/events",
            &json!({ "kid": "charge.succeeded" }),
        )
        .await;
    assert_eq!(status, 422);
}

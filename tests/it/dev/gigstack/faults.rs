//! What goes wrong on demand.

use std::time::Duration;

use onlycar::dev::gigstack::{Fault, Order, Plan};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Team, sale};

#[tokio::test]
async fn each_fault_is_met_so_often_and_no_more() {
    let team = Team::new().await;
    for (fault, status) in [
        (Fault::RateLimited, 429),
        (Fault::ServerError, 500),
        (Fault::BadGateway, 502),
        (Fault::Unauthorized, 401),
        (Fault::Forbidden, 403),
        (Fault::NotFound, 404),
        (Fault::Html, 200),
    ] {
        team.gigstack.fail_at("/v1/", fault, 2);
        assert_eq!(team.get("/v2/invoices/income").await.status(), 200);
        for _ in 0..2 {
            let answer = team.get("/v1/invoices").await;
            assert_eq!(answer.status(), status, "{fault:?}");
            let after = answer.headers().get("retry-after").cloned();
            assert_eq!(
                after.is_some_and(|after| after == "2"),
                fault == Fault::RateLimited
            );
            let is_json = serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).is_ok();
            assert_eq!(
                is_json,
                !matches!(fault, Fault::BadGateway | Fault::Html),
                "{fault:?}"
            );
        }
        let answer: Value = team.get("/v1/invoices").await.json().await.unwrap();
        assert_eq!(answer["data"], json!([]));
    }
}

#[tokio::test]
async fn slow_is_late_and_hang_is_never() {
    let team = Team::new().await;
    let slow = Plan {
        delay_ms: 50,
        ..Plan::new(Fault::Slow, 1)
    };
    team.gigstack.plan(slow);
    let began = std::time::Instant::now();
    assert_eq!(team.get("/v1/invoices").await.status(), 200);
    assert!(began.elapsed() >= Duration::from_millis(50));
    team.gigstack.fail(Fault::Hang, 1);
    let request = team
        .asking(Method::GET, "/v1/invoices")
        .timeout(Duration::from_millis(50));
    assert!(request.send().await.unwrap_err().is_timeout());
    team.gigstack.fail(Fault::Hang, 9);
    team.gigstack.heal();
    assert_eq!(team.get("/v1/invoices").await.status(), 200);
}

#[tokio::test]
async fn a_lost_answer_happened_and_comes_with_the_same_key() {
    let team = Team::new().await;
    for (fault, n) in [(Fault::LostAnswer, 1), (Fault::Cut, 2)] {
        let mut sale = sale();
        sale["idempotency_key"] = json!(n.to_string());
        team.gigstack.fail(fault, 1);
        let request = team.asking(Method::POST, "/v1/invoices/self-service").json(&sale);
        let answered: Result<Value, _> = match request.send().await {
            Ok(answer) => answer.json().await,
            Err(error) => Err(error),
        };
        assert!(answered.is_err(), "{fault:?}: {answered:?}");
        assert_eq!(team.gigstack.receipts().len(), n);
        let (status, told) = team.post("/v1/invoices/self-service", &sale).await;
        assert_eq!(status, 200);
        assert_eq!(told["data"]["id"], team.gigstack.receipts()[n - 1].id);
        assert_eq!(team.gigstack.receipts().len(), n);
    }
}

#[tokio::test]
async fn another_process_can_plan_and_heal_them() {
    let team = Team::new().await;
    let plan = json!({ "fault": "rate_limited", "times": 5, "path": "/v1/invoices", "retry_after": 7 });
    team.sim(Method::POST, "faults", &plan).await;
    let answer = team.get("/v1/invoices").await;
    assert_eq!(answer.headers()["retry-after"], "7");
    let state: Value = team
        .sim(Method::GET, "state", &json!(null))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(state["faults"][0]["times"], 4);
    team.sim(Method::DELETE, "faults", &json!(null)).await;
    assert_eq!(team.get("/v1/invoices").await.status(), 200);
    team.gigstack.stamp(Order::default());
    let state: Value = team
        .sim(Method::GET, "state", &json!(null))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(state["faults"], json!([]));
    assert_eq!(state["asked"], json!(["GET /v1/invoices", "GET /v1/invoices"]));
    assert_eq!(state["invoices"][0]["status"], "stamped");
}

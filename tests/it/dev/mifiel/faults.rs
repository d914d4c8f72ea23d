//! What goes wrong on demand.

use std::time::Duration;

use onlycar::dev::mifiel::{Fault, Plan};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Form, Office, draft};

#[tokio::test]
async fn each_fault_is_met_so_often_and_no_more() {
    let office = Office::new().await;
    let id = office.mifiel.create(draft()).id;
    let path = format!("/documents/{id}");
    for (fault, status) in [
        (Fault::RateLimited, 429),
        (Fault::ServerError, 500),
        (Fault::BadGateway, 502),
        (Fault::Unauthorized, 401),
        (Fault::PaymentRequired, 402),
        (Fault::NotFound, 404),
        (Fault::Gone, 410),
        (Fault::Html, 200),
    ] {
        office.mifiel.fail_at("/api/v1/documents/", fault, 2);
        assert_eq!(office.get("/documents").await.status(), 200);
        for _ in 0..2 {
            let answer = office.get(&path).await;
            assert_eq!(answer.status(), status, "{fault:?}");
            let after = answer.headers().get("retry-after").cloned();
            assert_eq!(
                after.is_some_and(|after| after == "2"),
                fault == Fault::RateLimited
            );
            let told: Result<Value, _> = serde_json::from_slice(&answer.bytes().await.unwrap());
            match (fault, told) {
                (Fault::BadGateway | Fault::Html, told) => assert!(told.is_err(), "{fault:?}"),
                (Fault::ServerError, told) => assert!(told.unwrap()["message"].is_string()),
                (_, told) => assert_eq!(told.unwrap()["status"], "fail", "{fault:?}"),
            }
        }
        assert_eq!(office.json(&path).await["id"], *id);
    }
}

#[tokio::test]
async fn slow_is_late_and_hang_is_never() {
    let office = Office::new().await;
    office.mifiel.plan(Plan {
        delay_ms: 50,
        ..Plan::new(Fault::Slow, 1)
    });
    let began = std::time::Instant::now();
    assert_eq!(office.get("/documents").await.status(), 200);
    assert!(began.elapsed() >= Duration::from_millis(50));
    office.mifiel.fail(Fault::Hang, 1);
    let request = office.asking(Method::GET, "/documents", "application/json");
    let hung = request.timeout(Duration::from_millis(50)).send().await;
    assert!(hung.unwrap_err().is_timeout());
    office.mifiel.fail(Fault::Hang, 9);
    office.mifiel.heal();
    assert_eq!(office.get("/documents").await.status(), 200);
}

/// The vendor has no idempotency keys: who asks again has two, and can find the first by `external_id`.
#[tokio::test]
async fn a_lost_answer_happened() {
    let office = Office::new().await;
    let form = Form::of(
        b"%PDF-1.7",
        &[
            ("signatories[0][email]", "ana@example.com"),
            ("external_id", "ours"),
        ],
    );
    for (fault, n) in [(Fault::LostAnswer, 1), (Fault::Cut, 2)] {
        office.mifiel.fail(fault, 1);
        let request = office.asking(Method::POST, "/documents", &Form::kind());
        let answered: Result<Value, _> = match request.body(form.0.clone()).send().await {
            Ok(answer) => answer.json().await,
            Err(error) => Err(error),
        };
        assert!(answered.is_err(), "{fault:?}: {answered:?}");
        assert_eq!(office.mifiel.documents().len(), n);
        assert_eq!(office.json("/documents").await[0]["external_id"], "ours");
    }
}

#[tokio::test]
async fn another_process_can_plan_and_heal_them() {
    let office = Office::new().await;
    let plan = json!({ "fault": "rate_limited", "times": 5, "path": "/api/v1/documents", "retry_after": 7 });
    office.sim(Method::POST, "faults", &plan).await;
    assert_eq!(office.get("/documents").await.headers()["retry-after"], "7");
    let state = office.sim(Method::GET, "state", &json!(null)).await;
    assert_eq!(state["faults"][0]["times"], 4);
    office.sim(Method::DELETE, "faults", &json!(null)).await;
    assert_eq!(office.get("/documents").await.status(), 200);
    let state = office.sim(Method::GET, "state", &json!(null)).await;
    assert_eq!(state["faults"], json!([]));
    assert_eq!(
        state["asked"],
        json!(["GET /api/v1/documents", "GET /api/v1/documents"])
    );
}

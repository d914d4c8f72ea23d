//! Disputes, from the first word of the bank to its last.

use serde_json::{Value, json};

use super::scene::{Scene, time, with};

super::cases! {
    "charge.dispute.created" => a_dispute_is_told_with_the_day_it_is_due,
    "charge.dispute.funds_withdrawn" => the_money_that_the_bank_took_is_no_second_alarm,
    "charge.dispute.updated" => a_dispute_that_is_answered_waits_for_the_bank,
    "charge.dispute.closed" => a_lost_dispute_is_told,
    "charge.dispute.funds_reinstated" => a_won_dispute_ends_its_alarm,
}

/// The row of a dispute that was just opened.
fn opened(scene: &Scene, object: &Value) -> Value {
    json!({
        "id": object["id"],
        "charge_id": object["charge"],
        "payment_intent_id": scene.story.sample.payment_intent_id,
        "status": "needs_response",
        "amount": 1500.0,
        "currency": "MXN",
        "reason": "fraudulent",
        "evidence_due_by": "2026-12-02T18:00:00+00:00",
        "created_at": time(scene.began),
    })
}

fn cause(object: &Value) -> String {
    format!("disputa:{}", object["id"].as_str().unwrap())
}

async fn a_dispute_is_told_with_the_day_it_is_due(scene: &Scene) {
    let object = &scene.happens("charge.dispute.created").await["data"]["object"];
    assert_eq!(scene.kept("disputes", object).await, opened(scene, object));
    let detail = scene.alert(&cause(object)).await;
    let payment = object["payment_intent"].as_str().unwrap();
    assert!(
        detail.contains(&format!(
            "del pago {payment} por 1500.00 MXN espera nuestra respuesta"
        )),
        "{detail}"
    );
    let mail = scene.told_team();
    assert_eq!(mail.subject, "[OnlyCar] Un cliente disputa un cargo con su banco");
    let due = "antes del 02/12/2026 12:00 (hora del centro de México)";
    assert!(mail.text.contains(due), "{}", mail.text);
}

async fn the_money_that_the_bank_took_is_no_second_alarm(scene: &Scene) {
    scene.happens("charge.dispute.created").await;
    let object = &scene.happens("charge.dispute.funds_withdrawn").await["data"]["object"];
    assert_eq!(scene.kept("disputes", object).await, opened(scene, object));
    assert_eq!(scene.mailed().len(), 1);
    assert_eq!(scene.app.one::<i32>("select times from engine.alerts").await, 1);
}

async fn a_dispute_that_is_answered_waits_for_the_bank(scene: &Scene) {
    scene.happens("charge.dispute.created").await;
    let object = &scene.happens("charge.dispute.updated").await["data"]["object"];
    let expected = with(opened(scene, object), json!({ "status": "under_review" }));
    assert_eq!(scene.kept("disputes", object).await, expected);
    let detail = scene.alert(&cause(object)).await;
    assert!(detail.contains("está en revisión"), "{detail}");
    assert!(detail.contains("espera la decisión del banco"), "{detail}");
    assert_eq!(scene.mailed().len(), 1, "the team knows of it");
}

async fn a_lost_dispute_is_told(scene: &Scene) {
    scene.happens("payment_intent.succeeded").await;
    let service = scene.service().await;
    scene.happens("charge.dispute.created").await;
    let object = &scene.happens("charge.dispute.closed").await["data"]["object"];
    let expected = with(opened(scene, object), json!({ "status": "lost" }));
    assert_eq!(scene.kept("disputes", object).await, expected);
    let lost = format!("disputa-perdida:{}", object["id"].as_str().unwrap());
    assert_eq!(scene.alerts().await, [lost]);
    let mail = scene.told_team();
    assert_eq!(
        mail.subject,
        "[OnlyCar] Se perdió una disputa: el dinero salió de la cuenta"
    );
    assert!(mail.text.contains("salieron 1500.00 MXN"), "{}", mail.text);
    assert_eq!(
        scene.service().await,
        service,
        "a person decides what follows for the service"
    );
}

async fn a_won_dispute_ends_its_alarm(scene: &Scene) {
    scene.happens("charge.dispute.created").await;
    scene.happens("charge.dispute.updated").await;
    let object = &scene.happens("charge.dispute.funds_reinstated").await["data"]["object"];
    let expected = with(opened(scene, object), json!({ "status": "won" }));
    assert_eq!(scene.kept("disputes", object).await, expected);
    assert_eq!(scene.alerts().await, [""; 0]);
    assert_eq!(scene.mailed().len(), 1);
}

//! The stories of OXXO and SPEI, where money comes days after the client chose how to pay, or not at all.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::in_both_shapes;
use super::scene::{Scene, says};

async fn state(scene: &Scene) -> (Value, Value) {
    let service = scene.service().await;
    (service["estado"].clone(), service["estado_pago"].clone())
}

fn open() -> (Value, Value) {
    (json!("agendado"), json!("pendiente"))
}

/// A voucher was issued and has expired; whether it was paid is open.
async fn voucher_expired(scene: &Scene) {
    scene.happens("payment_intent.created").await;
    scene.happens("payment_intent.requires_action").await;
    assert_eq!(state(scene).await, open());
    assert_eq!(scene.told_client().subject, "Tu ficha para pagar en OXXO");
    scene.app.advance(TimeDelta::days(4));
    scene.happens("payment_intent.processing").await;
    assert_eq!(state(scene).await, open(), "processing cancels nothing");
}

#[tokio::test]
async fn a_voucher_that_expired_can_turn_out_to_have_been_paid() {
    in_both_shapes(async |scene| {
        voucher_expired(scene).await;
        scene.app.advance(TimeDelta::days(2));
        scene.happens("payment_intent.succeeded").await;
        assert_eq!(scene.service().await["estado_pago"], "pagado");
        assert_eq!(scene.audit().await, ["servicio.pagado"]);
        assert_eq!(scene.mailed().len(), 1, "the voucher");
        assert_eq!(scene.alerts().await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_voucher_that_nobody_paid_fails_after_days_and_the_next_one_is_sent_too() {
    in_both_shapes(async |scene| {
        voucher_expired(scene).await;
        scene.app.advance(TimeDelta::days(10));
        let mut failed = scene.event("payment_intent.payment_failed");
        let error = &mut failed["data"]["object"]["last_payment_error"];
        error["code"] = json!("payment_intent_payment_attempt_expired");
        error["decline_code"] = Value::Null;
        error["payment_method"]["type"] = json!("oxxo");
        scene.comes(&failed).await;
        assert_eq!(scene.service().await["estado_pago"], "fallido");
        let mail = scene.told_client();
        assert_eq!(mail.subject, "No pudimos cobrar tu pago en OnlyCar");
        says(
            &mail,
            &["El plazo para pagar terminó sin que recibiéramos el pago."],
        );
        assert_eq!(scene.mailed().len(), 2);

        let mut again = scene.event("payment_intent.requires_action");
        let voucher = &mut again["data"]["object"]["next_action"]["oxxo_display_details"];
        voucher["hosted_voucher_url"] = json!("https://payments.stripe.com/oxxo/voucher/second");
        voucher["expires_after"] = json!((scene.app.now() + TimeDelta::days(3)).timestamp());
        scene.comes(&again).await;
        assert_eq!(scene.service().await["estado_pago"], "pendiente");
        assert_eq!(scene.mailed().len(), 3);
        says(
            &scene.told_client(),
            &["Ver la ficha: https://payments.stripe.com/oxxo/voucher/second"],
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_is_sent_a_voucher_that_is_over_or_for_a_service_that_is_paid() {
    in_both_shapes(async |scene| {
        let voucher = scene.event("payment_intent.requires_action");
        scene.app.advance(TimeDelta::days(5));
        scene.comes(&voucher).await;
        assert_eq!(scene.mailed(), []);
        scene.happens("payment_intent.succeeded").await;
        let mut other = scene.event("payment_intent.requires_action");
        other["data"]["object"]["id"] = json!("pi_another");
        other["data"]["object"]["next_action"]["oxxo_display_details"]["expires_after"] =
            json!((scene.app.now() + TimeDelta::days(3)).timestamp());
        scene.comes(&other).await;
        assert_eq!(scene.mailed(), []);
        assert_eq!(scene.service().await["estado_pago"], "pagado");
    })
    .await;
}

/// Instructions for a transfer of which nothing came in yet, or a part.
fn transfer(scene: &Scene, kind: &str, remaining: i64) -> Value {
    let mut event = scene.event("payment_intent.partially_funded");
    event["type"] = json!(kind);
    event["data"]["object"]["next_action"]["display_bank_transfer_instructions"]["amount_remaining"] =
        json!(remaining);
    event
}

#[tokio::test]
async fn a_transfer_in_three_parts_is_asked_for_until_it_is_whole() {
    in_both_shapes(async |scene| {
        let asked = transfer(scene, "payment_intent.requires_action", 150_000);
        scene.comes(&asked).await;
        let mail = scene.told_client();
        assert_eq!(mail.subject, "Datos para tu transferencia a OnlyCar");
        let instructions = &asked["data"]["object"]["next_action"]["display_bank_transfer_instructions"];
        let page = instructions["hosted_instructions_url"].as_str().unwrap();
        let what = "Transfiere $1500.00 MXN por Cambio de aceite con los datos de esta página (SPEI).";
        says(&mail, &[what, &format!("Ver los datos: {page}")]);

        for (remaining, missing) in [(100_000, "Faltan $1000.00 MXN"), (25_050, "Faltan $250.50 MXN")] {
            let part = transfer(scene, "payment_intent.partially_funded", remaining);
            scene.comes(&part).await;
            assert_eq!(state(scene).await, open());
            let mail = scene.told_client();
            assert_eq!(mail.subject, "Tu transferencia llegó incompleta");
            says(&mail, &[missing, page]);
        }
        scene.happens("payment_intent.succeeded").await;
        assert_eq!(scene.service().await["estado_pago"], "pagado");
        assert_eq!(scene.service().await["monto_pagado"], 1500.0);
        assert_eq!(scene.mailed().len(), 3);
        assert_eq!(scene.audit().await, ["servicio.pagado"]);
        assert_eq!(scene.alerts().await, [""; 0]);
    })
    .await;
}

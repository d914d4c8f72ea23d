//! Refunds: of a whole payment, of a part of it, and those that come to nothing.

use onlycar::dev::stripe::Sample;
use serde_json::{Value, json};

use super::in_both_shapes;
use super::scene::{Scene, time, with};

super::cases! {
    "refund.created" => a_refund_of_a_part_needs_a_credit_note,
    "refund.updated" => the_reference_of_a_refund_changes_nothing,
    "charge.refund.updated" => a_refund_told_by_its_charge_counts_once,
    "refund.failed" => a_failed_refund_leaves_the_service_paid,
}

/// The row of a refund of all of the payment.
fn refunded(scene: &Scene, object: &Value) -> Value {
    json!({
        "id": object["id"],
        "payment_intent_id": scene.story.sample.payment_intent_id,
        "charge_id": object["charge"],
        "status": "succeeded",
        "amount": 1500.0,
        "currency": "MXN",
        "reason": "requested_by_customer",
        "failure_reason": null,
        "created_at": time(scene.began),
    })
}

fn part(scene: &Scene, id: &str, amount: i64) -> Sample {
    Sample {
        refund_id: Some(id.to_owned()),
        refund_amount: Some(amount),
        ..scene.story.sample.clone()
    }
}

fn to_correct(scene: &Scene) -> String {
    format!("factura-por-corregir:{}", scene.story.service)
}

async fn a_refund_of_a_part_needs_a_credit_note(scene: &Scene) {
    scene.happens("payment_intent.succeeded").await;
    let event = scene.event_of("refund.created", &part(scene, "re_first", 50_000));
    scene.comes(&event).await;
    let object = &event["data"]["object"];
    let expected = with(refunded(scene, object), json!({ "amount": 500.0 }));
    assert_eq!(scene.kept("refunds", object).await, expected);
    let service = scene.service().await;
    assert_eq!(service["estado_pago"], "parcialmente_reembolsado");
    assert_eq!(service["estado_factura"], "requiere_nota_credito");
    assert_eq!(service["monto_reembolsado"], 500.0);
    assert_eq!(service["monto_pagado"], 1500.0);
    assert_eq!(
        scene.audit().await,
        ["servicio.pagado", "servicio.parcialmente_reembolsado"]
    );
    assert_eq!(scene.alerts().await, [to_correct(scene)]);
    let mail = scene.told_team();
    assert_eq!(
        mail.subject,
        "[OnlyCar] Se reembolsó parte de un servicio: su factura necesita una nota de crédito"
    );
    assert!(mail.text.contains("se devolvieron 500.00 MXN"), "{}", mail.text);
}

async fn the_reference_of_a_refund_changes_nothing(scene: &Scene) {
    scene.happens("payment_intent.succeeded").await;
    scene.happens("refund.created").await;
    let service = scene.service().await;
    assert_eq!(service["estado_pago"], "reembolsado");
    let mailed = scene.mailed();
    let object = &scene.happens("refund.updated").await["data"]["object"];
    assert_eq!(scene.kept("refunds", object).await, refunded(scene, object));
    assert_eq!(scene.service().await, service);
    assert_eq!(scene.audit().await, ["servicio.pagado", "servicio.reembolsado"]);
    assert_eq!(scene.mailed(), mailed);
}

async fn a_refund_told_by_its_charge_counts_once(scene: &Scene) {
    scene.happens("payment_intent.succeeded").await;
    let object = &scene.happens("charge.refund.updated").await["data"]["object"];
    assert_eq!(scene.kept("refunds", object).await, refunded(scene, object));
    scene.happens("charge.refunded").await;
    scene.happens("refund.updated").await;
    let service = scene.service().await;
    assert_eq!(service["estado_pago"], "reembolsado");
    assert_eq!(service["estado_factura"], "por_cancelar");
    assert_eq!(service["monto_reembolsado"], 1500.0);
    assert_eq!(scene.audit().await, ["servicio.pagado", "servicio.reembolsado"]);
    assert_eq!(scene.mailed().len(), 1, "{:?}", scene.mailed());
}

async fn a_failed_refund_leaves_the_service_paid(scene: &Scene) {
    let paid = scene.happens("payment_intent.succeeded").await;
    scene.happens("refund.created").await;
    scene.happens("charge.refunded").await;
    assert_eq!(scene.alerts().await, [to_correct(scene)]);
    let object = &scene.happens("refund.failed").await["data"]["object"];
    let failed = json!({ "status": "failed", "failure_reason": "lost_or_stolen_card" });
    assert_eq!(
        scene.kept("refunds", object).await,
        with(refunded(scene, object), failed)
    );
    let service = scene.service().await;
    assert_eq!(service["estado_pago"], "pagado");
    assert_eq!(service["estado_factura"], Value::Null);
    assert_eq!(service["monto_reembolsado"], Value::Null);
    assert_eq!(service["stripe_payment_intent_id"], paid["data"]["object"]["id"]);
    let actions = ["servicio.pagado", "servicio.reembolsado", "servicio.pagado"];
    assert_eq!(scene.audit().await, actions);
    let cause = format!("reembolso-fallido:{}", object["id"].as_str().unwrap());
    assert_eq!(scene.alerts().await, [cause], "the invoice is right again");
    let mail = scene.told_team();
    assert_eq!(mail.subject, "[OnlyCar] Un reembolso no llegó al cliente");
    assert!(mail.text.contains("el dinero sigue con OnlyCar"), "{}", mail.text);
}

#[tokio::test]
async fn each_further_part_is_audited_and_told_again() {
    in_both_shapes(async |scene| {
        scene.happens("payment_intent.succeeded").await;
        scene
            .comes(&scene.event_of("refund.created", &part(scene, "re_first", 50_000)))
            .await;
        scene
            .run("update engine.alerts set resolved_at = last_seen_at")
            .await;
        scene
            .run("update servicios set estado_factura = 'nota_credito_emitida'")
            .await;
        scene
            .comes(&scene.event_of("refund.created", &part(scene, "re_second", 30_000)))
            .await;
        let service = scene.service().await;
        assert_eq!(service["estado_pago"], "parcialmente_reembolsado");
        assert_eq!(service["estado_factura"], "requiere_nota_credito");
        assert_eq!(service["monto_reembolsado"], 800.0);
        assert!(scene.alert(&to_correct(scene)).await.contains("800.00 MXN"));
        assert_eq!(scene.mailed().len(), 2);
        scene
            .comes(&scene.event_of("refund.created", &part(scene, "re_third", 70_000)))
            .await;
        assert_eq!(scene.service().await["estado_pago"], "reembolsado");
        assert_eq!(scene.service().await["estado_factura"], "por_cancelar");
        let actions = [
            "servicio.pagado",
            "servicio.parcialmente_reembolsado",
            "servicio.parcialmente_reembolsado",
            "servicio.reembolsado",
        ];
        assert_eq!(scene.audit().await, actions);
    })
    .await;
}

#[tokio::test]
async fn a_refund_that_comes_before_its_payment_counts_when_that_comes() {
    in_both_shapes(async |scene| {
        scene.happens("refund.created").await;
        assert_eq!(scene.service().await["estado_pago"], "pendiente");
        scene.happens("payment_intent.succeeded").await;
        assert_eq!(scene.service().await["estado_pago"], "reembolsado");
        assert_eq!(scene.service().await["estado_factura"], "por_cancelar");
        assert_eq!(scene.audit().await, ["servicio.reembolsado"]);
    })
    .await;
}

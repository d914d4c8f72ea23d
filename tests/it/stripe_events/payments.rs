//! PaymentIntents of services.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::scene::{Scene, says, time, with};

super::cases! {
    "payment_intent.created" => a_payment_that_was_started_is_kept,
    "payment_intent.requires_action" => an_issued_voucher_is_sent_to_the_client,
    "payment_intent.processing" => an_expired_voucher_leaves_the_service_open,
    "payment_intent.partially_funded" => what_is_missing_of_a_transfer_is_asked_for,
    "payment_intent.succeeded" => a_payment_pays_its_service,
    "payment_intent.payment_failed" => a_declined_card_is_noted_and_told,
    "payment_intent.canceled" => a_cancelled_payment_is_noted,
}

/// The row of a payment that was only started.
fn started(scene: &Scene, object: &Value) -> Value {
    json!({
        "id": object["id"],
        "servicio_id": scene.story.service,
        "metadata_servicio_id": scene.story.service,
        "customer_id": scene.story.sample.customer_id,
        "status": "requires_payment_method",
        "amount": 1500.0,
        "amount_received": 0.0,
        "amount_remaining": null,
        "currency": "MXN",
        "charge_id": null,
        "invoice_id": null,
        "paid_at": null,
        "failure_code": null,
        "failure_message": null,
        "livemode": false,
        "created_at": time(scene.began),
        "payment_method_id": null,
        "payment_method_type": null,
        "instructions": null,
        "instructions_url": null,
        "instructions_expire": null,
        "canceled_at": null,
        "cancellation_reason": null,
    })
}

/// The payment of a service that nothing happened to.
fn unpaid() -> Value {
    json!({
        "estado_pago": "pendiente",
        "canal_pago": null,
        "stripe_payment_intent_id": null,
        "pagado_en": null,
        "monto_pagado": null,
        "monto_reembolsado": null,
        "ultimo_error_pago": null,
        "estado_factura": null,
    })
}

async fn a_payment_that_was_started_is_kept(scene: &Scene) {
    let object = &scene.happens("payment_intent.created").await["data"]["object"];
    assert_eq!(scene.kept("payments", object).await, started(scene, object));
    assert_eq!(scene.payment_of_service().await, unpaid());
    assert_eq!(scene.audit().await, [""; 0]);
    scene.is_quiet().await;
}

async fn an_issued_voucher_is_sent_to_the_client(scene: &Scene) {
    let object = &scene.happens("payment_intent.requires_action").await["data"]["object"];
    let page = &object["next_action"]["oxxo_display_details"]["hosted_voucher_url"];
    let expected = with(
        started(scene, object),
        json!({
            "status": "requires_action",
            "payment_method_id": object["payment_method"],
            "payment_method_type": "oxxo",
            "instructions": "oxxo",
            "instructions_url": page,
            "instructions_expire": "2026-11-26T05:59:59+00:00",
        }),
    );
    assert_eq!(scene.kept("payments", object).await, expected);
    assert_eq!(scene.payment_of_service().await, unpaid());
    let mail = scene.told_client();
    assert_eq!(mail.subject, "Tu ficha para pagar en OXXO");
    let link = format!("Ver la ficha: {}", page.as_str().unwrap());
    let amount = "Con esta ficha pagas $1500.00 MXN por Cambio de aceite en cualquier OXXO.";
    let expiry = "Vence el 25/11/2026 a las 23:59 (hora del centro de México).";
    says(&mail, &[amount, expiry, &link]);
    assert_eq!(scene.alerts().await, [""; 0]);
}

async fn an_expired_voucher_leaves_the_service_open(scene: &Scene) {
    let object = &scene.happens("payment_intent.processing").await["data"]["object"];
    let expected = with(
        started(scene, object),
        json!({
            "status": "processing",
            "payment_method_id": object["payment_method"],
            "payment_method_type": "oxxo",
        }),
    );
    assert_eq!(scene.kept("payments", object).await, expected);
    assert_eq!(scene.payment_of_service().await, unpaid());
    assert_eq!(scene.service().await["estado"], "agendado");
    scene.is_quiet().await;
}

async fn what_is_missing_of_a_transfer_is_asked_for(scene: &Scene) {
    let object = &scene.happens("payment_intent.partially_funded").await["data"]["object"];
    let page = &object["next_action"]["display_bank_transfer_instructions"]["hosted_instructions_url"];
    let expected = with(
        started(scene, object),
        json!({
            "status": "requires_action",
            "payment_method_id": object["payment_method"],
            "payment_method_type": "customer_balance",
            "instructions": "spei",
            "instructions_url": page,
            "amount_remaining": 1000.0,
        }),
    );
    assert_eq!(scene.kept("payments", object).await, expected);
    assert_eq!(scene.payment_of_service().await, unpaid());
    let mail = scene.told_client();
    assert_eq!(mail.subject, "Tu transferencia llegó incompleta");
    let link = format!("Ver los datos: {}", page.as_str().unwrap());
    let missing = "Recibimos una parte de los $1500.00 MXN por Cambio de aceite. Faltan $1000.00 MXN";
    says(&mail, &[missing, &link]);
}

async fn a_payment_pays_its_service(scene: &Scene) {
    scene.happens("payment_intent.created").await;
    let object = &scene.happens("payment_intent.succeeded").await["data"]["object"];
    let at = time(scene.began + TimeDelta::seconds(1));
    let expected = with(
        started(scene, object),
        json!({
            "status": "succeeded",
            "amount_received": 1500.0,
            "charge_id": object["latest_charge"],
            "payment_method_id": object["payment_method"],
            "paid_at": at,
        }),
    );
    assert_eq!(scene.kept("payments", object).await, expected);
    let paid = json!({
        "estado_pago": "pagado",
        "canal_pago": "stripe",
        "stripe_payment_intent_id": object["id"],
        "pagado_en": at,
        "monto_pagado": 1500.0,
    });
    assert_eq!(scene.payment_of_service().await, with(unpaid(), paid));
    assert_eq!(scene.audit().await, ["servicio.pagado"]);
    scene.is_quiet().await;
}

async fn a_declined_card_is_noted_and_told(scene: &Scene) {
    let object = &scene.happens("payment_intent.payment_failed").await["data"]["object"];
    let expected = with(
        started(scene, object),
        json!({
            "charge_id": object["latest_charge"],
            "payment_method_type": "card",
            "failure_code": "insufficient_funds",
            "failure_message": "The card does not have enough funds.",
        }),
    );
    assert_eq!(scene.kept("payments", object).await, expected);
    let failed = json!({
        "estado_pago": "fallido",
        "ultimo_error_pago": "insufficient_funds: The card does not have enough funds.",
    });
    assert_eq!(scene.payment_of_service().await, with(unpaid(), failed));
    assert_eq!(scene.audit().await, ["servicio.pago_fallido"]);
    let mail = scene.told_client();
    assert_eq!(mail.subject, "No pudimos cobrar tu pago en OnlyCar");
    let amount = "No pudimos cobrar tu pago de $1500.00 MXN por Cambio de aceite.";
    says(
        &mail,
        &[
            amount,
            "La tarjeta no tiene fondos suficientes",
            "otra tarjeta, OXXO o",
        ],
    );
    assert_eq!(scene.alerts().await, [""; 0]);
}

async fn a_cancelled_payment_is_noted(scene: &Scene) {
    scene.happens("payment_intent.created").await;
    let object = &scene.happens("payment_intent.canceled").await["data"]["object"];
    let expected = with(
        started(scene, object),
        json!({
            "status": "canceled",
            "canceled_at": time(scene.began + TimeDelta::seconds(1)),
            "cancellation_reason": "requested_by_customer",
        }),
    );
    assert_eq!(scene.kept("payments", object).await, expected);
    assert_eq!(
        scene.payment_of_service().await,
        with(unpaid(), json!({ "estado_pago": "cancelado" }))
    );
    assert_eq!(scene.audit().await, ["servicio.pago_cancelado"]);
    scene.is_quiet().await;
}

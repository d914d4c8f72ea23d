//! Charges: each try to take the money of a payment.

use serde_json::{Value, json};

use super::scene::{Scene, time, with};

super::cases! {
    "charge.succeeded" => a_charge_is_kept_and_tells_what_its_payment_is_for,
    "charge.failed" => a_failed_charge_is_kept,
    "charge.updated" => the_fee_of_a_charge_comes_later,
    "charge.refunded" => a_refunded_charge_refunds_the_service,
}

/// The row of a charge that just succeeded.
fn charged(scene: &Scene, object: &Value) -> Value {
    json!({
        "id": object["id"],
        "payment_intent_id": scene.story.sample.payment_intent_id,
        "servicio_id": scene.story.service,
        "customer_id": scene.story.sample.customer_id,
        "status": "succeeded",
        "amount": 1500.0,
        "amount_captured": 1500.0,
        "amount_refunded": 0.0,
        "currency": "MXN",
        "captured": true,
        "refunded": false,
        "disputed": false,
        "failure_code": null,
        "failure_message": null,
        "payment_method_id": object["payment_method"],
        "payment_method_type": "card",
        "card_brand": "visa",
        "card_last4": "4242",
        "receipt_url": object["receipt_url"],
        "balance_transaction_id": null,
        "livemode": false,
        "created_at": time(scene.began),
    })
}

async fn a_charge_is_kept_and_tells_what_its_payment_is_for(scene: &Scene) {
    let mut payment = scene.event("payment_intent.succeeded");
    payment["data"]["object"]["metadata"] = json!({});
    scene.is_parked(&payment).await;
    assert_eq!(scene.service().await["estado_pago"], "pendiente");
    let payment = &payment["data"]["object"];
    let cause = format!("pago-sin-servicio:{}", payment["id"].as_str().unwrap());
    assert_eq!(scene.alerts().await, [cause]);

    let object = &scene.happens("charge.succeeded").await["data"]["object"];
    assert_eq!(scene.kept("charges", object).await, charged(scene, object));
    assert_eq!(scene.service().await["estado_pago"], "pagado");
    assert_eq!(scene.service().await["stripe_payment_intent_id"], payment["id"]);
    assert_eq!(scene.audit().await, ["servicio.pagado"]);
    assert_eq!(scene.alerts().await, [""; 0], "it was found what it was for");
}

async fn a_failed_charge_is_kept(scene: &Scene) {
    let object = &scene.happens("charge.failed").await["data"]["object"];
    let expected = with(
        charged(scene, object),
        json!({
            "status": "failed",
            "amount_captured": 0.0,
            "captured": false,
            "failure_code": "card_declined",
            "failure_message": "Your card has insufficient funds.",
            "receipt_url": null,
        }),
    );
    assert_eq!(scene.kept("charges", object).await, expected);
    assert_eq!(scene.service().await["estado_pago"], "pendiente");
    scene.is_quiet().await; // payment_intent.payment_failed is what is told
}

async fn the_fee_of_a_charge_comes_later(scene: &Scene) {
    scene.happens("charge.succeeded").await;
    let object = &scene.happens("charge.updated").await["data"]["object"];
    let fee = json!({ "balance_transaction_id": object["balance_transaction"] });
    assert!(object["balance_transaction"].is_string());
    assert_eq!(
        scene.kept("charges", object).await,
        with(charged(scene, object), fee)
    );
    scene.is_quiet().await;
}

async fn a_refunded_charge_refunds_the_service(scene: &Scene) {
    scene.happens("payment_intent.succeeded").await;
    let object = &scene.happens("charge.refunded").await["data"]["object"];
    let refunded = json!({
        "amount_refunded": 1500.0,
        "refunded": true,
        "balance_transaction_id": object["balance_transaction"],
    });
    assert_eq!(
        scene.kept("charges", object).await,
        with(charged(scene, object), refunded)
    );
    let service = scene.service().await;
    assert_eq!(service["estado_pago"], "reembolsado");
    assert_eq!(service["estado_factura"], "por_cancelar");
    assert_eq!(service["monto_reembolsado"], 1500.0);
    assert_eq!(service["stripe_payment_intent_id"], object["payment_intent"]);
    assert_eq!(scene.audit().await, ["servicio.pagado", "servicio.reembolsado"]);
    let cause = format!("factura-por-corregir:{}", scene.story.service);
    assert_eq!(scene.alerts().await, [cause]);
    let mail = scene.told_team();
    assert_eq!(
        mail.subject,
        "[OnlyCar] Se reembolsó un servicio: su factura se debe cancelar"
    );
    assert!(mail.text.contains("se devolvieron 1500.00 MXN"), "{}", mail.text);
}

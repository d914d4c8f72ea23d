//! Checkout Sessions: the page where a customer pays, and what it tells of the payment.

use serde_json::{Value, json};

use super::scene::{Scene, time, with};

super::cases! {
    "checkout.session.completed" => a_completed_page_tells_which_service_was_paid,
    "checkout.session.async_payment_succeeded" => a_voucher_of_a_page_was_paid_days_later,
    "checkout.session.async_payment_failed" => a_voucher_of_a_page_was_not_paid,
    "checkout.session.expired" => an_expired_page_changes_nothing,
}

/// The row of a session that was paid.
fn paid(scene: &Scene, object: &Value) -> Value {
    json!({
        "id": object["id"],
        "payment_intent_id": scene.story.sample.payment_intent_id,
        "subscription_id": null,
        "servicio_id": scene.story.service,
        "contrato_id": null,
        "customer_id": scene.story.sample.customer_id,
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 1500.0,
        "currency": "MXN",
        "client_reference_id": scene.story.service,
        "payment_link_id": object["payment_link"],
        "livemode": false,
        "created_at": time(scene.began),
    })
}

/// A payment of a Payment Link whose metadata stayed on the session.
async fn paid_without_metadata(scene: &Scene) {
    let mut payment = scene.event("payment_intent.succeeded");
    payment["data"]["object"]["metadata"] = json!({});
    scene.is_parked(&payment).await;
}

async fn a_completed_page_tells_which_service_was_paid(scene: &Scene) {
    paid_without_metadata(scene).await;
    assert_eq!(scene.service().await["estado_pago"], "pendiente");
    let object = &scene.happens("checkout.session.completed").await["data"]["object"];
    assert_eq!(scene.kept("checkout_sessions", object).await, paid(scene, object));
    assert_eq!(scene.service().await["estado_pago"], "pagado");
    assert_eq!(scene.audit().await, ["servicio.pagado"]);
    assert_eq!(scene.alerts().await, [""; 0]);
}

async fn a_voucher_of_a_page_was_paid_days_later(scene: &Scene) {
    let waits = json!({ "payment_status": "unpaid" });
    let object = scene
        .happens_with("checkout.session.completed", waits.clone())
        .await;
    let expected = with(paid(scene, &object), waits);
    assert_eq!(scene.kept("checkout_sessions", &object).await, expected);
    assert_eq!(
        scene.service().await["estado_pago"],
        "pendiente",
        "a completed page is no money"
    );
    scene.happens("payment_intent.succeeded").await;
    let object = &scene.happens("checkout.session.async_payment_succeeded").await["data"]["object"];
    assert_eq!(scene.kept("checkout_sessions", object).await, paid(scene, object));
    assert_eq!(scene.service().await["estado_pago"], "pagado");
    scene.is_quiet().await;
}

async fn a_voucher_of_a_page_was_not_paid(scene: &Scene) {
    let object = &scene.happens("checkout.session.async_payment_failed").await["data"]["object"];
    let expected = with(paid(scene, object), json!({ "payment_status": "unpaid" }));
    assert_eq!(scene.kept("checkout_sessions", object).await, expected);
    assert_eq!(scene.service().await["estado_pago"], "pendiente");
    scene.is_quiet().await; // payment_intent.payment_failed is what is told
}

async fn an_expired_page_changes_nothing(scene: &Scene) {
    let object = &scene.happens("checkout.session.expired").await["data"]["object"];
    let expected = json!({ "status": "expired", "payment_status": "unpaid", "payment_intent_id": null });
    assert_eq!(
        scene.kept("checkout_sessions", object).await,
        with(paid(scene, object), expected)
    );
    assert_eq!(scene.service().await["estado_pago"], "pendiente");
    scene.is_quiet().await;
}

//! Subscriptions, and the contracts they pay for.

use chrono::{Months, TimeDelta};
use serde_json::{Value, json};

use super::in_both_shapes;
use super::scene::{Scene, says, time, with};

super::cases! {
    "customer.subscription.created" => a_new_subscription_finds_its_contract,
    "customer.subscription.updated" => a_renewed_subscription_moves_the_next_charge,
    "customer.subscription.paused" => a_paused_subscription_is_kept,
    "customer.subscription.resumed" => a_resumed_subscription_goes_on,
    "customer.subscription.trial_will_end" => the_end_of_a_trial_is_announced,
    "customer.subscription.deleted" => an_ended_subscription_ends_its_contract,
}

/// The row of a subscription that just began.
fn begun(scene: &Scene, object: &Value) -> Value {
    json!({
        "id": scene.story.sample.subscription_id,
        "customer_id": scene.story.sample.customer_id,
        "contrato_id": scene.story.contract,
        "status": "active",
        "current_period_start": time(scene.began),
        "current_period_end": "2026-12-22T18:00:00+00:00",
        "cancel_at": null,
        "cancel_at_period_end": false,
        "cancellation_reason": null,
        "canceled_at": null,
        "ended_at": null,
        "trial_start": null,
        "trial_end": null,
        "price_id": object["items"]["data"][0]["price"]["id"],
        "quantity": 1,
        "latest_invoice_id": scene.story.sample.invoice_id,
        "default_payment_method_id": object["default_payment_method"],
        "livemode": false,
        "created_at": time(scene.began),
    })
}

async fn a_new_subscription_finds_its_contract(scene: &Scene) {
    scene
        .run("update contratos_b2b set stripe_subscription_id = null")
        .await;
    let object = &scene.happens("customer.subscription.created").await["data"]["object"];
    let kept = scene.kept("subscriptions", object).await;
    assert_eq!(kept, begun(scene, object));
    assert!(kept["price_id"].is_string() && kept["default_payment_method_id"].is_string());
    let contract = scene.contract().await;
    assert_eq!(contract["stripe_subscription_id"], object["id"]);
    assert_eq!(contract["proximo_cobro_en"], "2026-12-22T18:00:00+00:00");
    assert_eq!(contract["estado"], "activo");
    assert_eq!(contract["servicios_disponibles"], 1, "nothing is paid yet");
    assert_eq!(contract["ultimo_pago_en"], Value::Null);
    assert_eq!(scene.audit().await, ["contrato.actualizado"]);
    scene.is_quiet().await;
}

async fn a_renewed_subscription_moves_the_next_charge(scene: &Scene) {
    scene.happens("customer.subscription.created").await;
    scene.app.advance(TimeDelta::days(30));
    let object = &scene.happens("customer.subscription.updated").await["data"]["object"];
    let renewed = json!({
        "current_period_start": "2026-12-22T18:00:01+00:00",
        "current_period_end": "2027-01-22T18:00:01+00:00",
    });
    assert_eq!(
        scene.kept("subscriptions", object).await,
        with(begun(scene, object), renewed)
    );
    let contract = scene.contract().await;
    assert_eq!(contract["proximo_cobro_en"], "2027-01-22T18:00:01+00:00");
    assert_eq!(
        contract["servicios_disponibles"], 1,
        "the invoice renews, when it is paid"
    );
    scene.is_quiet().await;
}

async fn a_paused_subscription_is_kept(scene: &Scene) {
    scene.happens("customer.subscription.created").await;
    let object = &scene.happens("customer.subscription.paused").await["data"]["object"];
    let expected = with(begun(scene, object), json!({ "status": "paused" }));
    assert_eq!(scene.kept("subscriptions", object).await, expected);
    assert_eq!(scene.contract().await["estado"], "activo");
    scene.is_quiet().await;
}

async fn a_resumed_subscription_goes_on(scene: &Scene) {
    scene.happens("customer.subscription.paused").await;
    let object = &scene.happens("customer.subscription.resumed").await["data"]["object"];
    assert_eq!(scene.kept("subscriptions", object).await, begun(scene, object));
    assert_eq!(scene.contract().await["estado"], "activo");
    scene.is_quiet().await;
}

async fn the_end_of_a_trial_is_announced(scene: &Scene) {
    let object = &scene.happens("customer.subscription.trial_will_end").await["data"]["object"];
    let trial = json!({
        "status": "trialing",
        "current_period_end": "2026-11-25T18:00:00+00:00",
        "trial_start": time(scene.began),
        "trial_end": "2026-11-25T18:00:00+00:00",
    });
    assert_eq!(
        scene.kept("subscriptions", object).await,
        with(begun(scene, object), trial)
    );
    assert_eq!(
        scene.contract().await["proximo_cobro_en"],
        "2026-11-25T18:00:00+00:00"
    );
    let mail = scene.told_client();
    assert_eq!(mail.subject, "Tu periodo de prueba está por terminar");
    says(
        &mail,
        &["termina el 25/11/2026", "el primer cargo a tu método de pago"],
    );
    assert_eq!(scene.alerts().await, [""; 0]);
}

async fn an_ended_subscription_ends_its_contract(scene: &Scene) {
    scene.happens("customer.subscription.created").await;
    let object = &scene.happens("customer.subscription.deleted").await["data"]["object"];
    let ended = json!({
        "status": "canceled",
        "cancellation_reason": "cancellation_requested",
        "canceled_at": time(scene.began + TimeDelta::seconds(1)),
        "ended_at": time(scene.began + TimeDelta::seconds(1)),
    });
    assert_eq!(
        scene.kept("subscriptions", object).await,
        with(begun(scene, object), ended)
    );
    let contract = scene.contract().await;
    assert_eq!(contract["estado"], "inactivo");
    assert_eq!(
        contract["cancelado_en"],
        time(scene.began + TimeDelta::seconds(1))
    );
    assert_eq!(contract["proximo_cobro_en"], Value::Null);
    assert_eq!(
        scene.audit().await,
        ["contrato.actualizado", "contrato.inactivado"]
    );
    let mail = scene.told_team();
    assert_eq!(mail.subject, "[OnlyCar] Un contrato quedó inactivo");
    assert!(
        mail.text.contains(&scene.story.contract.to_string()),
        "{}",
        mail.text
    );
    assert_eq!(scene.alerts().await, [""; 0]);
}

#[tokio::test]
async fn a_contract_is_behind_while_its_subscription_is_and_then_no_more() {
    in_both_shapes(async |scene| {
        scene.happens("customer.subscription.created").await;
        let late = json!({ "status": "past_due" });
        scene.happens_with("customer.subscription.updated", late).await;
        assert_eq!(scene.contract().await["estado"], "moroso");
        scene.happens("customer.subscription.updated").await;
        assert_eq!(scene.contract().await["estado"], "activo");
        let actions = ["contrato.actualizado", "contrato.moroso", "contrato.al_corriente"];
        assert_eq!(scene.audit().await, actions);
    })
    .await;
}

#[tokio::test]
async fn a_subscription_that_ends_with_its_period_has_no_next_charge_and_a_contract_until_then() {
    in_both_shapes(async |scene| {
        scene.happens("customer.subscription.created").await;
        let ends = json!({ "cancel_at_period_end": true });
        let object = scene.happens_with("customer.subscription.updated", ends).await;
        assert_eq!(
            scene.kept("subscriptions", &object).await["cancel_at_period_end"],
            true
        );
        let contract = scene.contract().await;
        assert_eq!(contract["estado"], "activo");
        assert_eq!(contract["cancelado_en"], Value::Null);
        assert_eq!(contract["proximo_cobro_en"], Value::Null);
        // The client thought better of it.
        scene.happens("customer.subscription.updated").await;
        let next = scene.began.checked_add_months(Months::new(1)).unwrap() + TimeDelta::seconds(2);
        assert_eq!(scene.contract().await["proximo_cobro_en"], time(next));
        scene.is_quiet().await;
    })
    .await;
}

/// Made shorter than three days, a trial has both events at once and with the same content.
#[tokio::test]
async fn a_trial_that_was_made_shorter_is_announced_whichever_event_comes_first() {
    in_both_shapes(async |scene| {
        let announced = scene.event("customer.subscription.trial_will_end");
        let mut updated = announced.clone();
        updated["id"] = json!("evt_the_twin");
        updated["type"] = json!("customer.subscription.updated");
        scene.app.handle(&updated).await;
        assert_eq!(scene.mailed(), []);
        scene.comes(&announced).await;
        scene.told_client();
    })
    .await;
}

#[tokio::test]
async fn a_trial_that_ends_with_its_subscription_announces_no_charge() {
    in_both_shapes(async |scene| {
        let ends = json!({ "cancel_at_period_end": true });
        scene
            .happens_with("customer.subscription.trial_will_end", ends)
            .await;
        scene.is_quiet().await;
    })
    .await;
}

//! What seldom happens to a payment: it comes too early, twice, in another currency, or for something else.

use chrono::TimeDelta;
use onlycar::dev::stripe::Sample;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::in_both_shapes;
use super::scene::{Scene, time};

fn another(scene: &Scene, payment: &str) -> Sample {
    Sample {
        payment_intent_id: Some(payment.to_owned()),
        ..scene.story.sample.clone()
    }
}

#[tokio::test]
async fn of_two_payments_the_first_keeps_the_credit_and_the_other_is_told_once() {
    in_both_shapes(async |scene| {
        scene.happens("payment_intent.succeeded").await;
        let service = scene.service().await;
        let second = another(scene, "pi_second");
        scene
            .is_parked(&scene.event_of("payment_intent.succeeded", &second))
            .await;
        assert_eq!(scene.service().await, service);
        assert_eq!(scene.alerts().await, ["pago-doble:pi_second"]);
        assert_eq!(
            scene.told_team().subject,
            "[OnlyCar] Un servicio se pagó dos veces"
        );
        // What else happens to the first payment is no news of the second.
        scene.happens("charge.succeeded").await;
        assert_eq!(scene.app.one::<i32>("select times from engine.alerts").await, 1);
        // The team gives it back, which leaves the service as it is.
        scene
            .run("update engine.alerts set resolved_at = last_seen_at")
            .await;
        scene.comes(&scene.event_of("refund.created", &second)).await;
        assert_eq!(scene.service().await, service);
        assert_eq!(scene.alerts().await, [""; 0]);
        assert_eq!(scene.audit().await, ["servicio.pagado"]);
    })
    .await;
}

#[tokio::test]
async fn what_was_paid_at_the_counter_stays_so() {
    in_both_shapes(async |scene| {
        scene
            .run("update servicios set estado_pago = 'pagado', canal_pago = 'presencial', pagado_en = now(), monto_pagado = 1500")
            .await;
        let service = scene.service().await;
        for kind in ["payment_intent.created", "payment_intent.payment_failed", "payment_intent.canceled"] {
            scene.happens(kind).await;
            assert_eq!(scene.service().await, service, "{kind}");
        }
        scene.is_quiet().await;
        let paid = another(scene, "pi_surplus");
        scene.is_parked(&scene.event_of("payment_intent.succeeded", &paid)).await;
        assert_eq!(scene.service().await, service);
        assert_eq!(scene.alerts().await, ["pago-doble:pi_surplus"]);
        scene
            .run("update engine.alerts set resolved_at = last_seen_at")
            .await;
        scene.comes(&scene.event_of("refund.created", &paid)).await;
        scene.comes(&scene.event_of("charge.refunded", &paid)).await;
        assert_eq!(scene.service().await, service);
        assert_eq!(scene.alerts().await, [""; 0], "it was given back, as it should");
        assert_eq!(scene.audit().await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_payment_does_not_take_back_what_another_paid() {
    in_both_shapes(async |scene| {
        let abandoned = another(scene, "pi_abandoned");
        scene
            .comes(&scene.event_of("payment_intent.created", &abandoned))
            .await;
        scene.happens("payment_intent.succeeded").await;
        let service = scene.service().await;
        scene
            .comes(&scene.event_of("payment_intent.canceled", &abandoned))
            .await;
        assert_eq!(scene.service().await, service);
        assert_eq!(service["estado_pago"], "pagado");
        assert_eq!(scene.audit().await, ["servicio.pagado"]);
        scene.is_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn another_currency_than_the_price_is_told() {
    in_both_shapes(async |scene| {
        let dollars = json!({ "currency": "usd" });
        let object = scene.happens_with("payment_intent.succeeded", dollars).await;
        assert_eq!(scene.kept("payments", &object).await["currency"], "USD");
        let cause = format!("pago-distinto:{}", object["id"].as_str().unwrap());
        let detail = scene.alert(&cause).await;
        assert!(detail.contains("cuesta 1500.00 MXN"), "{detail}");
        assert!(detail.contains("fue de 1500.00 USD"), "{detail}");
        scene.told_team();
    })
    .await;
}

#[tokio::test]
async fn a_payment_whose_service_appears_later_is_credited_when_it_is_replayed() {
    in_both_shapes(async |scene| {
        let id = scene.story.service;
        scene.run("delete from servicios").await;
        let event = scene.event("payment_intent.succeeded");
        let reason = scene.is_parked(&event).await;
        assert!(reason.starts_with("unmatched"), "{reason}");
        let payment = event["data"]["object"]["id"].as_str().unwrap();
        assert_eq!(scene.alerts().await, [format!("pago-sin-servicio:{payment}")]);
        let insert = format!(
            "insert into servicios (id, descripcion, monto) values ('{id}', 'Cambio de aceite', 1500)"
        );
        sqlx::query(AssertSqlSafe(insert))
            .execute(&scene.app.pool)
            .await
            .unwrap();
        scene
            .run("update webhooks.events set state = 'pending', run_at = received_at, attempts = 0")
            .await;
        scene
            .app
            .until("it is processed", || async {
                scene.app.state(&event).await.0 == "processed"
            })
            .await;
        assert_eq!(scene.service().await["estado_pago"], "pagado");
        assert_eq!(scene.service().await["pagado_en"], time(scene.began));
        assert_eq!(scene.alerts().await, [""; 0], "its alarm is over");
    })
    .await;
}

/// A subscription's payment of today names no invoice: Stripe is asked, and nobody is alarmed before it answers.
#[tokio::test]
async fn stripe_is_asked_which_invoice_a_payment_paid() {
    in_both_shapes(async |scene| {
        scene.story.sample.service_id = None;
        scene.happens("customer.subscription.created").await;
        scene
            .app
            .stripe
            .put(scene.event("invoice_payment.paid")["data"]["object"].clone());
        let object = &scene.happens("payment_intent.succeeded").await["data"]["object"];
        let asked = scene.app.stripe.asked();
        let question = asked
            .iter()
            .find(|path| path.starts_with("/v1/invoice_payments?"));
        assert!(
            question.unwrap().contains(object["id"].as_str().unwrap()),
            "{asked:?}"
        );
        let kept = scene.kept("payments", object).await;
        assert_eq!(kept["invoice_id"], json!(scene.story.sample.invoice_id));
        scene.is_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_payment_of_a_subscriber_that_pays_no_invoice_is_told_after_the_answer() {
    in_both_shapes(async |scene| {
        scene.story.sample.service_id = None;
        scene.happens("customer.subscription.created").await;
        let object = &scene.happens("payment_intent.succeeded").await["data"]["object"];
        let cause = format!("pago-sin-servicio:{}", object["id"].as_str().unwrap());
        assert_eq!(scene.alerts().await, [cause]);
        assert_eq!(scene.told_team().subject, "[OnlyCar] Llegó un pago sin servicio");
    })
    .await;
}

#[tokio::test]
async fn a_failed_payment_of_a_known_client_without_a_service_is_told_as_what_it_is() {
    in_both_shapes(async |scene| {
        scene.story.sample.service_id = None;
        let object = &scene.happens("payment_intent.payment_failed").await["data"]["object"];
        assert_eq!(scene.kept("payments", object).await["servicio_id"], Value::Null);
        let mail = scene.told_client();
        assert!(mail.text.contains("No pudimos cobrar tu pago."), "{}", mail.text);
        assert!(!mail.text.contains("suscripción"), "{}", mail.text);
    })
    .await;
}

#[tokio::test]
async fn a_second_decline_with_another_reason_is_noted_audited_and_told() {
    in_both_shapes(async |scene| {
        scene.happens("payment_intent.payment_failed").await;
        let mut second = scene.event("payment_intent.payment_failed");
        second["data"]["object"]["latest_charge"] = json!("ch_second");
        second["data"]["object"]["last_payment_error"]["decline_code"] = json!("expired_card");
        scene.comes(&second).await;
        let noted = scene.service().await["ultimo_error_pago"].clone();
        assert!(noted.as_str().unwrap().starts_with("expired_card"), "{noted}");
        let actions = ["servicio.pago_fallido", "servicio.pago_fallido"];
        assert_eq!(scene.audit().await, actions);
        assert_eq!(scene.mailed().len(), 2);
        assert!(scene.told_client().text.contains("está vencida"));
    })
    .await;
}

#[tokio::test]
async fn a_payment_that_was_given_back_and_made_again_is_paid() {
    in_both_shapes(async |scene| {
        scene.happens("payment_intent.succeeded").await;
        scene.happens("refund.created").await;
        assert_eq!(scene.service().await["estado_pago"], "reembolsado");
        scene.app.advance(TimeDelta::hours(1));
        let again = another(scene, "pi_again");
        scene
            .comes(&scene.event_of("payment_intent.succeeded", &again))
            .await;
        let service = scene.service().await;
        assert_eq!(service["estado_pago"], "pagado");
        assert_eq!(service["stripe_payment_intent_id"], "pi_again");
        assert_eq!(service["estado_factura"], Value::Null);
        assert_eq!(scene.alerts().await, [""; 0]);
    })
    .await;
}

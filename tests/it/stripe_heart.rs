//! The four events of the first spec document, from the bytes on the wire to the rows, the audit and the mail.

use chrono::TimeDelta;
use onlycar::dev::stripe;
use serde_json::{Value, json};

use crate::support::{Story, TestApp};

#[tokio::test]
async fn a_payment_marks_its_service_as_paid() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    app.handle(&event).await;

    let service = app.row("servicios", story.service).await;
    assert_eq!(service["estado_pago"], "pagado");
    assert_eq!(service["canal_pago"], "stripe");
    assert_eq!(service["stripe_payment_intent_id"], event["data"]["object"]["id"]);
    assert_eq!(
        app.amount("servicios", "monto_pagado", story.service).await,
        "1500.00"
    );
    assert_eq!(service["pagado_en"], "2026-11-22T18:00:00+00:00");
    let paid = (
        "stripe".to_owned(),
        "servicio.pagado".to_owned(),
        story.service.to_string(),
    );
    assert_eq!(app.audit().await, [paid]);
    assert_eq!(app.state(&event).await, ("processed".to_owned(), None));
    app.finish().await;
}

#[tokio::test]
async fn a_payment_in_the_shape_of_an_old_version_does_the_same() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    app.handle(&stripe::old_shape(
        story.event("payment_intent.succeeded", app.now()),
    ))
    .await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    app.finish().await;
}

#[tokio::test]
async fn a_declined_card_is_noted_and_the_client_told() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    app.handle(&story.event("payment_intent.payment_failed", app.now()))
        .await;

    let service = app.row("servicios", story.service).await;
    assert_eq!(service["estado_pago"], "fallido");
    assert!(
        service["ultimo_error_pago"]
            .as_str()
            .unwrap()
            .starts_with("insufficient_funds: ")
    );
    let mails = app.mails(1).await;
    assert_eq!(mails[0].to, ["ana@example.com"]);
    assert_eq!(mails[0].subject, "No pudimos cobrar tu pago en OnlyCar");
    assert!(
        mails[0].text.contains("$1500.00 MXN por Cambio de aceite"),
        "{}",
        mails[0].text
    );
    assert!(
        mails[0].text.contains("no tiene fondos suficientes"),
        "{}",
        mails[0].text
    );
    app.finish().await;
}

#[tokio::test]
async fn a_declined_card_of_somebody_unknown_is_noted_and_the_team_told() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let forget =
        "with one as (update servicios set cliente_id = null) update clientes set stripe_customer_id = null";
    sqlx::query(forget).execute(&app.pool).await.unwrap();
    let event = story.event("payment_intent.payment_failed", app.now());
    app.handle(&event).await;
    assert_eq!(
        app.row("servicios", story.service).await["estado_pago"],
        "fallido"
    );
    assert_eq!(app.state(&event).await.0, "parked");
    assert_eq!(app.mails(1).await[0].to, ["equipo@onlycar.example"]);
    app.finish().await;
}

#[tokio::test]
async fn a_paid_invoice_renews_its_contract() {
    for old in [false, true] {
        let app = TestApp::start().await;
        let story = Story::create(&app.pool).await;
        let event = story.event("invoice.payment_succeeded", app.now());
        app.handle(&if old { stripe::old_shape(event) } else { event })
            .await;

        let contract = app.row("contratos_b2b", story.contract).await;
        assert_eq!(contract["servicios_disponibles"], 10, "old: {old}");
        assert_eq!(
            app.amount("contratos_b2b", "ultimo_pago_monto", story.contract)
                .await,
            "1500.00"
        );
        assert_eq!(contract["ultimo_pago_en"], "2026-11-22T18:00:00+00:00");
        assert!(
            contract["proximo_cobro_en"].as_str().unwrap() > "2026-12-20",
            "{contract}"
        );
        app.finish().await;
    }
}

#[tokio::test]
async fn the_twin_of_a_paid_invoice_does_not_renew_again() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let first = story.event("invoice.payment_succeeded", app.now());
    app.handle(&first).await;
    sqlx::query("update contratos_b2b set servicios_disponibles = 3")
        .execute(&app.pool)
        .await
        .unwrap();
    let mut twin = first.clone();
    twin["id"] = json!("evt_the_twin");
    app.handle(&twin).await;
    assert_eq!(
        app.row("contratos_b2b", story.contract).await["servicios_disponibles"],
        3
    );
    app.finish().await;
}

#[tokio::test]
async fn a_payment_parked_for_want_of_a_contract_counts_once_the_contract_is_there() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let mut event = story.event("invoice.payment_succeeded", app.now());
    event["data"]["object"]["parent"]["subscription_details"]["subscription"] = json!("sub_unknown");
    event["data"]["object"]["parent"]["subscription_details"]["metadata"] = json!({});
    app.handle(&event).await;
    assert_eq!(app.state(&event).await.0, "parked");
    app.mails(1).await;
    sqlx::query("update contratos_b2b set stripe_subscription_id = 'sub_unknown'")
        .execute(&app.pool)
        .await
        .unwrap();
    sqlx::query("update webhooks.events set state = 'pending', run_at = received_at")
        .execute(&app.pool)
        .await
        .unwrap();
    app.until("it is processed", || async {
        app.state(&event).await.0 == "processed"
    })
    .await;
    assert_eq!(
        app.row("contratos_b2b", story.contract).await["servicios_disponibles"],
        10
    );
    app.finish().await;
}

#[tokio::test]
async fn an_ended_subscription_makes_its_contract_inactive_and_tells_the_team() {
    for old in [false, true] {
        let app = TestApp::start().await;
        let story = Story::create(&app.pool).await;
        let event = story.event("customer.subscription.deleted", app.now());
        app.handle(&if old { stripe::old_shape(event) } else { event })
            .await;

        let contract = app.row("contratos_b2b", story.contract).await;
        assert_eq!(contract["estado"], "inactivo", "old: {old}");
        assert!(contract["cancelado_en"].is_string());
        let mails = app.mails(1).await;
        assert_eq!(mails[0].to, ["equipo@onlycar.example"]);
        assert!(
            mails[0].text.contains(&story.contract.to_string()),
            "{}",
            mails[0].text
        );
        app.finish().await;
    }
}

#[tokio::test]
async fn a_contract_without_subscription_is_found_by_metadata() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    sqlx::query("update contratos_b2b set stripe_subscription_id = null")
        .execute(&app.pool)
        .await
        .unwrap();
    app.handle(&story.event("invoice.payment_succeeded", app.now()))
        .await;
    let contract = app.row("contratos_b2b", story.contract).await;
    assert_eq!(
        contract["stripe_subscription_id"],
        json!(story.sample.subscription_id)
    );
    assert_eq!(contract["servicios_disponibles"], 10);
    app.finish().await;
}

#[tokio::test]
async fn a_failure_that_comes_after_the_success_changes_nothing() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    app.handle(&story.event_of_payment("payment_intent.succeeded", "pi_1", app.now()))
        .await;
    let before = app.row("servicios", story.service).await;
    let late = story.event_of_payment(
        "payment_intent.payment_failed",
        "pi_1",
        app.now() - TimeDelta::minutes(5),
    );
    app.handle(&late).await;
    assert_eq!(app.row("servicios", story.service).await, before);
    assert_eq!(app.mail.messages().len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn an_older_invoice_that_comes_late_does_not_set_the_contract_back() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    app.handle(&story.event("invoice.payment_succeeded", app.now()))
        .await;
    let before = app.row("contratos_b2b", story.contract).await;
    app.handle(&story.event("invoice.payment_succeeded", app.now() - TimeDelta::days(31)))
        .await;
    assert_eq!(app.row("contratos_b2b", story.contract).await, before);
    app.finish().await;
}

#[tokio::test]
async fn a_hundred_copies_at_once_have_one_effect() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let body = stripe::body(&story.event("payment_intent.succeeded", app.now()));
    let answers = futures_util::future::join_all((0..100).map(|_| async {
        let answer = app.post_signed(body.clone()).await;
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()
    }))
    .await;
    let new = answers
        .iter()
        .filter(|answer| **answer == json!({ "received": true }))
        .count();
    let again = answers
        .iter()
        .filter(|answer| **answer == json!({ "received": true, "duplicate": true }))
        .count();
    assert_eq!((new, again), (1, 99));
    app.drain().await;
    assert_eq!(app.one::<i64>("select count(*) from webhooks.events").await, 1);
    assert_eq!(app.audit().await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_payment_without_a_service_is_kept_parked_and_alerts() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let mut event = story.event("payment_intent.succeeded", app.now());
    event["data"]["object"]["metadata"] = json!({ "service_id": "not an id" });
    app.handle(&event).await;
    assert_eq!(app.state(&event).await.0, "parked");
    let payment = event["data"]["object"]["id"].as_str().unwrap();
    assert_eq!(app.row("stripe.payments", payment).await["status"], "succeeded");
    let mails = app.mails(1).await;
    assert!(mails[0].text.contains(payment), "{}", mails[0].text);
    app.finish().await;
}

#[tokio::test]
async fn a_second_payment_for_a_paid_service_is_never_credited() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    app.handle(&story.event("payment_intent.succeeded", app.now()))
        .await;
    let before = app.row("servicios", story.service).await;
    app.advance(TimeDelta::seconds(1));
    let second = story.event("payment_intent.succeeded", app.now());
    app.handle(&second).await;
    assert_eq!(app.row("servicios", story.service).await, before);
    assert_eq!(app.state(&second).await.0, "parked");
    assert!(app.mails(1).await[0].subject.contains("se pagó dos veces"));
    app.finish().await;
}

#[tokio::test]
async fn another_amount_than_the_price_is_kept_and_told() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let mut event = story.event("payment_intent.succeeded", app.now());
    event["data"]["object"]["amount_received"] = json!(99_900);
    app.handle(&event).await;
    assert_eq!(
        app.amount("servicios", "monto_pagado", story.service).await,
        "999.00"
    );
    assert!(app.mails(1).await[0].text.contains("cuesta 1500.00 MXN"));
    app.finish().await;
}

#[tokio::test]
async fn a_test_event_moves_nothing_when_the_key_is_live() {
    let live: Vec<(&str, &str)> = crate::support::app::PRODUCTION.to_vec();
    let app = TestApp::with(&live).await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    app.handle(&event).await;
    assert_eq!(app.state(&event).await.0, "parked");
    assert_eq!(
        app.row("servicios", story.service).await["estado_pago"],
        "pendiente"
    );
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_type_is_kept_as_ignored() {
    let app = TestApp::start().await;
    let mut event = Story::create(&app.pool)
        .await
        .event("charge.succeeded", app.now());
    event["type"] = json!("plan.created");
    app.handle(&event).await;
    assert_eq!(app.state(&event).await.0, "ignored");
    app.finish().await;
}

#[tokio::test]
async fn a_thin_event_makes_us_ask_for_its_object() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let mut event = story.event("payment_intent.succeeded", app.now());
    let payment = event["data"]["object"].take();
    app.stripe.put(payment.clone());
    let thin = json!({
        "id": "evt_65ThinThinThin", "object": "v2.core.event", "type": "v1.payment_intent.succeeded",
        "livemode": false, "created": "2026-11-22T17:59:58.000Z",
        "related_object": { "id": payment["id"], "type": "payment_intent", "url": "/v1/payment_intents/pi_1" },
    });
    app.handle(&thin).await;
    assert_eq!(app.state(&thin).await.0, "processed");
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    assert_eq!(
        app.one::<String>("select occurred_at::text from webhooks.events")
            .await,
        "2026-11-22 17:59:58+00"
    );
    app.finish().await;
}

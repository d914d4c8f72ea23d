//! The invoices of subscriptions, and which payment paid which.

use onlycar::dev::stripe::Sample;
use serde_json::{Value, json};

use super::in_both_shapes;
use super::scene::{Scene, says, time, with};

super::cases! {
    "invoice.created" => a_draft_is_kept,
    "invoice.finalized" => a_final_invoice_is_kept,
    "invoice.finalization_failed" => an_invoice_that_stripe_cannot_finish_is_told_to_the_team,
    "invoice.paid" => a_paid_invoice_renews_its_contract_and_makes_a_payment,
    "invoice.payment_succeeded" => the_twin_of_a_paid_invoice_does_the_same_once,
    "invoice.payment_failed" => an_invoice_that_cannot_be_charged_is_told_to_the_client,
    "invoice.payment_action_required" => an_invoice_that_waits_for_the_client_sends_the_link,
    "invoice.marked_uncollectible" => an_invoice_that_was_given_up_is_still_owed,
    "invoice.voided" => nobody_owes_a_voided_invoice,
    "invoice_payment.paid" => which_payment_paid_which_invoice_is_kept,
}

/// The row of an invoice that was made final and not tried. Only old shapes tell its payment.
fn finalized(scene: &Scene, object: &Value) -> Value {
    json!({
        "id": scene.story.sample.invoice_id,
        "subscription_id": scene.story.sample.subscription_id,
        "contrato_id": scene.story.contract,
        "customer_id": scene.story.sample.customer_id,
        "number": object["number"],
        "status": "open",
        "billing_reason": "subscription_cycle",
        "amount_due": 1500.0,
        "amount_paid": 0.0,
        "amount_remaining": 1500.0,
        "currency": "MXN",
        "attempt_count": 0,
        "next_payment_attempt": null,
        "period_end": "2026-12-22T18:00:00+00:00",
        "due_at": null,
        "finalized_at": time(scene.began),
        "paid_at": null,
        "hosted_invoice_url": object["hosted_invoice_url"],
        "failure_code": null,
        "payment_intent_id": object["payment_intent"],
        "charge_id": object["charge"],
        "livemode": false,
        "created_at": time(scene.began),
    })
}

fn draft(scene: &Scene, object: &Value) -> Value {
    with(
        finalized(scene, object),
        json!({ "status": "draft", "finalized_at": null, "hosted_invoice_url": null, "number": null }),
    )
}

fn page(object: &Value, label: &str) -> String {
    format!("{label}: {}", object["hosted_invoice_url"].as_str().unwrap())
}

/// Only the subscription's side of the story: the payment names no service.
fn without_service(scene: &mut Scene) {
    scene.story.sample.service_id = None;
}

async fn a_draft_is_kept(scene: &Scene) {
    let object = &scene.happens("invoice.created").await["data"]["object"];
    assert_eq!(scene.kept("invoices", object).await, draft(scene, object));
    assert_eq!(scene.contract().await["estado"], "activo");
    scene.is_quiet().await;
}

async fn a_final_invoice_is_kept(scene: &Scene) {
    scene.happens("invoice.created").await;
    let object = &scene.happens("invoice.finalized").await["data"]["object"];
    assert_eq!(scene.kept("invoices", object).await, finalized(scene, object));
    assert_eq!(scene.contract().await["estado"], "activo", "it was not tried yet");
    scene.is_quiet().await;
}

async fn an_invoice_that_stripe_cannot_finish_is_told_to_the_team(scene: &Scene) {
    let object = &scene.happens("invoice.finalization_failed").await["data"]["object"];
    let stuck = json!({ "failure_code": "customer_tax_location_invalid" });
    assert_eq!(
        scene.kept("invoices", object).await,
        with(draft(scene, object), stuck)
    );
    let cause = format!("factura-stripe-detenida:{}", object["id"].as_str().unwrap());
    assert!(
        scene
            .alert(&cause)
            .await
            .contains("customer_tax_location_invalid")
    );
    let mail = scene.told_team();
    assert_eq!(
        mail.subject,
        "[OnlyCar] Stripe no pudo cerrar la factura de una suscripción"
    );
    assert!(mail.text.contains("no se cobrará sola"), "{}", mail.text);
}

fn paid(scene: &Scene, object: &Value) -> Value {
    let paid = json!({
        "status": "paid",
        "attempt_count": 1,
        "amount_paid": 1500.0,
        "amount_remaining": 0.0,
        "paid_at": time(scene.began),
        // Today's shape does not tell; what was learnt elsewhere is in its own table.
        "payment_intent_id": object["payment_intent"],
    });
    with(finalized(scene, object), paid)
}

/// Stripe can be asked which payment it was.
fn stripe_knows(scene: &Scene) {
    let link = scene.event("invoice_payment.paid")["data"]["object"].clone();
    scene.app.stripe.put(link);
}

async fn a_paid_invoice_renews_its_contract_and_makes_a_payment(scene: &mut Scene) {
    without_service(scene);
    stripe_knows(scene);
    let object = &scene.happens("invoice.paid").await["data"]["object"];
    assert_eq!(scene.kept("invoices", object).await, paid(scene, object));
    let contract = scene.contract().await;
    assert_eq!(contract["servicios_disponibles"], 10);
    assert_eq!(contract["ultimo_pago_en"], time(scene.began));
    assert_eq!(contract["ultimo_pago_monto"], 1500.0);
    assert_eq!(contract["ultima_factura_stripe"], object["id"]);
    assert_eq!(contract["proximo_cobro_en"], "2026-12-22T18:00:00+00:00");
    assert_eq!(
        scene.audit().await,
        ["contrato.pago_registrado", "contrato.periodo_renovado"]
    );
    let payment = scene.story.sample.payment_intent_id.as_ref().unwrap();
    let made = scene.app.row("stripe.payments", payment).await;
    assert_eq!(made["status"], "succeeded");
    assert_eq!(made["invoice_id"], object["id"]);
    assert_eq!(made["amount_received"], 1500.0);
    assert_eq!(made["currency"], "MXN");
    assert_eq!(made["paid_at"], time(scene.began));
    assert_eq!(made["customer_id"], json!(scene.story.sample.customer_id));
    scene.is_quiet().await;
}

async fn the_twin_of_a_paid_invoice_does_the_same_once(scene: &mut Scene) {
    without_service(scene);
    stripe_knows(scene);
    let object = &scene.happens("invoice.payment_succeeded").await["data"]["object"];
    assert_eq!(scene.kept("invoices", object).await, paid(scene, object));
    scene
        .run("update contratos_b2b set servicios_disponibles = 3")
        .await;
    scene
        .happens_with(
            "invoice.paid",
            json!({ "status_transitions": object["status_transitions"] }),
        )
        .await;
    let contract = scene.contract().await;
    assert_eq!(contract["servicios_disponibles"], 3);
    assert_eq!(contract["ultimo_pago_en"], time(scene.began));
    assert_eq!(
        scene.audit().await,
        ["contrato.pago_registrado", "contrato.periodo_renovado"]
    );
    scene.is_quiet().await;
}

async fn an_invoice_that_cannot_be_charged_is_told_to_the_client(scene: &Scene) {
    let object = &scene.happens("invoice.payment_failed").await["data"]["object"];
    let tried = json!({ "attempt_count": 1, "next_payment_attempt": "2026-11-25T18:00:00+00:00" });
    assert_eq!(
        scene.kept("invoices", object).await,
        with(finalized(scene, object), tried)
    );
    assert_eq!(scene.contract().await["estado"], "moroso");
    assert_eq!(scene.audit().await, ["contrato.moroso"]);
    let mail = scene.told_client();
    assert_eq!(mail.subject, "No pudimos cobrar tu suscripción de OnlyCar");
    let amount = "No pudimos cobrar $1500.00 MXN de tu suscripción.";
    let again = "Lo intentaremos de nuevo el 25/11/2026.";
    says(&mail, &[amount, again, &page(object, "Pagar la factura")]);

    // The next try, the last one, is told too; and the contract is in order again once it is paid.
    let last = json!({ "attempt_count": 2, "next_payment_attempt": null });
    scene.happens_with("invoice.payment_failed", last).await;
    assert_eq!(scene.mailed().len(), 2);
    says(&scene.told_client(), &["No habrá otro intento automático."]);
    scene.happens("invoice.paid").await;
    assert_eq!(scene.contract().await["estado"], "activo");
    assert_eq!(scene.contract().await["servicios_disponibles"], 10);
    assert_eq!(scene.alerts().await, [""; 0]);
}

async fn an_invoice_that_waits_for_the_client_sends_the_link(scene: &Scene) {
    let object = &scene.happens("invoice.payment_action_required").await["data"]["object"];
    let tried = json!({ "attempt_count": 1 });
    assert_eq!(
        scene.kept("invoices", object).await,
        with(finalized(scene, object), tried)
    );
    let mail = scene.told_client();
    assert_eq!(mail.subject, "Confirma el pago de tu suscripción de OnlyCar");
    let why = "Tu banco pide que confirmes el pago de $1500.00 MXN de tu suscripción.";
    says(&mail, &[why, &page(object, "Confirmar el pago")]);
    assert_eq!(scene.alerts().await, [""; 0]);
}

async fn an_invoice_that_was_given_up_is_still_owed(scene: &Scene) {
    scene.happens("invoice.payment_failed").await;
    let object = &scene.happens("invoice.marked_uncollectible").await["data"]["object"];
    let given_up = json!({ "status": "uncollectible", "attempt_count": 1 });
    assert_eq!(
        scene.kept("invoices", object).await,
        with(finalized(scene, object), given_up)
    );
    assert_eq!(scene.contract().await["estado"], "moroso");
    assert_eq!(scene.mailed().len(), 1);
}

async fn nobody_owes_a_voided_invoice(scene: &Scene) {
    scene.happens("invoice.payment_failed").await;
    assert_eq!(scene.contract().await["estado"], "moroso");
    let object = &scene.happens("invoice.voided").await["data"]["object"];
    let voided = json!({ "status": "void", "attempt_count": 1 });
    assert_eq!(
        scene.kept("invoices", object).await,
        with(finalized(scene, object), voided)
    );
    assert_eq!(scene.contract().await["estado"], "activo");
    assert_eq!(scene.audit().await, ["contrato.moroso", "contrato.al_corriente"]);
    assert_eq!(scene.mailed().len(), 1);
}

/// Since basil this event is what tells that a payment is a subscription's.
async fn which_payment_paid_which_invoice_is_kept(scene: &mut Scene) {
    without_service(scene);
    scene.happens("customer.subscription.created").await;
    let payment = scene.happens("payment_intent.succeeded").await;
    let payment = &payment["data"]["object"];
    let cause = format!("pago-sin-servicio:{}", payment["id"].as_str().unwrap());
    assert_eq!(
        scene.alerts().await,
        [cause],
        "Stripe was asked and did not know it yet"
    );
    let object = &scene.happens("invoice_payment.paid").await["data"]["object"];
    let expected = json!({
        "id": object["id"],
        "invoice_id": scene.story.sample.invoice_id,
        "payment_intent_id": payment["id"],
        "charge_id": null,
        "status": "paid",
        "amount_paid": 1500.0,
        "currency": "MXN",
        "is_default": true,
        "created_at": time(scene.began),
    });
    assert_eq!(scene.kept("invoice_payments", object).await, expected);
    let kept = scene.kept("payments", payment).await;
    assert_eq!(kept["invoice_id"], json!(scene.story.sample.invoice_id));
    assert_eq!(kept["servicio_id"], Value::Null);
    assert_eq!(scene.alerts().await, [""; 0]);
}

/// A charge that failed because the bank wants to see the client has two events, with the same content at once.
#[tokio::test]
async fn two_events_of_one_failure_are_each_told_in_any_order() {
    let kinds = ["invoice.payment_failed", "invoice.payment_action_required"];
    for first in 0..2 {
        in_both_shapes(async |scene| {
            let one = scene.event(kinds[first]);
            let mut other = one.clone();
            other["id"] = json!("evt_the_other");
            other["type"] = json!(kinds[1 - first]);
            scene.app.handle(&one).await;
            scene.app.handle(&other).await;
            let mut subjects: Vec<String> = scene.mailed().into_iter().map(|(_, subject)| subject).collect();
            subjects.sort();
            let both = [
                "Confirma el pago de tu suscripción de OnlyCar",
                "No pudimos cobrar tu suscripción de OnlyCar",
            ];
            assert_eq!(subjects, both);
        })
        .await;
    }
}

#[tokio::test]
async fn a_change_in_the_middle_of_a_period_gives_no_new_services() {
    in_both_shapes(async |scene| {
        scene.happens("invoice.paid").await;
        scene.run("update contratos_b2b set servicios_disponibles = 3").await;
        let began = scene.contract().await["ultima_factura_stripe"].clone();
        for reason in ["subscription_update", "subscription_threshold", "manual"] {
            let changes = json!({
                "id": format!("in_{reason}"), "billing_reason": reason, "amount_paid": 20_000, "amount_due": 20_000,
            });
            scene.happens_with("invoice.paid", changes).await;
            let contract = scene.contract().await;
            assert_eq!(contract["servicios_disponibles"], 3, "{reason}");
            assert_eq!(contract["ultimo_pago_monto"], 200.0, "it is a payment all the same");
            assert_eq!(contract["ultima_factura_stripe"], began);
        }
        let next = Sample {
            invoice_id: Some("in_the_next".to_owned()),
            created: Some(scene.began + chrono::TimeDelta::days(30)),
            ..scene.story.sample.clone()
        };
        scene.app.advance(chrono::TimeDelta::days(30));
        scene.comes(&scene.event_of("invoice.paid", &next)).await;
        assert_eq!(scene.contract().await["servicios_disponibles"], 10);
    })
    .await;
}

#[tokio::test]
async fn an_invoice_of_nothing_begins_a_trial_and_is_no_payment() {
    in_both_shapes(async |scene| {
        let nothing = json!({
            "billing_reason": "subscription_create", "amount_due": 0, "amount_paid": 0, "total": 0,
        });
        let object = scene.happens_with("invoice.paid", nothing).await;
        let kept = scene.kept("invoices", &object).await;
        assert_eq!(kept["status"], "paid");
        assert_eq!(kept["amount_paid"], 0.0);
        let contract = scene.contract().await;
        assert_eq!(contract["servicios_disponibles"], 10);
        assert_eq!(contract["ultimo_pago_en"], Value::Null);
        assert_eq!(contract["ultimo_pago_monto"], Value::Null);
        assert_eq!(scene.audit().await, ["contrato.periodo_renovado"]);
        let asked = scene.app.stripe.asked();
        assert!(
            !asked.iter().any(|path| path.contains("invoice_payments")),
            "{asked:?}"
        );
        scene.is_quiet().await;
    })
    .await;
}

/// Since basil an invoice can be paid in parts.
#[tokio::test]
async fn what_is_left_of_an_invoice_paid_in_parts_is_asked_for() {
    in_both_shapes(async |scene| {
        let part = json!({ "amount_paid": 50_000, "amount_remaining": 100_000 });
        let object = scene.happens_with("invoice.payment_failed", part).await;
        let kept = scene.kept("invoices", &object).await;
        assert_eq!(
            (&kept["status"], &kept["amount_paid"]),
            (&json!("open"), &json!(500.0))
        );
        assert_eq!(kept["paid_at"], Value::Null);
        assert_eq!(scene.contract().await["estado"], "moroso");
        assert_eq!(scene.contract().await["servicios_disponibles"], 1);
        says(
            &scene.told_client(),
            &["No pudimos cobrar $1000.00 MXN de tu suscripción."],
        );
    })
    .await;
}

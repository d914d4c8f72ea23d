//! When a contract is in force: signed at Mifiel and, a subscription, paid at Stripe, in either order.

use chrono::TimeDelta;
use onlycar::dev::mifiel::{Delivery, Event};
use onlycar::dev::stripe::Sample;
use serde_json::Value;

use crate::support::signing::Signing;

/// Stripe tells something about the subscription.
async fn stripe(signing: &Signing, kind: &str) -> Value {
    let event = signing.story.event(kind, signing.app.now());
    signing.app.handle(&event).await;
    let (state, why) = signing.app.state(&event).await;
    assert_eq!(state, "processed", "{kind}: {why:?}");
    signing.app.advance(TimeDelta::seconds(1));
    event
}

/// What Stripe tells from now on is about the next period.
fn next_invoice(signing: &mut Signing) {
    let sample = Sample {
        payment_intent_id: None,
        invoice_id: None,
        ..signing.story.sample.clone()
    };
    signing.story.sample = sample.one_story();
    signing.app.advance(TimeDelta::days(10));
}

async fn actions(signing: &Signing) -> Vec<String> {
    let sql = "select accion from logs_auditoria where recurso_tipo = 'contratos_b2b' order by id";
    sqlx::query_scalar(sql)
        .fetch_all(&signing.app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_subscription_is_in_force_when_it_is_signed_and_then_paid() {
    let signing = Signing::open().await;
    let sent = signing.send().await;
    signing.sign(&sent).await;
    assert_eq!(signing.standing().await, "pendiente_firma", "nobody paid");
    assert!(!actions(&signing).await.contains(&"contrato.activado".to_owned()));
    stripe(&signing, "invoice.paid").await;
    assert_eq!(signing.standing().await, "activo");
    let actions = actions(&signing).await;
    let activated = actions.iter().filter(|action| *action == "contrato.activado");
    assert_eq!(activated.count(), 1, "{actions:?}");
    signing.app.finish().await;
}

#[tokio::test]
async fn a_subscription_is_in_force_when_it_is_paid_and_then_signed() {
    let signing = Signing::open().await;
    stripe(&signing, "invoice.paid").await;
    assert_eq!(signing.standing().await, "pendiente_firma", "nobody signed");
    let sent = signing.send().await;
    assert_eq!(signing.standing().await, "pendiente_firma");
    signing.sign(&sent).await;
    assert_eq!(signing.standing().await, "activo");
    // Neither comes twice.
    signing.tell(Event::DocumentClosed, &sent).await;
    stripe(&signing, "invoice.payment_succeeded").await;
    assert_eq!(signing.standing().await, "activo");
    signing.app.finish().await;
}

#[tokio::test]
async fn both_at_the_same_time_leave_it_in_force() {
    for _ in 0..3 {
        let signing = Signing::open().await;
        let sent = signing.send().await;
        signing.app.mifiel.sign_all(&sent.id).unwrap();
        let paid = signing.story.event("invoice.paid", signing.app.now());
        let closed = signing
            .app
            .mifiel
            .deliver(Event::DocumentClosed, &sent.id, Delivery::default());
        let (closed, ()) = tokio::join!(closed, signing.app.send(&paid));
        assert_eq!(closed.unwrap()[0].status, 200);
        signing.app.drain().await;
        assert_eq!(signing.standing().await, "activo");
        signing.app.finish().await;
    }
}

#[tokio::test]
async fn a_single_service_is_in_force_when_it_is_signed() {
    let signing = Signing::open().await;
    signing
        .run("update contratos_b2b set tipo = 'servicio_unico', stripe_subscription_id = null")
        .await;
    let sent = signing.send().await;
    signing.sign(&sent).await;
    assert_eq!(signing.standing().await, "activo");
    signing.app.finish().await;
}

#[tokio::test]
async fn what_is_paid_and_not_signed_waits_also_when_it_falls_behind() {
    let mut signing = Signing::open().await;
    stripe(&signing, "invoice.paid").await;
    let sent = signing.send().await;
    next_invoice(&mut signing);
    stripe(&signing, "invoice.payment_failed").await;
    assert_eq!(signing.standing().await, "pendiente_firma");
    // Signed now, it is in force, and behind.
    signing.sign(&sent).await;
    assert_eq!(signing.standing().await, "moroso");
    assert!(actions(&signing).await.contains(&"contrato.moroso".to_owned()));
    stripe(&signing, "invoice.paid").await;
    assert_eq!(signing.standing().await, "activo");
    signing.app.finish().await;
}

#[tokio::test]
async fn what_is_over_stays_over_whoever_signs() {
    let signing = Signing::open().await;
    stripe(&signing, "invoice.paid").await;
    let sent = signing.send().await;
    stripe(&signing, "customer.subscription.deleted").await;
    assert_eq!(signing.standing().await, "inactivo");
    signing.sign(&sent).await;
    assert_eq!(signing.state(&sent).await, "firmado");
    assert_eq!(signing.standing().await, "inactivo");
    let refused = signing.place().await.unwrap_err().to_string();
    assert!(refused.contains("inactivo"), "{refused}");
    signing.app.finish().await;
}

#[tokio::test]
async fn a_declined_contract_waits_again_when_another_is_sent() {
    let mut signing = Signing::open().await;
    stripe(&signing, "invoice.paid").await;
    let first = signing.send().await;
    signing.decline(&first).await;
    assert_eq!(signing.standing().await, "rechazado");
    let cause = format!("contrato-sin-firma:{}", signing.story.contract);
    assert_eq!(signing.alerts().await, [cause]);
    // Money does not make up for the signature.
    next_invoice(&mut signing);
    stripe(&signing, "invoice.paid").await;
    assert_eq!(signing.standing().await, "rechazado");

    let second = signing.send().await;
    assert_eq!(signing.standing().await, "pendiente_firma");
    assert!(signing.alerts().await.is_empty());
    signing.sign(&second).await;
    assert_eq!(signing.standing().await, "activo");
    assert_eq!(signing.state(&first).await, "rechazado");
    signing.app.finish().await;
}

#[tokio::test]
async fn whoever_declined_and_signs_later_has_signed() {
    let signing = Signing::open().await;
    stripe(&signing, "invoice.paid").await;
    let sent = signing.send().await;
    signing.decline(&sent).await;
    assert_eq!(signing.standing().await, "rechazado");
    signing.sign(&sent).await;
    assert_eq!(signing.standing().await, "activo");
    assert!(signing.alerts().await.is_empty());
    let row = signing.row(sent.row).await;
    assert_eq!(row["rechazado_en"], Value::Null);
    signing.app.finish().await;
}

#[tokio::test]
async fn a_contract_in_force_stays_so_while_its_renewal_waits() {
    let signing = Signing::open().await;
    signing.run("update contratos_b2b set estado = 'activo'").await;
    let sent = signing.send().await;
    assert_eq!(signing.standing().await, "activo");
    signing.decline(&sent).await;
    assert_eq!(signing.standing().await, "activo");
    signing.app.finish().await;
}

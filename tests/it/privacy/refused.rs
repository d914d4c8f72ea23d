//! What stands against it: as long as something needs the person, nothing is removed.

use onlycar::privacy::Outcome;
use serde_json::Value;
use uuid::Uuid;

use super::{Known, erase, found};
use crate::support::TestApp;

async fn open(app: &TestApp, client: Uuid) -> Vec<String> {
    match erase(app, client, false).await {
        Outcome::Refused { open } => open.into_iter().map(|it| it.what).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whatever_is_open_is_named_with_what_to_do_and_nothing_is_removed() {
    let known = Known::all_over().await;
    let (app, client) = (known.app(), known.client);
    let one = async |sql: &'static str| sqlx::raw_sql(sql).execute(&app.pool).await.unwrap();
    for (opened, closed, what) in [
        (
            "update servicios set estado = 'agendado' where estado = 'completado'",
            "update servicios set estado = 'completado' where estado = 'agendado'",
            "the service ",
        ),
        (
            "update servicios set estado = 'completado' where estado = 'cancelado'",
            "update servicios set estado = 'cancelado' where estado_pago = 'pendiente'",
            "the service ",
        ),
        (
            "update stripe.payments set status = 'processing'",
            "update stripe.payments set status = 'succeeded'",
            "the payment pi_",
        ),
        (
            "update stripe.subscriptions set status = 'past_due'",
            "update stripe.subscriptions set status = 'canceled'",
            "the subscription sub_",
        ),
        (
            "update contratos_b2b set estado = 'moroso' where tipo = 'suscripcion'",
            "update contratos_b2b set estado = 'inactivo' where tipo = 'suscripcion'",
            "the contract ",
        ),
        (
            "update contratos_firmados set estado = 'pendiente' where estado = 'rechazado'",
            "update contratos_firmados set estado = 'rechazado' where estado = 'pendiente'",
            "the signature of ",
        ),
        (
            "update invoicing.requests set state = 'open'",
            "update invoicing.requests set state = 'completed'",
            "the self-invoice ",
        ),
        (
            "insert into stripe.refunds (id, payment_intent_id, status, amount, currency, rank, as_of, asked, digest, updated_at)
             select 're_1', id, 'pending', 1, 'MXN', 1, now(), false, '', now() from stripe.payments limit 1",
            "update stripe.refunds set status = 'succeeded'",
            "the refund re_1",
        ),
        (
            "insert into stripe.disputes (id, payment_intent_id, status, amount, currency, rank, as_of, asked, digest, updated_at)
             select 'dp_1', id, 'needs_response', 1, 'MXN', 1, now(), false, '', now() from stripe.payments limit 1",
            "update stripe.disputes set status = 'lost'",
            "the dispute dp_1",
        ),
    ] {
        one(opened).await;
        let told = open(app, client).await;
        assert!(told.len() == 1 && told[0].starts_with(what), "{opened}: {told:?}");
        assert!(!found(app, &["Quintanilla"]).await.is_empty(), "{opened}");
        one(closed).await;
    }
    let audited: Value = app
        .one("select to_jsonb(count(*)) from logs_auditoria where accion like '%suprimid%'")
        .await;
    assert_eq!(audited, 0);
    // A self-invoice that nobody made in the year of the sale stands against nothing any more.
    one("update invoicing.requests set state = 'open', created_at = '2025-06-01'").await;
    assert!(matches!(erase(app, client, true).await, Outcome::Done { .. }));
    known.signing.app.finish().await;
}

#[tokio::test]
async fn an_event_that_is_being_handled_is_waited_for() {
    let known = Known::all_over().await;
    let mut app = known.signing.app;
    app.stop().await;
    let event =
        onlycar::dev::stripe::event("customer.updated", &known.signing.story.sample, app.now()).unwrap();
    app.send(&event).await;
    let told = open(&app, known.client).await;
    assert_eq!(told, [format!("the event {}", event["id"].as_str().unwrap())]);
}

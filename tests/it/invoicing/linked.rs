//! Via Stripe: the payment and its invoice, whichever comes first.

use onlycar::dev::gigstack::Event;
use serde_json::{Map, Value};

use super::{row, story, tell};
use crate::support::TestApp;

/// The payment that an event of Stripe's is about.
fn payment(event: &Value) -> String {
    event["data"]["object"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_invoice_after_its_payment_is_for_the_service() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let paid = story.event("payment_intent.succeeded", app.now());
    app.handle(&paid).await;
    let invoice = app
        .gigstack
        .stripe_paid(&payment(&paid), 150_000, Map::new())
        .await
        .unwrap();
    app.drain().await;
    let row = row(&app, &invoice).await;
    assert_eq!(row["servicio_id"], story.service.to_string());
    assert_eq!(row["origen"], "stripe");
    assert_eq!(row["stripe_payment_intent_id"], payment(&paid));
    assert_eq!(
        app.row("servicios", story.service).await["estado_factura"],
        "vigente"
    );
    app.finish().await;
}

#[tokio::test]
async fn an_invoice_before_its_payment_is_linked_when_that_comes() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let paid = story.event("payment_intent.succeeded", app.now());
    let invoice = app
        .gigstack
        .stripe_paid(&payment(&paid), 150_000, Map::new())
        .await
        .unwrap();
    app.drain().await;
    assert_eq!(row(&app, &invoice).await["servicio_id"], Value::Null);
    app.handle(&paid).await;
    assert_eq!(
        row(&app, &invoice).await["servicio_id"],
        story.service.to_string()
    );
    let service = app.row("servicios", story.service).await;
    assert_eq!(service["estado_factura"], "vigente");
    assert_eq!(service["estado_pago"], "pagado");
    app.finish().await;
}

#[tokio::test]
async fn a_refund_proposes_to_cancel_and_the_cancellation_ends_it() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let paid = story.event("payment_intent.succeeded", app.now());
    app.handle(&paid).await;
    let payment = payment(&paid);
    let invoice = app
        .gigstack
        .stripe_paid(&payment, 150_000, Map::new())
        .await
        .unwrap();
    app.drain().await;
    let refund = story.event_of_payment("charge.refunded", &payment, app.now());
    app.handle(&refund).await;
    let service = app.row("servicios", story.service).await;
    assert_eq!(service["estado_pago"], "reembolsado");
    assert_eq!(service["estado_factura"], "por_cancelar");
    let alert = format!("factura-por-corregir:{}", story.service);
    assert!(app.alerts().await.contains(&alert));

    app.gigstack.cancel(&invoice.id, "03").unwrap();
    tell(&app, Event::InvoiceCancelled, &invoice.id).await;
    assert_eq!(
        app.row("servicios", story.service).await["estado_factura"],
        "cancelada"
    );
    assert!(!app.alerts().await.contains(&alert));
    app.finish().await;
}

#[tokio::test]
async fn two_valid_invoices_of_one_service_alert_until_one_is_cancelled() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let first = app.gigstack.stamp(super::order_of(story.service));
    tell(&app, Event::CfdiCreated, &first.id).await;
    assert_eq!(row(&app, &first).await["origen"], "stripe");
    assert_eq!(app.alerts().await, [""; 0]);
    let second = app.gigstack.stamp(super::order_of(story.service));
    tell(&app, Event::InvoiceCreated, &second.id).await;
    let alert = format!("factura-doble:{}", story.service);
    assert_eq!(app.alerts().await, [alert]);
    app.gigstack.cancel(&first.id, "02").unwrap();
    tell(&app, Event::InvoiceCancelled, &first.id).await;
    assert_eq!(app.alerts().await, [""; 0]);
    assert_eq!(
        app.row("servicios", story.service).await["estado_factura"],
        "vigente"
    );
    app.finish().await;
}

//! vigente -> cancelada only when Gigstack confirms it; and never back.

use chrono::TimeDelta;
use onlycar::dev::gigstack::{Event, Fault};

use super::{order_of, row, story, tell, wait};
use crate::support::TestApp;

#[tokio::test]
async fn a_confirmed_cancellation_is_recorded_with_its_receipt() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    app.gigstack.cancel(&invoice.id, "02").unwrap();
    tell(&app, Event::InvoiceCancelled, &invoice.id).await;
    let row = row(&app, &invoice).await;
    assert_eq!(row["estado"], "cancelada");
    assert_eq!(
        row["url_acuse"],
        format!("facturas/2026/{}.acuse.xml", invoice.uuid)
    );
    assert_ne!(row["cancelada_en"], serde_json::Value::Null);
    assert_eq!(
        app.row("servicios", story.service).await["estado_factura"],
        "cancelada"
    );
    // The documents stay: a cancelled invoice is kept as long as any other.
    assert_eq!(app.bucket.keys().await.len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn a_cancellation_that_waits_for_its_receiver_changes_nothing() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    app.gigstack.ask_receiver(true);
    app.gigstack.cancel(&invoice.id, "02").unwrap();
    tell(&app, Event::InvoiceCancelled, &invoice.id).await;
    assert_eq!(row(&app, &invoice).await["estado"], "vigente");
    app.gigstack.receiver_answers(&invoice.id, true).unwrap();
    tell(&app, Event::InvoiceCancelled, &invoice.id).await;
    assert_eq!(row(&app, &invoice).await["estado"], "cancelada");
    app.finish().await;
}

#[tokio::test]
async fn a_late_created_does_not_bring_it_back() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    app.gigstack.cancel(&invoice.id, "02").unwrap();
    tell(&app, Event::InvoiceCancelled, &invoice.id).await;
    assert_eq!(row(&app, &invoice).await["estado"], "cancelada");
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    assert_eq!(row(&app, &invoice).await["estado"], "cancelada");
    app.finish().await;
}

#[tokio::test]
async fn a_receipt_of_the_cancellation_that_is_not_there_yet_comes_later() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    app.gigstack.cancel(&invoice.id, "02").unwrap();
    let acuse = format!("/v1/invoices/{}/acuse", invoice.uuid);
    app.gigstack.fail_at(&acuse, Fault::NotFound, 3);
    tell(&app, Event::InvoiceCancelled, &invoice.id).await;
    let before = row(&app, &invoice).await;
    assert_eq!(
        (&before["estado"], &before["url_acuse"]),
        (&"cancelada".into(), &serde_json::Value::Null)
    );
    wait(&app, TimeDelta::minutes(5)).await;
    assert_ne!(row(&app, &invoice).await["url_acuse"], serde_json::Value::Null);
    app.finish().await;
}

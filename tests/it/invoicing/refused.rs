//! Documents that are not what they should be: nothing is recorded, and somebody is told.

use chrono::TimeDelta;
use onlycar::dev::gigstack::{Event, Fault};

use super::{find, order_of, row, states, story, tell, wait};
use crate::support::TestApp;

#[tokio::test]
async fn the_wrong_document_is_refused_and_alerts() {
    for fault in [
        Fault::OtherUuid,
        Fault::OtherIssuer,
        Fault::OtherTotal,
        Fault::Truncated,
    ] {
        let mut app = TestApp::start().await;
        let story = story(&app).await;
        let invoice = app.gigstack.stamp(order_of(story.service));
        let xml = format!("/v1/invoices/{}/xml", invoice.uuid);
        app.gigstack.fail_at(&xml, fault, 1);
        tell(&app, Event::InvoiceCreated, &invoice.id).await;
        assert!(find(&app, &invoice).await.is_none(), "{fault:?}");
        assert!(app.bucket.keys().await.is_empty(), "{fault:?}");
        assert_eq!(states(&app).await, ["parked"], "{fault:?}");
        let alert = format!("factura-sin-confirmar:{}", invoice.uuid);
        assert_eq!(app.alerts().await, [alert], "{fault:?}");
        app.stop().await;
    }
}

#[tokio::test]
async fn what_gigstack_does_not_know_is_parked() {
    let app = TestApp::start().await;
    tell(&app, Event::InvoiceCreated, "invoice_that_never_was").await;
    assert_eq!(app.alerts().await, [""; 0]);
    // It may have been told too early: it is asked for again.
    wait(&app, TimeDelta::minutes(3)).await;
    assert_eq!(states(&app).await, ["parked"]);
    assert_eq!(
        app.alerts().await,
        ["factura-sin-confirmar:invoice_that_never_was"]
    );
    assert_eq!(app.one::<i64>("select count(*) from facturas_emitidas").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn told_a_moment_too_early_it_is_recorded_all_the_same() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    app.gigstack.fail_at("/v1/invoices", Fault::NotFound, 2);
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    wait(&app, TimeDelta::minutes(1)).await;
    assert_eq!(row(&app, &invoice).await["estado"], "vigente");
    app.finish().await;
}

#[tokio::test]
async fn other_bytes_under_the_same_uuid_never_replace_those_that_are_stored() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    let key = format!("facturas/2026/{}.xml", invoice.uuid);
    let forged = app
        .bucket
        .raw()
        .put_object()
        .bucket(crate::support::bucket::BUCKET)
        .key(&key);
    forged.body(b"<other/>".to_vec().into()).send().await.unwrap();
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    assert!(find(&app, &invoice).await.is_none());
    assert_eq!(app.bucket.read(&key).await.1, b"<other/>"[..]);
    assert_eq!(states(&app).await, ["parked"]);
    assert_eq!(app.alerts().await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_pdf_that_is_none_leaves_the_invoice_and_is_asked_for_again() {
    for fault in [Fault::HtmlFile, Fault::Truncated, Fault::Cut, Fault::ServerError] {
        let app = TestApp::start().await;
        let story = story(&app).await;
        let invoice = app.gigstack.stamp(order_of(story.service));
        let pdf = format!("/v1/invoices/{}/pdf", invoice.uuid);
        app.gigstack.fail_at(&pdf, fault, 3);
        tell(&app, Event::InvoiceCreated, &invoice.id).await;
        let partial = row(&app, &invoice).await;
        assert_eq!(partial["estado"], "vigente", "{fault:?}");
        assert_eq!(partial["url_pdf"], serde_json::Value::Null, "{fault:?}");
        wait(&app, TimeDelta::minutes(5)).await;
        let whole = row(&app, &invoice).await;
        assert_eq!(
            whole["url_pdf"],
            format!("facturas/2026/{}.pdf", invoice.uuid),
            "{fault:?}"
        );
        app.finish().await;
    }
}

//! Gigstack away, the store away or killed: in the end everything is there, once.

use chrono::TimeDelta;
use onlycar::dev::gigstack::{Event, Fault};
use sha2::{Digest as _, Sha256};

use super::{order_of, row, story, tell, wait};
use crate::support::TestApp;

#[tokio::test]
async fn gigstack_away_for_an_hour() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    for fault in [
        Fault::ServerError,
        Fault::BadGateway,
        Fault::RateLimited,
        Fault::Html,
    ] {
        app.gigstack.fail(fault, 1000);
        tell(&app, Event::InvoiceCreated, &invoice.id).await;
        wait(&app, TimeDelta::minutes(15)).await;
        app.gigstack.heal();
    }
    wait(&app, TimeDelta::hours(8)).await;
    assert_eq!(row(&app, &invoice).await["estado"], "vigente");
    assert_eq!(app.bucket.keys().await.len(), 2);
    let emitted = "select count(*) from logs_auditoria where accion = 'factura.emitida'";
    assert_eq!(app.one::<i64>(emitted).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for() {
    let mut app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    app.bucket.kill();
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    assert!(super::find(&app, &invoice).await.is_none());
    app.bucket.start_again().await;
    wait(&app, TimeDelta::minutes(5)).await;
    assert_eq!(row(&app, &invoice).await["estado"], "vigente");
    assert_eq!(app.bucket.keys().await.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn what_was_stored_and_not_recorded_is_recorded_with_the_bytes_that_are_stored() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    // As a process leaves it that was killed between the upload and the record; the next PDF is another picture.
    let (xml, pdf) = (app.gigstack.xml(&invoice), app.gigstack.pdf(&invoice));
    for (ending, bytes) in [("xml", xml), ("pdf", pdf.clone())] {
        let key = format!("facturas/2026/{}.{ending}", invoice.uuid);
        let put = app
            .bucket
            .raw()
            .put_object()
            .bucket(crate::support::bucket::BUCKET)
            .key(key);
        put.body(bytes.into()).send().await.unwrap();
    }
    app.gigstack.grow_pdfs(1000);
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    let row = row(&app, &invoice).await;
    assert_eq!(row["sha256_pdf"], hex::encode(Sha256::digest(&pdf)));
    app.finish().await;
}

//! One invoice, told of many times at once: it is recorded once.

use onlycar::dev::gigstack::{Delivery, Event};

use super::{order_of, story};
use crate::support::TestApp;

#[tokio::test]
async fn what_is_told_many_times_at_once_is_recorded_once() {
    let mut app = TestApp::without_workers(&[]).await;
    let story = story(&app).await;
    let invoices: Vec<_> = (0..6)
        .map(|_| app.gigstack.stamp(order_of(story.service)))
        .collect();
    for invoice in &invoices {
        for _ in 0..8 {
            let told = app
                .gigstack
                .deliver(Event::InvoiceCreated, &invoice.id, Delivery::default());
            told.await.unwrap();
        }
    }
    app.work();
    app.drain().await;
    let emitted = "select accion || ' ' || count(*) from logs_auditoria where accion like 'factura.%'
                   group by accion";
    assert_eq!(app.one::<String>(emitted).await, "factura.emitida 6");
    app.finish().await;
}

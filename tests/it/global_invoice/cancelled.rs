//! A global invoice that SAT cancels: its sales are without an invoice again.

use onlycar::dev::gigstack::Event;
use onlycar::ground::facts::Actor;
use uuid::Uuid;

use super::scene::*;
use crate::support::TestApp;

async fn invoiced() -> (TestApp, Uuid) {
    let app = starting("2026-11-30T20:00:00Z").await;
    let service = sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    november_ends(&app).await;
    assert_eq!(shown(&app, service).await, "en_factura_global");
    (app, service)
}

#[tokio::test]
async fn its_sales_are_open_again_and_nothing_takes_them_by_itself() {
    let (app, service) = invoiced().await;
    let first = only(&app);
    cancels(&app, &first).await;
    assert_eq!(shown(&app, service).await, "pendiente_factura_global");
    assert_eq!(causes(&app).await, ["factura-global-cancelada:2026-11"]);
    let row = "select estado || ' ' || (url_acuse is not null) || ' ' || (url_xml is not null) from facturas_emitidas";
    assert_eq!(app.one::<String>(row).await, "cancelada true true");
    let open = "select count(*) from ventas_factura_global
                where solicitud_id is null and factura_id is null and not conciliada";
    assert_eq!(app.one::<i64>(open).await, 1);
    let told =
        "select detalle->>'ventas' from logs_auditoria where accion = 'factura_global.ventas_liberadas'";
    assert_eq!(app.one::<String>(told).await, "1");
    look(&app).await;
    assert_eq!(stamped(&app).len(), 1);

    // The webhook that it was stamped comes late: it stays cancelled, and the sales stay open.
    tell(&app, Event::InvoiceCreated, &first).await;
    assert_eq!(shown(&app, service).await, "pendiente_factura_global");

    onlycar::invoicing::global::run(&app.engine, Actor::Console(0), "2026-11".parse().unwrap())
        .await
        .unwrap();
    settle(&app).await;
    let second = stamped(&app).remove(1);
    assert_eq!(tickets(&second), [format!("{} 100.00", folio(service))]);
    assert_eq!(shown(&app, service).await, "en_factura_global");
    assert_eq!(causes(&app).await, [""; 0]);
    let parts = "select array_agg(part || ' ' || state order by part) from invoicing.requests";
    assert_eq!(
        app.one::<Vec<String>>(parts).await,
        ["1 completed", "2 completed"]
    );
    app.finish().await;
}

/// Cancelled before we ever saw it stamped.
#[tokio::test]
async fn one_that_is_recorded_as_cancelled_gives_its_sales_back_too() {
    let app = starting("2026-11-30T20:00:00Z").await;
    let service = sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    app.gigstack.fail_at(
        "/v1/invoices/invoice_",
        onlycar::dev::gigstack::Fault::ServerError,
        2,
    );
    november_ends(&app).await;
    cancels(&app, &only(&app)).await;
    assert_eq!(shown(&app, service).await, "pendiente_factura_global");
    assert_eq!(causes(&app).await, ["factura-global-cancelada:2026-11"]);
    let mut app = app;
    app.stop().await;
}

#[tokio::test]
async fn a_cancellation_that_is_only_asked_for_changes_nothing() {
    let (app, service) = invoiced().await;
    app.gigstack.ask_receiver(true);
    let document = only(&app);
    assert!(!app.gigstack.cancel(&document.id, "02").unwrap());
    tell(&app, Event::InvoiceCancelled, &document).await;
    assert_eq!(shown(&app, service).await, "en_factura_global");
    assert_eq!(causes(&app).await, [""; 0]);
    app.finish().await;
}

//! A stamped invoice: its bytes, its row, its mail.

use onlycar::dev::gigstack::Event;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{order_of, row, story, tell};
use crate::support::TestApp;

#[tokio::test]
async fn is_stored_to_the_byte_and_recorded() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    tell(&app, Event::InvoiceCreated, &invoice.id).await;

    let row = row(&app, &invoice).await;
    let uuid = invoice.uuid;
    let (xml, pdf) = (app.gigstack.xml(&invoice), app.gigstack.pdf(&invoice));
    let sha256 = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    for (column, value) in [
        ("servicio_id", json!(story.service)),
        ("estado", json!("vigente")),
        ("origen", json!("directa")),
        ("proveedor", json!("gigstack")),
        ("gigstack_id", json!(invoice.id)),
        ("monto_total", json!(1500.00)),
        ("moneda", json!("MXN")),
        ("tipo_comprobante", json!("I")),
        ("forma_pago", json!("04")),
        ("serie", json!(invoice.cfdi.serie)),
        ("folio", json!(invoice.cfdi.folio)),
        ("url_xml", json!(format!("facturas/2026/{uuid}.xml"))),
        ("url_pdf", json!(format!("facturas/2026/{uuid}.pdf"))),
        ("sha256_xml", json!(sha256(&xml))),
        ("sha256_pdf", json!(sha256(&pdf))),
        ("url_acuse", json!(null)),
        // The return of 2026 is due on 30 April 2027; CFF art. 30 counts five years from there.
        ("conservar_hasta", json!("2032-05-01")),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    let (head, stored) = app.bucket.read(&format!("facturas/2026/{uuid}.xml")).await;
    assert_eq!(stored, xml);
    assert_eq!(head.content_type.as_deref(), Some("application/xml"));
    let (head, stored) = app.bucket.read(&format!("facturas/2026/{uuid}.pdf")).await;
    assert_eq!(stored, pdf);
    assert_eq!(head.content_type.as_deref(), Some("application/pdf"));
    assert_eq!(
        head.cache_control.as_deref(),
        Some("private, max-age=157680000, immutable")
    );
    let disposition = format!("attachment; filename=\"{uuid}.pdf\"");
    assert_eq!(head.content_disposition.as_deref(), Some(disposition.as_str()));
    for (name, value) in [
        ("uuid-sat", uuid.to_string()),
        ("monto-total", invoice.cfdi.total().to_string()),
        ("tipo-documento", "I".to_owned()),
    ] {
        assert_eq!(head.metadata[name], value, "{name}");
    }
    assert_eq!(
        app.row("servicios", story.service).await["estado_factura"],
        "vigente"
    );

    let mail = &app.mails(1).await[0];
    assert_eq!(mail.subject, "Tu factura de OnlyCar está lista");
    assert!(mail.text.contains(&uuid.to_string()), "{}", mail.text);
    let audit = app.audit().await;
    let emitted = audit.iter().find(|(_, action, _)| action == "factura.emitida");
    assert!(emitted.is_some(), "{audit:?}");
    app.finish().await;
}

#[tokio::test]
async fn told_again_and_by_all_four_doors_is_recorded_once() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    for event in [
        Event::InvoiceCreated,
        Event::CfdiCreated,
        Event::SelfInvoiceCompleted,
        Event::InvoiceCreated,
    ] {
        tell(&app, event, &invoice.id).await;
    }
    assert_eq!(app.one::<i64>("select count(*) from facturas_emitidas").await, 1);
    let emitted = "select count(*) from logs_auditoria where accion = 'factura.emitida'";
    assert_eq!(app.one::<i64>(emitted).await, 1);
    assert_eq!(app.mails(1).await.len(), 1);
    assert_eq!(app.bucket.keys().await.len(), 2);
    app.finish().await;
}

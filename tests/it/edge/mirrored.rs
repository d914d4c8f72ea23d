//! From what happened to a row at D1.

use chrono::TimeDelta;
use onlycar::dev::gigstack::{Delivery, Event, Order};
use serde_json::json;
use uuid::Uuid;

use super::Rig;
use crate::support::signing::Signing;

#[tokio::test]
async fn an_invoice_is_shown_when_it_is_stamped_and_when_it_is_cancelled() {
    let rig = Rig::open().await;
    let order = Order::default().noting("servicio_id", &rig.story.service.to_string());
    let invoice = rig.app.gigstack.stamp(order);
    let told = rig
        .app
        .gigstack
        .deliver(Event::InvoiceCreated, &invoice.id, Delivery::default());
    told.await.unwrap();
    rig.app.drain().await;
    assert_eq!(rig.waiting().await, 1);
    assert!(rig.rows().is_empty(), "it is told by the job");
    rig.flush().await;
    let id: Uuid = rig.app.one("select id from facturas_emitidas").await;
    let mut shown = rig.shown(id);
    let version = shown["version"].take();
    let issued: String = rig
        .app
        .one("select to_char(fecha_emision at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from facturas_emitidas")
        .await;
    let expected = json!({
        "recurso": "facturas", "id": id, "version": null, "estado": "vigente", "uuid_sat": invoice.uuid,
        "serie": invoice.cfdi.serie, "folio": invoice.cfdi.folio, "tipo_comprobante": "I", "origen": "directa",
        "fecha_emision": issued, "tiene_pdf": 1, "tiene_xml": 1, "contrato_id": null, "firmado_en": null,
    });
    assert_eq!(shown, expected);
    assert_eq!(rig.waiting().await, 0);

    rig.app.gigstack.cancel(&invoice.id, "02").unwrap();
    let told = rig
        .app
        .gigstack
        .deliver(Event::InvoiceCancelled, &invoice.id, Delivery::default());
    told.await.unwrap();
    rig.app.drain().await;
    rig.flush().await;
    let shown = rig.shown(id);
    assert_eq!(shown["estado"], "cancelada");
    assert!(shown["version"].as_i64() > version.as_i64());
    rig.app.finish().await;
}

#[tokio::test]
async fn a_contract_is_shown_when_it_is_sent_and_when_it_is_signed_or_declined() {
    let rig = Rig::open().await;
    let cloudflare = rig.cloudflare.clone();
    let signing = Signing::with(rig.app).await;
    let shown = |id: Uuid| {
        let rows = cloudflare.rows("cache_metadata");
        rows.into_iter()
            .find(|row| row["id"] == *id.to_string())
            .unwrap_or_default()
    };
    let sent = signing.send().await;
    signing.app.job(super::FLUSH).await;
    let waits = shown(sent.row);
    assert_eq!(
        (&waits["recurso"], &waits["estado"]),
        (&json!("contratos"), &json!("pendiente"))
    );
    assert_eq!(waits["contrato_id"], json!(signing.story.contract));
    assert_eq!(
        (&waits["firmado_en"], &waits["tiene_pdf"]),
        (&json!(null), &json!(0))
    );
    signing.app.advance(TimeDelta::seconds(5));
    signing.sign(&sent).await;
    signing.app.job(super::FLUSH).await;
    let signed = shown(sent.row);
    assert_eq!(
        (&signed["estado"], &signed["tiene_pdf"]),
        (&json!("firmado"), &json!(1))
    );
    assert!(signed["firmado_en"].as_str().unwrap().ends_with('Z'), "{signed}");
    signing.app.finish().await;
}

#[tokio::test]
async fn what_was_there_before_the_edge_is_shown_once_it_is_there() {
    let rig = Rig::open().await;
    let insert = "insert into facturas_emitidas (uuid_sat, estado, origen, url_xml, sha256_xml)
                  select gen_random_uuid(), 'vigente', 'stripe', 'key', 'digest' from generate_series(1, 2300)";
    sqlx::query(insert).execute(&rig.app.pool).await.unwrap();
    rig.flush().await;
    assert!(rig.rows().is_empty(), "nobody marked them");
    // Another database: as when D1_DATABASE_ID names a new one.
    sqlx::query("update edge.stores set target = 'another'")
        .execute(&rig.app.pool)
        .await
        .unwrap();
    let before = rig.asked();
    rig.flush().await;
    assert_eq!(rig.rows().len(), 2300);
    assert_eq!(rig.asked() - before, 5, "500 in each request");
    assert_eq!(rig.waiting().await, 0);
    rig.app.finish().await;
}

#[tokio::test]
async fn a_removed_document_is_removed_there_and_an_older_answer_does_not_bring_it_back() {
    let rig = Rig::open().await;
    let (gone, stays) = (rig.invoice().await, rig.invoice().await);
    rig.flush().await;
    let delete = "delete from facturas_emitidas where id = $1";
    sqlx::query(delete)
        .bind(gone)
        .execute(&rig.app.pool)
        .await
        .unwrap();
    rig.mark(gone).await;
    rig.flush().await;
    let tombstone = rig.shown(gone);
    for (column, value) in tombstone.as_object().unwrap() {
        let kept = matches!(&**column, "recurso" | "id" | "version");
        assert_eq!(value.is_null(), !kept, "{column}");
    }
    // A day later nothing at all is left of it.
    rig.app.advance(TimeDelta::days(1) + TimeDelta::seconds(1));
    rig.mark(stays).await;
    rig.flush().await;
    assert!(rig.shown(gone).is_null());
    assert_eq!(rig.shown(stays)["estado"], "vigente");
    rig.app.finish().await;
}

#[tokio::test]
async fn resync_tells_everything_again_to_a_database_that_was_emptied() {
    let rig = Rig::open().await;
    let (stays, gone) = (rig.invoice().await, rig.invoice().await);
    rig.flush().await;
    rig.cloudflare.empty_d1().unwrap();
    let delete = "delete from facturas_emitidas where id = $1";
    sqlx::query(delete)
        .bind(gone)
        .execute(&rig.app.pool)
        .await
        .unwrap();
    rig.flush().await;
    assert!(rig.rows().is_empty(), "nothing changed, so nothing is told");
    let marked = onlycar::edge::resync(&rig.app.engine.pool, &rig.app.clock)
        .await
        .unwrap();
    assert_eq!(marked, 2);
    rig.flush().await;
    assert_eq!(rig.shown(stays)["estado"], "vigente");
    assert!(rig.shown(gone)["estado"].is_null());
    rig.app.finish().await;
}

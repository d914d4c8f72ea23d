//! What becomes of the invoice: its page, whoever is away, and a client who asks for it later.

use chrono::TimeDelta;
use onlycar::dev::gigstack::{Delivery, Event, Fault, Receiver};
use serde_json::{Value, json};

use super::{Counter, with, with_invoice, without_invoice};

const OFFER: &str = "Haz la factura de tu servicio en OnlyCar";

/// Mode, state and address, as they are answered.
async fn invoice(counter: &Counter) -> (Value, Value, Value) {
    let told = counter.get(&format!("/api/services/{}", counter.service)).await;
    assert_eq!(told.status, 200);
    let invoice = &told.body["invoice"];
    (
        invoice["mode"].clone(),
        invoice["state"].clone(),
        invoice["url"].clone(),
    )
}

#[tokio::test]
async fn from_the_counter_to_a_stamped_and_stored_invoice() {
    let counter = Counter::open().await;
    let app = &counter.app;
    let told = counter.confirm(&with_invoice()).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.body["invoice"]["mode"], "autofactura");
    assert_eq!(told.body["service"]["requires_invoice"], true);

    // The page is made, its link is mailed and shown.
    let mails = app.mails(1).await;
    let receipt = app.gigstack.receipts().pop().unwrap();
    assert_eq!(
        (mails[0].to[0].as_str(), mails[0].subject.as_str()),
        ("luisa@example.com", OFFER)
    );
    app.drain().await;
    let (mode, state, url) = invoice(&counter).await;
    assert_eq!(
        (mode, state),
        (json!("autofactura"), json!("autofactura_pendiente"))
    );
    let url = url.as_str().unwrap();
    assert!(url.contains(&receipt.id), "{url}");
    assert!(mails[0].text.contains(url), "{}", mails[0].text);
    assert_eq!(counter.confirm(&with_invoice()).await.body["invoice"]["url"], url);

    // The client fills it in; Gigstack stamps, and tells.
    let stamped = app.gigstack.complete(&receipt.id, Receiver::sample()).unwrap();
    let delivery = Delivery::default();
    let answers = app
        .gigstack
        .deliver(Event::SelfInvoiceCompleted, &receipt.id, delivery)
        .await;
    assert_eq!(answers.unwrap()[0].status, 200);
    app.drain().await;
    let row = app
        .one::<Value>("select to_jsonb(f) from facturas_emitidas f")
        .await;
    for (column, value) in [
        ("servicio_id", json!(counter.service)),
        ("estado", json!("vigente")),
        ("origen", json!("autofactura")),
        ("uuid_sat", json!(stamped.uuid)),
        ("monto_total", json!(1500.0)),
        ("forma_pago", json!("01")),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    assert_eq!(app.bucket.keys().await.len(), 2);
    let told = counter.confirm(&with_invoice()).await;
    assert_eq!(told.body["invoice"]["state"], "vigente");
    assert_eq!(told.body["invoice"]["uuid_sat"], json!(stamped.uuid));
    counter.app.finish().await;
}

#[tokio::test]
async fn it_works_while_gigstack_is_away() {
    let counter = Counter::open().await;
    counter.app.gigstack.fail(Fault::BadGateway, 1000);
    let told = counter.confirm(&with_invoice()).await;
    assert_eq!(told.status, 200);
    counter.app.drain().await;
    let waiting = (json!("autofactura"), json!("autofactura_solicitada"), Value::Null);
    assert_eq!(invoice(&counter).await, waiting);
    assert_eq!(counter.confirm(&with_invoice()).await, told);
    counter.wait(TimeDelta::minutes(30)).await;
    assert_eq!(invoice(&counter).await, waiting);
    assert_eq!(counter.app.mail.messages().len(), 0);

    counter.app.gigstack.heal();
    counter.wait(TimeDelta::hours(2)).await;
    let (_, state, url) = invoice(&counter).await;
    assert_eq!(state, "autofactura_pendiente");
    let mails = counter.app.mails(1).await;
    assert_eq!(mails[0].subject, OFFER);
    assert!(mails[0].text.contains(url.as_str().unwrap()));
    assert_eq!(counter.app.gigstack.receipts().len(), 1);
    counter.app.finish().await;
}

#[tokio::test]
async fn a_lost_answer_of_gigstacks_makes_no_second_page() {
    let counter = Counter::open().await;
    counter.app.gigstack.fail(Fault::LostAnswer, 2);
    counter.confirm(&with_invoice()).await;
    counter.wait(TimeDelta::minutes(30)).await;
    assert_eq!(counter.app.gigstack.receipts().len(), 1);
    assert_eq!(counter.app.mails(1).await.len(), 1);
    counter.app.finish().await;
}

#[tokio::test]
async fn the_first_contact_stays_and_what_was_missing_is_added() {
    let counter = Counter::open().await;
    counter.set("cliente_id = null").await;
    let by_phone = with(
        with_invoice(),
        json!({ "customer_email": "", "customer_phone": "+525551234567" }),
    );
    assert_eq!(counter.confirm(&by_phone).await.status, 200);
    counter.app.drain().await;
    assert_eq!(counter.app.mail.messages().len(), 0);
    let before = counter.confirm(&by_phone).await;

    // Now there is an address, and the link goes there; a third contact is one too many.
    assert_eq!(counter.confirm(&with_invoice()).await, before);
    assert_eq!(counter.app.mails(1).await[0].to, ["luisa@example.com"]);
    let other = json!({ "customer_email": "otra@example.com", "customer_phone": "+525550000000" });
    assert_eq!(counter.confirm(&with(with_invoice(), other)).await, before);
    counter.app.drain().await;
    let request = counter
        .app
        .one::<Value>("select to_jsonb(r) from invoicing.requests r")
        .await;
    assert_eq!(
        (&request["email"], &request["phone"]),
        (&json!("luisa@example.com"), &json!("+525551234567"))
    );
    assert_eq!(counter.app.mail.messages().len(), 1);
    assert_eq!(counter.app.gigstack.receipts().len(), 1);
    counter.app.finish().await;
}

#[tokio::test]
async fn a_client_who_asks_for_an_invoice_later_gets_one_while_no_global_one_has_the_sale() {
    let counter = Counter::open().await;
    counter.confirm(&without_invoice()).await;
    counter.app.advance(TimeDelta::days(2));
    let told = counter.confirm(&with_invoice()).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.body["invoice"]["mode"], "autofactura");
    // It was paid when it was paid.
    assert_eq!(told.body["payment"]["paid_at"], "2026-11-22T18:00:00Z");
    let mails = counter.app.mails(1).await;
    assert_eq!(mails[0].subject, OFFER);
    counter.app.drain().await;
    assert_eq!(counter.row().await["estado_factura"], "autofactura_pendiente");
    assert_eq!(
        counter
            .app
            .one::<i64>("select count(*) from ventas_factura_global")
            .await,
        0
    );
    let audited = counter.audited().await;
    for action in [
        "servicio.requiere_factura",
        "venta.retirada_de_global",
        "autofactura.solicitada",
    ] {
        assert_eq!(audited.iter().filter(|it| *it == action).count(), 1, "{action}");
    }
    let again = counter.confirm(&without_invoice()).await;
    assert_eq!(again.code(), (409, "factura-ya-solicitada"));
    counter.app.finish().await;
}

#[tokio::test]
async fn no_address_of_a_client_is_in_jobs_or_in_the_audit_log() {
    let counter = Counter::open().await;
    let body = with(with_invoice(), json!({ "customer_phone": "+525551234567" }));
    counter.confirm(&body).await;
    counter.app.drain().await;
    let kept = "select (select jsonb_agg(j) from engine.jobs j)::text || (select jsonb_agg(l) from logs_auditoria l)::text";
    let kept = counter.app.one::<String>(kept).await;
    assert!(
        kept.contains("servicio.pagado_presencial"),
        "the scan sees the rows"
    );
    assert!(!kept.contains("luisa") && !kept.contains("5551234567"), "{kept}");
    counter.app.finish().await;
}

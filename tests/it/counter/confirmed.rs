//! What a confirmation writes and answers, and that saying it again changes nothing.

use serde_json::{Value, json};

use super::{ADMIN, Counter, token, with, with_invoice, without_invoice};

#[tokio::test]
async fn a_payment_without_an_invoice_goes_into_the_global_one() {
    let counter = Counter::open().await;
    let told = counter.confirm(&without_invoice()).await;
    let (payment, invoice) = (
        json!({ "state": "pagado", "method": "01", "channel": "presencial", "amount": "1500.00",
                "currency": "MXN", "paid_at": "2026-11-22T18:00:00Z" }),
        json!({ "mode": "global", "state": "pendiente_factura_global", "url": null, "uuid_sat": null }),
    );
    assert_eq!(told.status, 200);
    assert_eq!(
        told.body,
        json!({
            "service": { "id": counter.service, "description": "Cambio de aceite", "state": "agendado",
                         "scheduled_for": null, "price": "1500.00", "currency": "MXN", "requires_invoice": false,
                         "client": { "name": "Ana López" }, "payment": payment, "invoice": invoice },
            "payment": payment,
            "invoice": invoice,
        })
    );

    let row = counter.row().await;
    for (column, value) in [
        ("estado_pago", json!("pagado")),
        ("canal_pago", json!("presencial")),
        ("metodo_pago", json!("01")),
        ("pagado_en", json!("2026-11-22T18:00:00+00:00")),
        ("monto_pagado", json!(1500.00)),
        ("requiere_factura", json!(false)),
        ("estado_factura", json!("pendiente_factura_global")),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    let sale = counter
        .app
        .one::<Value>("select to_jsonb(s) from ventas_factura_global s")
        .await;
    assert_eq!(sale["servicio_id"], json!(counter.service));
    assert_eq!(
        (&sale["monto"], &sale["metodo_pago"], &sale["periodo"]),
        (&json!(1500.00), &json!("01"), &json!("2026-11"))
    );
    assert_eq!(
        counter.audited().await,
        [
            "servicio.pagado_presencial",
            "venta.registrada_para_global",
            "servicio.estado_factura"
        ]
    );
    assert_eq!(counter.app.gigstack.asked(), [""; 0]);
    counter.app.finish().await;
}

#[tokio::test]
async fn the_audit_log_names_who_confirmed() {
    let counter = Counter::open().await;
    let admin = token(&counter.app, "admin", ADMIN);
    assert_eq!(counter.confirm_as(&admin, &without_invoice()).await.status, 200);
    for (actor, action, resource) in counter.app.audit().await {
        assert_eq!(actor, format!("admin:{ADMIN}"), "{action}");
        assert_eq!(resource, counter.service.to_string(), "{action}");
    }
    counter.app.finish().await;
}

#[tokio::test]
async fn every_method_and_every_way_to_write_the_amount_is_taken() {
    let amounts = [
        json!("1500.00"),
        json!("1500"),
        json!("1500.0"),
        json!(1500),
        json!(1500.00),
        Value::Null,
    ];
    for (method, amount) in ["01", "04", "28"].iter().cycle().zip(amounts) {
        let counter = Counter::open().await;
        let body = with(
            without_invoice(),
            json!({ "payment_method": method, "amount": amount }),
        );
        let told = counter.confirm(&body).await;
        assert_eq!(told.status, 200, "{body}");
        assert_eq!(told.body["payment"]["method"], *method);
        assert_eq!(told.body["payment"]["amount"], "1500.00");
        counter.app.finish().await;
    }
}

#[tokio::test]
async fn an_amount_with_centavos_that_no_float_holds() {
    for amount in [json!("1500.10"), json!(1500.10), json!("1500.1")] {
        let counter = Counter::open().await;
        counter.set("monto = 1500.10").await;
        let told = counter
            .confirm(&with(without_invoice(), json!({ "amount": amount })))
            .await;
        assert_eq!(
            (told.status, &told.body["payment"]["amount"]),
            (200, &json!("1500.10"))
        );
        counter.app.finish().await;
    }
}

#[tokio::test]
async fn a_client_whose_card_was_declined_can_pay_at_the_counter() {
    let counter = Counter::open().await;
    let failed = counter
        .story
        .event("payment_intent.payment_failed", counter.app.now());
    counter.app.handle(&failed).await;
    assert_eq!(counter.row().await["estado_pago"], "fallido");
    assert_eq!(counter.confirm(&without_invoice()).await.status, 200);
    let row = counter.row().await;
    assert_eq!(row["estado_pago"], "pagado");
    assert_eq!(row["ultimo_error_pago"], Value::Null);
    counter.app.finish().await;
}

#[tokio::test]
async fn the_same_call_again_gets_the_same_answer_and_writes_nothing() {
    for body in [without_invoice(), with_invoice()] {
        let counter = Counter::open().await;
        counter.confirm(&body).await;
        counter.app.drain().await;
        let first = counter.confirm(&body).await;
        let written = counter.everything().await;
        let asked = counter.app.gigstack.asked();
        counter.app.advance(chrono::TimeDelta::hours(3));
        let admin = token(&counter.app, "admin", ADMIN);
        for body in [&body, &with(body.clone(), json!({ "amount": "1500.00" }))] {
            assert_eq!(counter.confirm(body).await, first);
            assert_eq!(counter.confirm_as(&admin, body).await, first);
        }
        counter.app.drain().await;
        assert_eq!(counter.everything().await, written);
        assert_eq!(counter.app.gigstack.asked(), asked);
        counter.app.finish().await;
    }
}

#[tokio::test]
async fn the_same_call_again_is_answered_also_when_price_and_service_changed_since() {
    let counter = Counter::open().await;
    counter.confirm(&without_invoice()).await;
    counter.set("monto = 1800, estado = 'cancelado'").await;
    let told = counter.confirm(&without_invoice()).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.body["payment"]["amount"], "1500.00");
    assert_eq!(told.body["service"]["price"], "1800.00");
    let told = counter
        .confirm(&with(without_invoice(), json!({ "amount": "1800.00" })))
        .await;
    assert_eq!(told.code(), (409, "otro-importe"));
    let told = counter
        .confirm(&with(without_invoice(), json!({ "amount": "1500.00" })))
        .await;
    assert_eq!(told.status, 200);
    counter.app.finish().await;
}

#[tokio::test]
async fn a_payment_of_stripes_after_it_changes_nothing_and_alerts() {
    let counter = Counter::open().await;
    let confirmed = counter.confirm(&without_invoice()).await;
    let paid = counter.story.event("payment_intent.succeeded", counter.app.now());
    counter.app.handle(&paid).await;
    assert_eq!(counter.app.state(&paid).await.0, "parked");
    assert_eq!(counter.row().await["canal_pago"], "presencial");
    assert_eq!(counter.confirm(&without_invoice()).await, confirmed);
    let mails = counter.app.mails(1).await;
    assert_eq!(mails[0].to, ["equipo@onlycar.example"]);
    counter.app.finish().await;
}

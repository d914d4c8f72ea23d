//! Who may not confirm, what cannot be confirmed, and what is said of it. Nothing is written by any of it.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ADMIN, Counter, OPERATOR, OTHER_OPERATOR, Told, token, with, with_invoice, without_invoice};

/// The operator is refused, and nothing is written.
async fn refused(counter: &Counter, body: &Value) -> Told {
    let before = counter.everything().await;
    let told = counter.confirm(body).await;
    assert_ne!(told.status, 200, "{body}");
    assert_eq!(counter.everything().await, before, "{body}");
    told
}

#[tokio::test]
async fn without_a_token_or_with_another_role_nobody_comes_in() {
    let counter = Counter::open().await;
    let confirm = format!("/api/services/{}/confirm-payment-presencial", counter.service);
    let one = format!("/api/services/{}", counter.service);
    let client = token(&counter.app, "cliente", Uuid::new_v4());
    let body = without_invoice();
    let doors = [
        (Method::POST, confirm.as_str(), Some(&body)),
        (Method::GET, one.as_str(), None),
        (Method::GET, "/api/services", None),
    ];
    for (method, path, body) in doors {
        let told = counter.call(method.clone(), path, None, body).await;
        assert_eq!(told.code(), (401, "falta-token"), "{path}");
        let told = counter.call(method.clone(), path, Some("a.b.c"), body).await;
        assert_eq!(told.code(), (401, "token-no-valido"), "{path}");
        let told = counter.call(method, path, Some(&client), body).await;
        assert_eq!(told.code(), (403, "sin-permiso"), "{path}");
    }
    assert_eq!(counter.row().await["estado_pago"], "pendiente");
    counter.app.finish().await;
}

#[tokio::test]
async fn a_service_of_somebody_else_and_one_that_is_not_there_look_alike() {
    let counter = Counter::open().await;
    let other = token(&counter.app, "operador", OTHER_OPERATOR);
    let foreign = counter.confirm_as(&other, &without_invoice()).await;
    assert_eq!(foreign.code(), (404, "no-encontrado"));
    let body = without_invoice();
    for id in [Uuid::new_v4().to_string(), "1".to_owned()] {
        let path = format!("/api/services/{id}/confirm-payment-presencial");
        let told = counter
            .call(Method::POST, &path, Some(&counter.operator), Some(&body))
            .await;
        assert_eq!(told, foreign, "{id}");
    }
    let path = format!("/api/services/{}", counter.service);
    let told = counter.call(Method::GET, &path, Some(&other), None).await;
    assert_eq!(told, foreign);
    // Nobody's service is for admins alone.
    counter.set("operador_id = null").await;
    assert_eq!(counter.get(&path).await, foreign);
    assert_eq!(counter.confirm(&without_invoice()).await, foreign);
    assert_eq!(counter.row().await["estado_pago"], "pendiente");
    let admin = token(&counter.app, "admin", ADMIN);
    assert_eq!(counter.confirm_as(&admin, &without_invoice()).await.status, 200);
    // An operator's user id gives an admin nothing, and the other way round.
    let operator = token(&counter.app, "operador", ADMIN);
    assert_eq!(counter.confirm_as(&operator, &without_invoice()).await, foreign);
    counter.app.finish().await;
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let counter = Counter::open().await;
    let cases = [
        (
            json!({ "payment_received": false }),
            vec![("payment_received", "pago-no-recibido")],
        ),
        (
            json!({ "payment_received": null }),
            vec![("payment_received", "falta")],
        ),
        (
            json!({ "payment_method": null }),
            vec![("payment_method", "falta")],
        ),
        (
            json!({ "requires_invoice": null }),
            vec![("requires_invoice", "falta")],
        ),
        (
            json!({ "payment_method": "03" }),
            vec![("payment_method", "valor-no-permitido")],
        ),
        (
            json!({ "payment_method": "1" }),
            vec![("payment_method", "valor-no-permitido")],
        ),
        (
            json!({ "payment_method": 1 }),
            vec![("payment_method", "tipo-incorrecto")],
        ),
        (
            json!({ "requires_invoice": "true" }),
            vec![("requires_invoice", "tipo-incorrecto")],
        ),
        (
            json!({ "requires_invoice": true }),
            vec![("customer_email", "falta"), ("customer_phone", "falta")],
        ),
        (
            json!({ "requires_invoice": true, "customer_email": " ", "customer_phone": "" }),
            vec![("customer_email", "falta"), ("customer_phone", "falta")],
        ),
        (
            json!({ "payment_received": false, "payment_method": "99", "requires_invoice": null,
                    "customer_email": "x", "customer_phone": "5", "amount": "-1" }),
            vec![
                ("payment_received", "pago-no-recibido"),
                ("payment_method", "valor-no-permitido"),
                ("customer_email", "correo-no-valido"),
                ("customer_phone", "telefono-no-valido"),
                ("amount", "importe-no-valido"),
                ("requires_invoice", "falta"),
            ],
        ),
    ];
    for (changes, expected) in cases {
        let told = refused(&counter, &with(without_invoice(), changes.clone())).await;
        assert_eq!(told.code(), (422, "datos-no-validos"), "{changes}");
        assert_eq!(told.errors(), expected, "{changes}");
    }
    counter.app.finish().await;
}

#[tokio::test]
async fn contacts_and_amounts_are_read_strictly() {
    let counter = Counter::open().await;
    let long = format!("{}@example.com", "a".repeat(250));
    let emails = [
        "a",
        "a@",
        "@b.mx",
        "a b@c.mx",
        "a@b.mx, c@d.mx",
        "Ana <a@b.mx>",
        "a@b.mx\nBcc: c@d.mx",
        &long,
    ];
    let phones = [
        "8671112233",
        "+52 8671112233",
        "+52-867-1112233",
        "+0528671112233",
        "+1234567",
        "+1234567890123456",
        "++5255512345",
        "+52٥٥٥1112233",
    ];
    let amounts = [
        json!("1,750.00"),
        json!("1750.001"),
        json!("1e3"),
        json!(""),
        json!(" 1750"),
        json!("+1750"),
        json!("-1750"),
        json!("1_500"),
        json!(".5"),
        json!("1750."),
        json!("NaN"),
        json!("9999999999999"),
        json!(-1750),
        json!(1750.001),
        json!(1e300),
        json!(true),
        json!([]),
    ];
    let cases = emails.map(|email| ("customer_email", json!(email)));
    let cases = cases
        .into_iter()
        .chain(phones.map(|phone| ("customer_phone", json!(phone))));
    for (field, value) in cases.chain(amounts.map(|amount| ("amount", amount))) {
        // Also where there is another way to reach the client, or no invoice.
        for body in [
            without_invoice(),
            with(with_invoice(), json!({ "customer_phone": "+525551234567" })),
        ] {
            let told = refused(&counter, &with(body, json!({ field: value }))).await;
            assert_eq!(
                told.errors().first().map(|it| it.0),
                Some(field),
                "{field}: {value}"
            );
            assert_eq!(told.errors().len(), 1, "{field}: {value}");
            let said = told.body.to_string();
            assert!(
                value
                    .as_str()
                    .is_none_or(|text| text.len() < 4 || !said.contains(text)),
                "{said}"
            );
        }
    }
    counter.app.finish().await;
}

#[tokio::test]
async fn the_price_is_what_is_paid() {
    let counter = Counter::open().await;
    let told = refused(&counter, &with(without_invoice(), json!({ "amount": "1500.01" }))).await;
    assert_eq!(told.code(), (409, "importe-distinto-del-precio"));
    assert!(told.detail().contains("1500.00 MXN"), "{}", told.detail());
    counter.app.finish().await;
}

#[tokio::test]
async fn a_cancelled_service_is_not_paid() {
    let counter = Counter::open().await;
    counter.set("estado = 'cancelado'").await;
    let told = refused(&counter, &without_invoice()).await;
    assert_eq!(told.code(), (409, "servicio-cancelado"));
    counter.app.finish().await;
}

#[tokio::test]
async fn a_second_confirmation_that_says_otherwise_is_refused() {
    let counter = Counter::open().await;
    counter.confirm(&without_invoice()).await;
    let told = refused(
        &counter,
        &with(without_invoice(), json!({ "payment_method": "28" })),
    )
    .await;
    assert_eq!(told.code(), (409, "otro-metodo-de-pago"));
    assert!(told.detail().contains("01 (efectivo)"), "{}", told.detail());
    assert!(
        told.detail().contains("el 22/11/2026 a las 12:00"),
        "{}",
        told.detail()
    );
    let told = refused(&counter, &with(with_invoice(), json!({ "payment_method": "04" }))).await;
    assert_eq!(told.code(), (409, "otro-metodo-de-pago"));
    let told = refused(&counter, &with(without_invoice(), json!({ "amount": 1499 }))).await;
    assert_eq!(told.code(), (409, "otro-importe"));
    assert!(told.detail().contains("1500.00 MXN"), "{}", told.detail());
    counter.app.finish().await;
}

#[tokio::test]
async fn what_stripe_was_paid_is_not_paid_again() {
    let counter = Counter::open().await;
    let paid = counter.story.event("payment_intent.succeeded", counter.app.now());
    counter.app.handle(&paid).await;
    let payment = paid["data"]["object"]["id"].as_str().unwrap();
    for body in [without_invoice(), with_invoice()] {
        let told = refused(&counter, &body).await;
        assert_eq!(told.code(), (409, "pagado-por-stripe"));
        assert!(told.detail().contains(payment), "{}", told.detail());
        assert!(told.detail().contains("1500.00 MXN"), "{}", told.detail());
        assert!(told.detail().contains("devuélveselo"), "{}", told.detail());
    }
    for (state, word) in [
        ("reembolsado", "devolvió"),
        ("parcialmente_reembolsado", "devolvió"),
    ] {
        counter.set(&format!("estado_pago = '{state}'")).await;
        let told = refused(&counter, &without_invoice()).await;
        assert_eq!(told.code(), (409, "pagado-por-stripe"), "{state}");
        assert!(told.detail().contains(word), "{}", told.detail());
    }
    counter.app.finish().await;
}

#[tokio::test]
async fn what_was_paid_before_our_records_or_given_back_is_not_paid_again() {
    let counter = Counter::open().await;
    counter.set("estado_pago = 'pagado'").await;
    assert_eq!(
        refused(&counter, &without_invoice()).await.code(),
        (409, "ya-pagado")
    );
    counter
        .set(
            "estado_pago = 'reembolsado', canal_pago = 'presencial', metodo_pago = '01', monto_pagado = 1500",
        )
        .await;
    assert_eq!(
        refused(&counter, &without_invoice()).await.code(),
        (409, "pago-devuelto")
    );
    counter.app.finish().await;
}

#[tokio::test]
async fn an_asked_invoice_does_not_become_a_sale_for_the_public() {
    let counter = Counter::open().await;
    counter.confirm(&with_invoice()).await;
    counter.app.drain().await;
    let told = refused(&counter, &without_invoice()).await;
    assert_eq!(told.code(), (409, "factura-ya-solicitada"));
    counter.app.finish().await;
}

#[tokio::test]
async fn a_sale_in_a_global_invoice_gets_no_invoice_of_its_own_and_is_told_the_way() {
    let counter = Counter::open().await;
    counter.confirm(&without_invoice()).await;
    let mut connection = counter.app.pool.acquire().await.unwrap();
    assert_eq!(counter.claim(&mut connection).await, 1);
    let told = refused(&counter, &with_invoice()).await;
    assert_eq!(told.code(), (409, "venta-en-factura-global"));
    for word in [
        "2026-11",
        "apéndice 2, caso III",
        "CFDI de egreso",
        "administración",
        "V-",
    ] {
        assert!(told.detail().contains(word), "{word}: {}", told.detail());
    }
    // Saying again what was said stays fine.
    assert_eq!(counter.confirm(&without_invoice()).await.status, 200);
    counter.app.finish().await;
}

#[tokio::test]
async fn a_service_that_is_paid_and_then_cancelled_gets_no_new_invoice() {
    let counter = Counter::open().await;
    counter.confirm(&without_invoice()).await;
    counter.set("estado = 'cancelado'").await;
    assert_eq!(
        refused(&counter, &with_invoice()).await.code(),
        (409, "servicio-cancelado")
    );
    counter.app.finish().await;
}

#[tokio::test]
async fn another_operator_learns_nothing_of_a_paid_service_either() {
    let counter = Counter::open().await;
    counter.confirm(&with_invoice()).await;
    counter.set(&format!("operador_id = '{OTHER_OPERATOR}'")).await;
    assert_eq!(
        counter.confirm(&with_invoice()).await.code(),
        (404, "no-encontrado")
    );
    assert_ne!(OPERATOR, OTHER_OPERATOR);
    counter.app.finish().await;
}

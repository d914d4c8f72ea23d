//! The log holds ids and codes. Whose they are stands elsewhere.

use onlycar::dev::gigstack::{Event, Receiver};
use onlycar::engine::audit::{Filter, page, seal};
use serde_json::json;
use uuid::Uuid;

use crate::access::rig::SECRET;
use crate::counter::{SUPABASE, token};
use crate::invoicing::{order_of, tell};
use crate::support::database::db;
use crate::support::{Story, TestApp};

/// What would tell who somebody is, in small letters.
const TELL_TALES: [&str; 6] = [
    "delatora",
    "indiscreta",
    "soplona",
    "secr850101ab1",
    "8671234599",
    "8677654321",
];

#[tokio::test]
async fn neither_the_log_nor_what_is_handed_out_of_it_says_who_somebody_is() {
    let app = TestApp::with(&[("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)]).await;
    let stories = [
        Story::create(&app.pool).await,
        Story::create(&app.pool).await,
        Story::create(&app.pool).await,
    ];
    let name = "update clientes set nombre = 'Delatora ' || id, email = 'indiscreta.' || left(id::text, 8) || '@example.com',
                telefono = '+528671234599'";
    sqlx::query(name).execute(&app.pool).await.unwrap();
    let [paid, failed, counter] = &stories;
    // Paid by card and invoiced; failed, with a mail to the client; paid at the counter, with an invoice that is asked for.
    app.handle(&paid.event("payment_intent.succeeded", app.now()))
        .await;
    let mut order = order_of(paid.service);
    order.receiver = Some(Receiver {
        rfc: "SECR850101AB1".to_owned(),
        name: "SOPLONA DELATORA".to_owned(),
        postal_code: "64123".to_owned(),
        ..Receiver::sample()
    });
    let invoice = app.gigstack.stamp(order);
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    app.handle(&failed.event("payment_intent.payment_failed", app.now()))
        .await;
    let url = format!(
        "{}/api/services/{}/confirm-payment-presencial",
        app.url, counter.service
    );
    let body = json!({ "payment_method": "01", "payment_received": true, "requires_invoice": true,
                       "customer_email": "soplona@example.com", "customer_phone": "+528677654321" });
    let request = app
        .client
        .post(url)
        .bearer_auth(token(&app, "admin", Uuid::from_u128(3)));
    assert_eq!(request.json(&body).send().await.unwrap().status(), 200);
    app.drain().await;

    seal(&db(&app.pool)).await.unwrap();
    let rows: Vec<String> = sqlx::query_scalar("select to_jsonb(l)::text from logs_auditoria l")
        .fetch_all(&app.pool)
        .await
        .unwrap();
    let exported = page(&db(&app.pool), &Filter::default(), 0)
        .await
        .unwrap()
        .unwrap()
        .rows;
    let exported: Vec<String> = exported
        .iter()
        .map(|row| serde_json::to_string(row).unwrap())
        .collect();
    assert!(rows.len() > 5 && rows.len() == exported.len(), "{rows:#?}");
    let all = rows.concat() + &exported.concat();
    for action in [
        "servicio.pagado",
        "factura.emitida",
        "notificacion.enviada",
        "servicio.pagado_presencial",
        "autofactura.solicitada",
    ] {
        assert!(all.contains(action), "the stories were told: {action}");
    }
    for row in rows.iter().chain(&exported) {
        let words = row.to_lowercase();
        for tale in TELL_TALES {
            assert!(!words.contains(tale), "{tale}: {row}");
        }
    }
    app.finish().await;
}

//! Nobody's fiscal data is in PostgreSQL, whatever Gigstack tells.

use onlycar::dev::gigstack::{Delivery, Event, Receiver, Shape};

use super::{order_of, story, tell_as};
use crate::support::TestApp;

/// Every row of every table, as text.
async fn everything(app: &TestApp) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables
         where schemaname not in ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap();
    let mut all = String::new();
    for table in tables {
        // Bytes as the text that they may hold.
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&app.pool)
            .await
            .unwrap();
        all.push_str(&rows);
    }
    let payloads = "select coalesce(string_agg(encode(payload, 'escape'), ' '), '') from webhooks.events";
    all + &app.one::<String>(payloads).await
}

#[tokio::test]
async fn no_table_holds_whom_an_invoice_is_for() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let receiver = Receiver {
        rfc: "SECR850101AB1".to_owned(),
        name: "RECEPTORA SECRETISIMA".to_owned(),
        postal_code: "64123".to_owned(),
        ..Receiver::sample()
    };
    for shape in [Shape::Object, Shape::Flat, Shape::EventType, Shape::Bare] {
        let mut order = order_of(story.service);
        order.receiver = Some(receiver.clone());
        let invoice = app.gigstack.stamp(order);
        let delivery = Delivery {
            shape,
            ..Delivery::default()
        };
        tell_as(&app, Event::InvoiceCreated, &invoice.id, delivery).await;
        app.gigstack.cancel(&invoice.id, "02").unwrap();
        tell_as(&app, Event::InvoiceCancelled, &invoice.id, delivery).await;
    }
    let everything = everything(&app).await;
    assert!(everything.contains("facturas/2026/"), "the scan sees the rows");
    for secret in ["SECR850101AB1", "SECRETISIMA", "64123"] {
        assert!(!everything.to_uppercase().contains(secret), "{secret}");
        let bytes = hex::encode(secret);
        assert!(!everything.contains(&bytes), "{secret} in hex");
    }
    app.finish().await;
}

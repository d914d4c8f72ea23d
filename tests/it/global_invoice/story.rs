//! A month, from its sales to the stamped document.

use chrono::TimeDelta;
use serde_json::Value;

use super::scene::*;

#[tokio::test]
async fn the_sales_of_a_month_are_in_one_document_each_once() {
    let app = starting("2026-11-30T20:00:00Z").await;
    let cash = sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    let card = sell(&app, "350.00", "04", "2026-11-05T16:00:00Z").await;
    let debit = sell(&app, "349.99", "28", "2026-11-30T18:00:00Z").await;
    assert_eq!(shown(&app, cash).await, "pendiente_factura_global");
    november_ends(&app).await;

    let document = only(&app);
    let mut expected = [
        format!("{} 100.00", folio(cash)),
        format!("{} 350.00", folio(card)),
        format!("{} 349.99", folio(debit)),
    ];
    expected.sort();
    assert_eq!(tickets(&document), expected);
    let period = document.order.global.clone().unwrap();
    assert_eq!(
        (&*period.periodicity, &*period.month, period.year),
        ("04", "11", 2026)
    );
    assert_eq!(document.order.payment_form, "04", "that of the largest sale");

    let row = app
        .one::<Value>("select to_jsonb(f) from facturas_emitidas f")
        .await;
    assert_eq!(row["origen"], "global");
    assert_eq!(row["periodo"], "2026-11");
    assert_eq!(row["estado"], "vigente");
    assert_eq!(row["forma_pago"], "04");
    assert_eq!(row["uuid_sat"], document.uuid.to_string());
    assert_eq!(row["servicio_id"], Value::Null);
    assert_eq!(
        app.amount("facturas_emitidas", "monto_total", row["id"].as_str().unwrap())
            .await,
        "799.990000"
    );
    for service in [cash, card, debit] {
        assert_eq!(shown(&app, service).await, "en_factura_global");
    }
    let settled = "select count(*) from ventas_factura_global v join facturas_emitidas f on f.id = factura_id
                   join invoicing.requests r on r.id = solicitud_id
                   where conciliada and r.state = 'completed' and r.gigstack_id = f.gigstack_id";
    assert_eq!(app.one::<i64>(settled).await, 3);
    let stored = app.bucket.keys().await;
    assert!(
        stored.contains(&format!("facturas/2026/{}.xml", document.uuid)),
        "{stored:?}"
    );
    assert_eq!(alerts(&app).await, []);

    let told = app.audit().await;
    let actions: Vec<&str> = told.iter().map(|(_, action, _)| &**action).collect();
    for (action, times) in [
        ("factura_global.solicitada", 1),
        ("factura_global.conciliada", 1),
        ("factura.emitida", 1),
        ("servicio.estado_factura", 9),
    ] {
        assert_eq!(
            actions.iter().filter(|it| **it == action).count(),
            times,
            "{action}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_month_is_asked_for_once() {
    let app = starting("2026-11-30T20:00:00Z").await;
    sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    november_ends(&app).await;
    for _ in 0..3 {
        app.advance(TimeDelta::hours(1));
        look(&app).await;
    }
    only(&app);
    assert_eq!(app.one::<i64>("select count(*) from invoicing.requests").await, 1);
    assert_eq!(app.one::<i64>("select count(*) from facturas_emitidas").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_month_without_sales_has_no_invoice() {
    let app = starting("2026-11-30T20:00:00Z").await;
    november_ends(&app).await;
    assert_eq!(stamped(&app).len(), 0);
    assert_eq!(app.one::<i64>("select count(*) from invoicing.requests").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_sale_that_comes_too_late_is_left_to_a_person_who_is_told() {
    let app = starting("2026-11-30T20:00:00Z").await;
    sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    november_ends(&app).await;
    let late = sell(&app, "70.00", "01", "2026-11-29T16:00:00Z").await;
    look(&app).await;
    assert_eq!(only(&app).order.items.len(), 1, "the month was asked for already");
    assert_eq!(causes(&app).await, [""; 0]);
    app.advance(TimeDelta::hours(12));
    look(&app).await;
    assert_eq!(causes(&app).await, ["factura-global-tarde:2026-11"]);
    assert!(alerts(&app).await[0].1.starts_with("1 ventas de 2026-11 "));

    let month = "2026-11".parse().unwrap();
    let run = onlycar::invoicing::global::run(&app.engine, onlycar::ground::facts::Actor::Console(0), month)
        .await
        .unwrap();
    assert_eq!((run.again.len(), run.new.len()), (0, 1));
    assert_eq!((run.new[0].part, run.new[0].sales), (2, 1));
    settle(&app).await;
    assert_eq!(tickets(&stamped(&app)[1]), [format!("{} 70.00", folio(late))]);
    assert_eq!(shown(&app, late).await, "en_factura_global");
    assert_eq!(causes(&app).await, [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_thousand_sales_fit_into_one_document() {
    let app = starting("2026-11-30T20:00:00Z").await;
    let amounts: Vec<String> = (0..1000_u32)
        .map(|n| format!("{}.{:02}", 10 + n % 700, n % 100))
        .collect();
    let sales: Vec<(&str, &str)> = amounts.iter().map(|amount| (&**amount, "01")).collect();
    sell_many(&app, &sales, at("2026-11-15T18:00:00Z")).await;
    november_ends(&app).await;
    assert_eq!(only(&app).order.items.len(), 1000);
    let settled = "select count(*) from ventas_factura_global where conciliada";
    assert_eq!(app.one::<i64>(settled).await, 1000);
    let shown = "select count(*) from servicios where estado_factura = 'en_factura_global'";
    assert_eq!(app.one::<i64>(shown).await, 1000);
    assert_eq!(causes(&app).await, [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn switched_off_it_only_says_what_is_late() {
    let app = configured(
        "2026-12-01T06:15:00Z",
        Some("invoicing.global_every_month = false"),
    )
    .await;
    sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    look(&app).await;
    assert_eq!(causes(&app).await, [""; 0]);
    app.advance(TimeDelta::hours(12));
    look(&app).await;
    assert_eq!(stamped(&app).len(), 0);
    assert_eq!(causes(&app).await, ["factura-global-tarde:2026-11"]);
    app.finish().await;
}

#[tokio::test]
async fn more_sales_than_a_document_takes_are_asked_for_in_parts() {
    let app = starting("2026-11-30T20:00:00Z").await;
    let many = "with services as (
                    insert into servicios (descripcion, monto, monto_pagado, metodo_pago, canal_pago, estado_pago, pagado_en)
                    select 'Lavado', 10, 10, '01', 'presencial', 'pagado', '2026-11-15T18:00:00Z'
                    from generate_series(1, 5003) returning id)
                insert into ventas_factura_global (servicio_id, folio, monto, moneda, metodo_pago, vendida_en, periodo)
                select id, 'V-' || upper(replace(id::text, '-', '')), 10, 'MXN', '01', '2026-11-15T18:00:00Z', '2026-11'
                from services";
    sqlx::query(many).execute(&app.pool).await.unwrap();
    november_ends(&app).await;
    let mut counts: Vec<usize> = stamped(&app).iter().map(|it| it.order.items.len()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [3, 5000]);
    let held = "select count(*) from ventas_factura_global where conciliada";
    assert_eq!(app.one::<i64>(held).await, 5003);
    let parts = "select array_agg(part || ' ' || state order by part) from invoicing.requests";
    assert_eq!(
        app.one::<Vec<String>>(parts).await,
        ["1 completed", "2 completed"]
    );
    assert_eq!(causes(&app).await, [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn the_vendor_s_own_dialect_makes_it_too() {
    let app = configured("2026-11-30T20:00:00Z", Some("gigstack.dialect = \"v2\"")).await;
    let service = sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    november_ends(&app).await;
    assert_eq!(tickets(&only(&app)), [format!("{} 100.00", folio(service))]);
    assert_eq!(shown(&app, service).await, "en_factura_global");
    assert!(
        app.gigstack
            .asked()
            .contains(&"POST /v2/invoices/income".to_owned())
    );
    app.finish().await;
}

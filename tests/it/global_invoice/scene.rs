//! Sales, months and what became of them.

use chrono::{DateTime, Utc};
use onlycar::dev::gigstack::{Delivery, Event, Invoice, Item, Order, Period};
use onlycar::engine::work::{Unit, Work};
use onlycar::ground::facts::{Actor, CounterInvoice, Fact};
use onlycar::ground::values::ServiceId;
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;

/// The job that looks after the months.
const MONTHLY: &str = "revisar_factura_global";

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The program with its workers at this time.
pub async fn starting(time: &str) -> TestApp {
    configured(time, None).await
}

/// The same with a settings file's text.
pub async fn configured(time: &str, file: Option<&str>) -> TestApp {
    let mut app = TestApp::configured(&[], file).await;
    app.advance(at(time) - app.now());
    app.work();
    app
}

/// It is then, and the months are looked after.
pub async fn on(app: &TestApp, time: &str) {
    app.advance(at(time) - app.now());
    look(app).await;
}

/// A quarter of an hour after November.
pub async fn november_ends(app: &TestApp) {
    on(app, "2026-12-01T06:15:00Z").await;
}

/// `V-` and the service's id.
pub fn folio(service: Uuid) -> String {
    format!("V-{}", service.simple().to_string().to_uppercase())
}

async fn begin(app: &TestApp) -> Work {
    let unit = Unit::by(Actor::Operator(Uuid::nil()));
    app.engine.begin(unit).await.unwrap()
}

async fn paid(app: &TestApp, amount: &str, form: &str, time: DateTime<Utc>) -> Uuid {
    let insert = "insert into servicios (descripcion, monto, monto_pagado, metodo_pago, canal_pago, estado_pago, pagado_en)
                  values ('Lavado', $1, $1, $2, 'presencial', 'pagado', $3) returning id";
    let amount: Decimal = amount.parse().unwrap();
    let inserted = sqlx::query_scalar(insert).bind(amount).bind(form).bind(time);
    inserted.fetch_one(&app.pool).await.unwrap()
}

/// A service is paid at the counter without an invoice.
pub async fn sell(app: &TestApp, amount: &str, form: &str, time: &str) -> Uuid {
    sell_many(app, &[(amount, form)], at(time)).await[0]
}

/// Several at once.
pub async fn sell_many(app: &TestApp, sales: &[(&str, &str)], time: DateTime<Utc>) -> Vec<Uuid> {
    let mut services = Vec::new();
    for (amount, form) in sales {
        services.push(paid(app, amount, form, time).await);
    }
    let mut work = begin(app).await;
    for service in &services {
        work.say(Fact::PaidAtCounter {
            service: ServiceId(*service),
            invoice: CounterInvoice::Global,
        });
    }
    work.commit().await.unwrap();
    services
}

/// What somebody at the counter does.
pub async fn says(app: &TestApp, fact: Fact) {
    let mut work = begin(app).await;
    work.say(fact);
    work.commit().await.unwrap();
}

/// Looks after the months now, as the scheduled job does, and waits for what follows.
pub async fn look(app: &TestApp) {
    job(app, MONTHLY, json!({})).await;
    settle(app).await;
}

pub async fn job(app: &TestApp, kind: &'static str, payload: serde_json::Value) {
    app.engine.request(kind, &payload).await.unwrap();
}

/// Waits until all is done that is due, at Gigstack too.
pub async fn settle(app: &TestApp) {
    app.drain().await;
    app.gigstack.settled().await;
    app.drain().await;
}

/// The stamped global invoices, the oldest first.
pub fn stamped(app: &TestApp) -> Vec<Invoice> {
    let all = app.gigstack.invoices();
    all.into_iter().filter(|it| it.order.global.is_some()).collect()
}

/// The one that there is.
pub fn only(app: &TestApp) -> Invoice {
    let mut all = stamped(app);
    assert_eq!(
        all.len(),
        1,
        "{:?}",
        all.iter().map(|it| &it.order).collect::<Vec<_>>()
    );
    all.remove(0)
}

/// `folio amount` of each ticket, sorted.
pub fn tickets(invoice: &Invoice) -> Vec<String> {
    let items = invoice.order.items.iter();
    let mut tickets: Vec<String> = items
        .map(|item| format!("{} {:.2}", item.id.clone().unwrap_or_default(), item.total))
        .collect();
    tickets.sort();
    tickets
}

/// Where the invoice of a service stands.
pub async fn shown(app: &TestApp, service: Uuid) -> String {
    let row = app.row("servicios", service).await;
    row["estado_factura"].as_str().unwrap_or_default().to_owned()
}

/// Open incidents, by their causes and details.
pub async fn alerts(app: &TestApp) -> Vec<(String, String)> {
    let sql = "select cause, detail from engine.alerts where resolved_at is null order by cause";
    sqlx::query_as(sql).fetch_all(&app.pool).await.unwrap()
}

pub async fn causes(app: &TestApp) -> Vec<String> {
    alerts(app).await.into_iter().map(|(cause, _)| cause).collect()
}

/// The request that waits for its invoice.
pub async fn waiting(app: &TestApp) -> Uuid {
    app.one("select id from invoicing.requests where kind = 'global' and state = 'requested'")
        .await
}

/// A document that somebody stamps instead of ours: with these tickets, of November.
pub fn november(tickets: &[(String, &str)]) -> Order {
    let item = |(id, total): &(String, &str)| Item {
        id: Some(id.clone()),
        description: "Venta".to_owned(),
        total: total.parse().unwrap(),
    };
    Order {
        items: tickets.iter().map(item).collect(),
        receiver: None,
        global: Some(Period {
            periodicity: "04".to_owned(),
            month: "11".to_owned(),
            year: 2026,
        }),
        ..Order::default()
    }
}

/// It is stamped, and we are told.
pub async fn stamps(app: &TestApp, order: Order) -> Invoice {
    let invoice = app.gigstack.stamp(order);
    tell(app, Event::InvoiceCreated, &invoice).await;
    invoice
}

pub async fn tell(app: &TestApp, event: Event, invoice: &Invoice) {
    let answers = app
        .gigstack
        .deliver(event, &invoice.id, Delivery::default())
        .await
        .unwrap();
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    settle(app).await;
}

/// SAT cancels it, and we are told.
pub async fn cancels(app: &TestApp, invoice: &Invoice) {
    assert!(app.gigstack.cancel(&invoice.id, "02").unwrap());
    tell(app, Event::InvoiceCancelled, invoice).await;
}

//! Several who ask for the same month, or for the same sale, at the same time.

use futures_util::future::join_all;
use onlycar::engine::worker::Workers;
use onlycar::ground::facts::{Actor, Contact, CounterInvoice, Fact};
use onlycar::ground::values::ServiceId;
use onlycar::invoicing::global;
use serde_json::json;
use uuid::Uuid;

use super::scene::*;
use crate::support::TestApp;

pub fn own_invoice(service: Uuid) -> Fact {
    Fact::PaidAtCounter {
        service: ServiceId(service),
        invoice: CounterInvoice::SelfService(Contact {
            email: Some("ana@example.com".to_owned()),
            phone: None,
        }),
    }
}

async fn each_once(app: &TestApp, sales: i64) {
    let documents = stamped(app);
    let mut all: Vec<String> = documents.iter().flat_map(tickets).collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), count), (usize::try_from(sales).unwrap(), count));
    let held = "select count(*) from ventas_factura_global where conciliada";
    assert_eq!(app.one::<i64>(held).await, sales);
    let empty = "select count(*) from invoicing.requests r
                 where kind = 'global' and not exists (select from ventas_factura_global where solicitud_id = r.id)";
    assert_eq!(app.one::<i64>(empty).await, 0, "no request without sales");
}

#[tokio::test]
async fn two_replicas_and_many_ticks_make_one_document() {
    let app = starting("2026-11-30T20:00:00Z").await;
    let sales = vec![("10.00", "01"); 40];
    sell_many(&app, &sales, at("2026-11-15T18:00:00Z")).await;
    app.advance(at("2026-12-01T06:15:00Z") - app.now());
    let other = Workers::start(&app.engine);
    join_all((0..12).map(|_| job(&app, "revisar_factura_global", json!({})))).await;
    settle(&app).await;
    other.stop().await;
    assert_eq!(only(&app).order.items.len(), 40);
    each_once(&app, 40).await;
    app.finish().await;
}

#[tokio::test]
async fn people_beside_the_schedule_claim_each_sale_once() {
    let app = starting("2026-11-30T20:00:00Z").await;
    sell_many(&app, &[("10.00", "01"); 40], at("2026-11-15T18:00:00Z")).await;
    let month = "2026-11".parse().unwrap();
    let people = join_all((0..6).map(|_| global::run(&app.engine, Actor::Console(0), month)));
    let ticks = join_all((0..6).map(|_| job(&app, "revisar_factura_global", json!({}))));
    let (people, _) = tokio::join!(people, ticks);
    for run in people {
        run.unwrap();
    }
    settle(&app).await;
    assert_eq!(only(&app).order.items.len(), 40);
    each_once(&app, 40).await;
    app.finish().await;
}

#[tokio::test]
async fn a_client_who_wants_an_own_invoice_before_the_claim_is_not_in_the_document() {
    let app = starting("2026-11-20T18:00:00Z").await;
    let own = sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    let rest = sell(&app, "200.00", "01", "2026-11-02T16:00:00Z").await;
    says(&app, own_invoice(own)).await;
    november_ends(&app).await;
    assert_eq!(tickets(&only(&app)), [format!("{} 200.00", folio(rest))]);
    assert_eq!(shown(&app, own).await, "autofactura_pendiente");
    app.finish().await;
}

#[tokio::test]
async fn sales_that_are_wanted_twice_at_once_are_in_one_place_only() {
    let app = starting("2026-11-30T20:00:00Z").await;
    let services = sell_many(&app, &[("10.00", "01"); 24], at("2026-11-15T18:00:00Z")).await;
    let month = "2026-11".parse().unwrap();
    let wishes = join_all(
        services
            .iter()
            .step_by(2)
            .map(|service| says(&app, own_invoice(*service))),
    );
    let (run, _) = tokio::join!(global::run(&app.engine, Actor::Console(0), month), wishes);
    run.unwrap();
    settle(&app).await;
    let both = "select count(*) from invoicing.requests r join ventas_factura_global v on v.servicio_id = r.servicio_id
                where r.kind = 'self_invoice' and r.state in ('requested', 'open')";
    assert_eq!(
        app.one::<i64>(both).await,
        0,
        "a sale in a global invoice has no page for another one"
    );
    let neither = "select count(*) from servicios s
                   where not exists (select from ventas_factura_global where servicio_id = s.id)
                     and not exists (select from invoicing.requests where servicio_id = s.id)";
    assert_eq!(app.one::<i64>(neither).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_client_who_comes_after_the_claim_is_for_a_person() {
    let app = starting("2026-11-30T20:00:00Z").await;
    let service = sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    on(&app, "2026-12-01T06:15:00Z").await;
    says(&app, own_invoice(service)).await;
    settle(&app).await;
    assert_eq!(
        causes(&app).await,
        [format!("factura-despues-de-global:{service}")]
    );
    assert_eq!(shown(&app, service).await, "en_factura_global");
    assert_eq!(app.gigstack.receipts().len(), 0);
    app.finish().await;
}

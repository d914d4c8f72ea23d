//! When a month is over in Nuevo Laredo, and what belongs to it.

use chrono::TimeDelta;
use onlycar::ground::values::Month;

use super::scene::*;
use crate::support::TestApp;

/// Looks every quarter of an hour until then, as the schedule does.
async fn pass(app: &TestApp, until: &str) {
    while app.now() < at(until) {
        app.advance(TimeDelta::minutes(15));
        look(app).await;
    }
}

async fn period_of(app: &TestApp, service: uuid::Uuid) -> String {
    let row = "select periodo from ventas_factura_global where servicio_id = $1";
    sqlx::query_scalar(row)
        .bind(service)
        .fetch_one(&app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_last_second_and_the_first_one_are_in_two_months() {
    let app = starting("2026-12-01T05:50:00Z").await;
    let last = sell(&app, "100.00", "01", "2026-12-01T05:59:59Z").await;
    let first = sell(&app, "200.00", "01", "2026-12-01T06:00:00Z").await;
    assert_eq!(period_of(&app, last).await, "2026-11");
    assert_eq!(period_of(&app, first).await, "2026-12");
    app.advance(at("2026-12-01T06:14:59Z") - app.now());
    look(&app).await;
    assert_eq!(stamped(&app).len(), 0, "a payment may still be on its way");
    app.advance(TimeDelta::seconds(1));
    look(&app).await;
    assert_eq!(tickets(&only(&app)), [format!("{} 100.00", folio(last))]);
    assert_eq!(shown(&app, first).await, "pendiente_factura_global");
    app.finish().await;
}

/// On Sunday 1 November 2026 the hour from 1 to 2 comes twice.
#[tokio::test]
async fn daylight_saving_that_ends_on_day_one_makes_no_second_invoice() {
    let app = starting("2026-11-01T04:45:00Z").await;
    let october = sell(&app, "100.00", "01", "2026-11-01T04:59:59Z").await;
    // 01:30 in summer time and 01:30 in winter time.
    let twice = [
        sell(&app, "200.00", "01", "2026-11-01T06:30:00Z").await,
        sell(&app, "300.00", "01", "2026-11-01T07:30:00Z").await,
    ];
    assert_eq!(period_of(&app, october).await, "2026-10");
    for service in twice {
        assert_eq!(period_of(&app, service).await, "2026-11");
    }
    pass(&app, "2026-11-01T05:00:00Z").await;
    assert_eq!(stamped(&app).len(), 0);
    pass(&app, "2026-11-01T05:15:00Z").await;
    assert_eq!(stamped(&app).len(), 1, "at 00:15");
    pass(&app, "2026-11-01T09:00:00Z").await;
    assert_eq!(tickets(&only(&app)), [format!("{} 100.00", folio(october))]);
    assert_eq!(only(&app).order.global.unwrap().month, "10");
    november_ends(&app).await;
    assert_eq!(stamped(&app)[1].order.items.len(), 2);
    app.finish().await;
}

/// On 8 March 2026 the hour from 2 to 3 is left out, and the month ends an hour earlier than it began.
#[tokio::test]
async fn daylight_saving_that_begins_shortens_its_month() {
    let app = starting("2026-03-08T07:59:59Z").await;
    sell(&app, "100.00", "01", "2026-03-01T06:00:00Z").await;
    sell(&app, "200.00", "01", "2026-03-08T07:59:59Z").await;
    sell(&app, "300.00", "01", "2026-03-08T08:00:00Z").await;
    let last = sell(&app, "400.00", "01", "2026-04-01T04:59:59Z").await;
    let april = sell(&app, "500.00", "01", "2026-04-01T05:00:00Z").await;
    assert_eq!(period_of(&app, last).await, "2026-03");
    assert_eq!(period_of(&app, april).await, "2026-04");
    look(&app).await;
    app.advance(at("2026-04-01T05:14:59Z") - app.now());
    look(&app).await;
    assert_eq!(stamped(&app).len(), 0);
    app.advance(TimeDelta::seconds(1));
    look(&app).await;
    assert_eq!(only(&app).order.items.len(), 4);
    app.finish().await;
}

#[tokio::test]
async fn december_is_invoiced_in_january_under_its_own_year() {
    let app = starting("2027-01-01T05:59:00Z").await;
    sell(&app, "100.00", "01", "2027-01-01T05:59:59Z").await;
    sell(&app, "200.00", "01", "2027-01-01T06:00:00Z").await;
    on(&app, "2027-01-01T06:15:00Z").await;
    let document = only(&app);
    let period = document.order.global.clone().unwrap();
    assert_eq!((&*period.month, period.year), ("12", 2026));
    assert_eq!(document.order.items.len(), 1);
    assert_eq!(
        app.one::<String>("select periodo from facturas_emitidas").await,
        "2026-12"
    );
    app.finish().await;
}

#[tokio::test]
async fn months_that_passed_while_nobody_was_there_are_caught_up_each_for_itself() {
    let app = starting("2026-09-10T15:00:00Z").await;
    for (amount, time) in [
        ("100.00", "2026-09-10T16:00:00Z"),
        ("200.00", "2026-10-10T16:00:00Z"),
        ("300.00", "2026-11-10T16:00:00Z"),
        ("400.00", "2026-12-09T14:00:00Z"),
    ] {
        sell(&app, amount, "01", time).await;
    }
    on(&app, "2026-12-09T15:00:00Z").await;
    look(&app).await;
    let mut months: Vec<(String, String)> = stamped(&app)
        .iter()
        .map(|it| {
            (
                it.order.global.clone().unwrap().month,
                it.order.items[0].total.normalize().to_string(),
            )
        })
        .collect();
    months.sort();
    let expected = [("09", "100"), ("10", "200"), ("11", "300")];
    let expected = expected.map(|(month, amount)| (month.to_owned(), amount.to_owned()));
    assert_eq!(months, expected);
    assert_eq!(causes(&app).await, [""; 0]);
    app.finish().await;
}

/// Whoever decides two months later against an invoice of their own is in the month of the payment.
#[tokio::test]
async fn a_sale_belongs_to_the_month_of_its_payment_whenever_it_is_registered() {
    let app = starting("2027-02-01T12:00:00Z").await;
    let service = sell(&app, "100.00", "01", "2026-11-30T23:00:00Z").await;
    assert_eq!(period_of(&app, service).await, "2026-11");
    assert_eq!(Month::of(app.now()).to_string(), "2027-02");
    look(&app).await;
    assert_eq!(only(&app).order.global.unwrap().month, "11");
    app.finish().await;
}

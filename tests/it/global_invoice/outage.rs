//! Gigstack away for hours, answers that are lost, workers that die: one document at the end.

use chrono::TimeDelta;
use onlycar::dev::gigstack::Fault;
use onlycar::ground::facts::Actor;
use serde_json::json;

use super::scene::*;
use crate::support::TestApp;

const PUBLIC: &str = "/v1/invoices/public";

/// Time goes by until the request is answered.
async fn hours(app: &TestApp, hours: i32) {
    for _ in 0..hours {
        app.advance(TimeDelta::hours(1));
        look(app).await;
    }
}

fn asked(app: &TestApp) -> usize {
    let posts = app.gigstack.asked();
    posts.iter().filter(|it| it.contains(PUBLIC)).count()
}

#[tokio::test]
async fn hours_without_gigstack_delay_the_document_and_alert_in_time() {
    let app = starting("2026-11-30T20:00:00Z").await;
    sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    for fault in [
        Fault::RateLimited,
        Fault::ServerError,
        Fault::BadGateway,
        Fault::Html,
    ] {
        app.gigstack.fail_at(PUBLIC, fault, 1);
    }
    app.gigstack.fail_at(PUBLIC, Fault::ServerError, 100);
    november_ends(&app).await;
    hours(&app, 11).await;
    assert_eq!(causes(&app).await, [""; 0], "half of the time is left");
    hours(&app, 2).await;
    assert_eq!(causes(&app).await, ["factura-global-tarde:2026-11"]);
    assert_eq!(stamped(&app).len(), 0);
    assert!(asked(&app) > 4, "it was tried again: {}", asked(&app));
    app.gigstack.heal();
    hours(&app, 8).await;
    only(&app);
    assert_eq!(causes(&app).await, [""; 0], "stamped, it is over");
    assert_eq!(
        app.one::<i64>("select count(*) from ventas_factura_global where conciliada")
            .await,
        1
    );
    app.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_document() {
    for fault in [Fault::LostAnswer, Fault::Cut] {
        let app = starting("2026-11-30T20:00:00Z").await;
        sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
        app.gigstack.fail_at(PUBLIC, fault, 2);
        november_ends(&app).await;
        hours(&app, 2).await;
        only(&app);
        assert_eq!(
            app.one::<i64>("select count(*) from facturas_emitidas").await,
            1,
            "{fault:?}"
        );
        assert_eq!(causes(&app).await, [""; 0]);
        app.finish().await;
    }
}

/// The worker that had asked died before it wrote that down; the document cannot be had either.
#[tokio::test]
async fn a_job_that_is_done_again_asks_with_the_same_key() {
    let mut app = starting("2026-11-30T20:00:00Z").await;
    sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    app.gigstack.fail_at("/v1/invoices/", Fault::Truncated, 1000);
    november_ends(&app).await;
    let request = json!({ "request": waiting(&app).await });
    for _ in 0..3 {
        job(&app, "solicitar_a_gigstack", request.clone()).await;
        settle(&app).await;
    }
    assert_eq!(asked(&app), 4);
    only(&app);
    app.gigstack.heal();
    job(&app, "solicitar_a_gigstack", request.clone()).await;
    settle(&app).await;
    only(&app);
    let state = "select state from invoicing.requests";
    assert_eq!(app.one::<String>(state).await, "completed");

    // Afterwards nobody asks any more.
    job(&app, "solicitar_a_gigstack", request).await;
    settle(&app).await;
    assert_eq!(asked(&app), 5);
    app.stop().await;
}

#[tokio::test]
async fn what_gigstack_refuses_waits_for_a_person_who_asks_again() {
    let app = starting("2026-11-30T20:00:00Z").await;
    let service = sell(&app, "100.00", "07", "2026-11-02T16:00:00Z").await;
    november_ends(&app).await;
    assert_eq!(
        causes(&app).await,
        ["apartado:solicitar_a_gigstack"],
        "07 is no form of payment"
    );
    assert_eq!(shown(&app, service).await, "factura_global_solicitada");
    let mend = "update ventas_factura_global set metodo_pago = '01'";
    sqlx::query(mend).execute(&app.pool).await.unwrap();
    let request = waiting(&app).await;
    let run =
        onlycar::invoicing::global::run(&app.engine, Actor::Console(0), "2026-11".parse().unwrap()).await;
    let run = run.unwrap();
    assert_eq!((run.again, run.new.len()), (vec![request], 0));
    settle(&app).await;
    only(&app);
    assert_eq!(shown(&app, service).await, "en_factura_global");
    app.finish().await;
}

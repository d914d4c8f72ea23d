//! A stamped document that is not the one that was asked for.

use onlycar::dev::gigstack::{Fault, Invoice, Order};
use uuid::Uuid;

use super::scene::*;
use crate::support::TestApp;

/// Two sales of November, claimed; Gigstack does not answer, so that the document can come from elsewhere.
async fn claimed() -> (TestApp, [Uuid; 2], Uuid) {
    let app = starting("2026-11-30T20:00:00Z").await;
    let services = [
        sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await,
        sell(&app, "350.00", "04", "2026-11-05T16:00:00Z").await,
    ];
    app.gigstack
        .fail_at("/v1/invoices/public", Fault::ServerError, 1000);
    november_ends(&app).await;
    let request = waiting(&app).await;
    (app, services, request)
}

/// The document that answers the request.
fn answer(request: Uuid, tickets: &[(String, &str)]) -> Order {
    november(tickets).noting("solicitud_id", &request.to_string())
}

/// The alert about it, without what every such alert says.
async fn difference(app: &TestApp, document: &Invoice) -> String {
    let id: Uuid = sqlx::query_scalar("select id from facturas_emitidas where uuid_sat = $1")
        .bind(document.uuid)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    let cause = format!("factura-global-distinta:{id}");
    let all = alerts(app).await;
    let (_, detail) = all
        .iter()
        .find(|(it, _)| *it == cause)
        .unwrap_or_else(|| panic!("{all:?}"));
    let told = detail.split_once("que se pidieron: ").unwrap().1;
    told.split_once(".\nSiguiente").unwrap().0.to_owned()
}

/// Which of the services its invoice holds, and with their amounts.
async fn marks(app: &TestApp, service: Uuid) -> (bool, bool, bool) {
    let sql = "select solicitud_id is not null, factura_id is not null, conciliada
               from ventas_factura_global where servicio_id = $1";
    sqlx::query_as(sql)
        .bind(service)
        .fetch_one(&app.pool)
        .await
        .unwrap()
}

/// The request is completed; what was planned of it fails for good on purpose.
async fn end(mut app: TestApp) {
    assert_eq!(
        app.one::<String>("select state from invoicing.requests order by part limit 1")
            .await,
        "completed"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_ticket_that_is_missing_is_told_and_open_again() {
    let (app, [cash, card], request) = claimed().await;
    let document = stamps(&app, answer(request, &[(folio(card), "350.00")])).await;
    assert_eq!(
        difference(&app, &document).await,
        format!("falta {} (100.00)", folio(cash))
    );
    assert_eq!(marks(&app, card).await, (true, true, true));
    assert_eq!(marks(&app, cash).await, (false, false, false));
    assert_eq!(shown(&app, card).await, "en_factura_global");
    assert_eq!(shown(&app, cash).await, "pendiente_factura_global");
    look(&app).await;
    assert_eq!(marks(&app, cash).await, (false, false, false), "a person decides");
    end(app).await;
}

#[tokio::test]
async fn another_amount_is_told_and_stays_unreconciled() {
    let (app, [cash, card], request) = claimed().await;
    let tickets = [(folio(cash), "100.01"), (folio(card), "350.00")];
    let document = stamps(&app, answer(request, &tickets)).await;
    assert_eq!(
        difference(&app, &document).await,
        format!("{} dice 100.01 en lugar de 100.00", folio(cash))
    );
    assert_eq!(marks(&app, cash).await, (true, true, false));
    assert_eq!(marks(&app, card).await, (true, true, true));
    end(app).await;
}

#[tokio::test]
async fn a_ticket_twice_and_a_foreign_one_are_told() {
    let (app, [cash, card], request) = claimed().await;
    let tickets = [
        (folio(cash), "100.00"),
        (folio(card), "350.00"),
        (folio(card), "350.00"),
        ("A-17".to_owned(), "20.00"),
    ];
    let document = stamps(&app, answer(request, &tickets)).await;
    assert_eq!(
        difference(&app, &document).await,
        "sobra A-17 (20.00)"
            .to_owned()
            .replace("sobra", &format!("{} (350.00) está 2 veces; sobra", folio(card)))
    );
    assert_eq!(marks(&app, card).await, (true, true, false));
    end(app).await;
}

#[tokio::test]
async fn many_differences_are_told_in_a_bounded_length() {
    let (app, [cash, card], request) = claimed().await;
    let mut tickets = vec![(folio(cash), "100.00"), (folio(card), "350.00")];
    tickets.extend((0..30).map(|n| (format!("{n:02}{}", "x".repeat(90)), "1.00")));
    let document = stamps(&app, answer(request, &tickets)).await;
    let told = difference(&app, &document).await;
    assert!(told.ends_with("; y 20 diferencias más"), "{told}");
    assert!(told.len() < 1000, "{}", told.len());
    end(app).await;
}

/// Without the period in what Gigstack repeats, only the comparison can tell.
#[tokio::test]
async fn the_document_of_another_month_is_told() {
    let (app, [cash, card], request) = claimed().await;
    let mut order = answer(request, &[(folio(cash), "100.00"), (folio(card), "350.00")]);
    order.global.as_mut().unwrap().month = "10".to_owned();
    let document = stamps(&app, order).await;
    assert_eq!(
        difference(&app, &document).await,
        "es del periodo 10 de 2026 (periodicidad 04)"
    );
    end(app).await;
}

/// With it, the document is not even stored.
#[tokio::test]
async fn the_document_of_another_month_than_its_note_is_not_recorded() {
    let (app, [cash, card], request) = claimed().await;
    let mut order = answer(request, &[(folio(cash), "100.00"), (folio(card), "350.00")]);
    order.global.as_mut().unwrap().month = "10".to_owned();
    let document = stamps(&app, order.noting("periodo", "2026-11")).await;
    let causes = causes(&app).await;
    assert!(
        causes
            .iter()
            .any(|cause| cause.contains(&document.uuid.to_string())),
        "{causes:?}"
    );
    assert_eq!(app.one::<i64>("select count(*) from facturas_emitidas").await, 0);
    assert_eq!(waiting(&app).await, request);
    let mut app = app;
    app.stop().await;
}

#[tokio::test]
async fn a_second_document_of_the_same_request_is_told() {
    let (app, [cash, card], request) = claimed().await;
    let tickets = [(folio(cash), "100.00"), (folio(card), "350.00")];
    let first = stamps(&app, answer(request, &tickets)).await;
    let second = stamps(&app, answer(request, &tickets)).await;
    let told = difference(&app, &second).await;
    assert!(
        told.contains(&format!("{} (100.00) ya está en la factura ", folio(cash))),
        "{told}"
    );
    // Cancelling the second one gives nothing back: the first one holds the sales.
    cancels(&app, &second).await;
    assert_eq!(marks(&app, cash).await, (true, true, true));
    cancels(&app, &first).await;
    assert_eq!(marks(&app, cash).await, (false, false, false));
    end(app).await;
}

#[tokio::test]
async fn gigstacks_own_global_invoice_is_recorded_and_told_only_when_it_holds_ours() {
    let mut app = starting("2026-11-20T18:00:00Z").await;
    let ours = sell(&app, "100.00", "01", "2026-11-02T16:00:00Z").await;
    stamps(&app, november(&[("receipt_1".to_owned(), "20.00")])).await;
    let rows = "select count(*) from facturas_emitidas where origen = 'global' and periodo = '2026-11'";
    assert_eq!(app.one::<i64>(rows).await, 1);
    assert_eq!(causes(&app).await, [""; 0]);

    let document = stamps(
        &app,
        november(&[("receipt_2".to_owned(), "20.00"), (folio(ours), "100.00")]),
    )
    .await;
    assert_eq!(
        difference(&app, &document).await,
        format!(
            "{} (100.00) es una venta de OnlyCar que no se le pidió",
            folio(ours)
        )
    );
    assert_eq!(marks(&app, ours).await, (false, false, false));
    cancels(&app, &document).await;
    assert_eq!(shown(&app, ours).await, "pendiente_factura_global");
    app.stop().await;
}

/// Told before Gigstack's answer to the request, and without what the request noted.
#[tokio::test]
async fn a_document_is_known_by_its_folios() {
    let (app, [cash, card], request) = claimed().await;
    let document = stamps(
        &app,
        november(&[(folio(cash), "100.00"), (folio(card), "350.00")]),
    )
    .await;
    assert_eq!(marks(&app, cash).await, (true, true, true));
    assert_eq!(marks(&app, card).await, (true, true, true));
    assert_eq!(causes(&app).await, [""; 0]);
    let known = "select gigstack_id from invoicing.requests where id = $1 and state = 'completed'";
    let known: String = sqlx::query_scalar(known)
        .bind(request)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(known, document.id);
    // A second one that holds them too is told, whoever made it.
    let second = stamps(&app, november(&[(folio(cash), "100.00")])).await;
    assert!(difference(&app, &second).await.contains("ya está en la factura"));
    end(app).await;
}

//! `onlycar global-invoice`, beside a running server.

use onlycar::ground::clock::Clock;
use serde_json::Value;

use super::scene::*;
use crate::support::program::{Ended, onlycar, run};
use crate::support::{TestApp, database};

async fn global_invoice(app: &TestApp, arguments: &[&str]) -> Ended {
    let mut command = onlycar(&[&["global-invoice"], arguments].concat());
    command.env("DATABASE_URL", database::as_service(&app.database_url));
    run(command).await
}

async fn done(app: &TestApp, arguments: &[&str]) -> String {
    let ended = global_invoice(app, arguments).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    ended.out
}

/// Beside a server whose clock is right, for the command has no other, and which asks for nothing by itself.
async fn now() -> TestApp {
    let app = configured(
        "2026-11-22T18:00:00Z",
        Some("invoicing.global_every_month = false"),
    )
    .await;
    app.advance(Clock::system().now() - app.now());
    app
}

#[tokio::test]
async fn a_preview_tells_what_a_document_would_hold_and_changes_nothing() {
    let app = now().await;
    let cash = sell(&app, "100.00", "01", "2025-07-31T23:30:00Z").await;
    let card = sell(&app, "350.50", "04", "2025-08-01T04:59:59Z").await;
    sell(&app, "70.00", "28", "2025-08-01T05:00:00Z").await;
    let text = done(&app, &["preview", "--month", "2025-07"]).await;
    for part in [
        format!("{}  2025-07-31 18:30:00 CDT        100.00  01", folio(cash)),
        format!("{}  2025-07-31 23:59:59 CDT        350.50  04", folio(card)),
        "2025-07: 2 open sales, 450.50 MXN; it ended 2025-08-01 00:00:00 CDT".to_owned(),
        "  paid by 01: 100.00".to_owned(),
        "  paid by 04: 350.50".to_owned(),
        "  one document: 2 sales, 450.50 MXN, FormaPago 04".to_owned(),
        "onlycar global-invoice run --month 2025-07".to_owned(),
    ] {
        assert!(text.contains(&part), "{part}\n{text}");
    }
    let json = done(&app, &["preview", "--month", "2025-07", "--json"]).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["month"], "2025-07");
    assert_eq!(json["over"], true);
    assert_eq!(json["total"], "450.50");
    assert_eq!(json["open"][1]["folio"], folio(card));
    assert_eq!(json["open"][1]["sold_at"], "2025-08-01T04:59:59Z");
    assert_eq!(json["documents"][0]["payment_form"], "04");
    assert_eq!(json["requests"].as_array().unwrap().len(), 0);
    assert_eq!(app.one::<i64>("select count(*) from invoicing.requests").await, 0);
    let empty = done(&app, &["preview", "--month", "2024-01"]).await;
    assert!(
        empty.contains("0 open sales") && empty.ends_with("nothing is to be done\n"),
        "{empty}"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_run_asks_and_the_preview_shows_what_became_of_it() {
    let app = now().await;
    let service = sell(&app, "100.00", "01", "2025-07-20T18:00:00Z").await;
    let text = done(&app, &["run", "--month", "2025-07"]).await;
    assert!(text.contains("part 1, 1 sales"), "{text}");
    assert!(
        text.contains("watch it with: onlycar global-invoice preview --month 2025-07"),
        "{text}"
    );
    // The command's clock is ahead of the one that stands still.
    app.advance(Clock::system().now() - app.now());
    settle(&app).await;
    assert_eq!(shown(&app, service).await, "en_factura_global");
    let document = only(&app);
    let text = done(&app, &["preview", "--month", "2025-07"]).await;
    for part in [
        "2025-07: 0 open sales",
        "completed: 1 sales, 100.00 MXN, 1 reconciled; invoice ",
        &document.uuid.to_string(),
        "vigente",
        "nothing is to be done",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let again = done(&app, &["run", "--month", "2025-07", "--json"]).await;
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(
        again,
        serde_json::json!({ "month": "2025-07", "asked_again": [], "asked": [] })
    );
    let actor = "select actor || ' ' || (detalle->>'orden') from logs_auditoria where accion = 'factura_global.solicitada'";
    assert_eq!(
        app.one::<String>(actor).await,
        format!(
            "consola:{} onlycar global-invoice run",
            rustix::process::getuid().as_raw()
        )
    );
    app.finish().await;
}

#[tokio::test]
async fn a_client_s_own_invoice_is_listed_apart() {
    let app = now().await;
    let service = sell(&app, "100.00", "01", "2025-07-20T18:00:00Z").await;
    says(&app, super::race::own_invoice(service)).await;
    settle(&app).await;
    let text = done(&app, &["preview", "--month", "2025-07"]).await;
    assert!(text.contains("0 open sales"), "{text}");
    assert!(
        text.contains(&format!(
            "not included: service {service} of 100.00, whose client has not made the own invoice (open)"
        )),
        "{text}"
    );
    assert!(
        text.contains("Gigstack itself puts receipts that nobody invoiced"),
        "{text}"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_month_that_is_not_over_is_refused_unless_it_is_wanted_early() {
    let app = now().await;
    let month = onlycar::ground::values::Month::of(app.now()).to_string();
    let time = app.now().to_rfc3339();
    sell(&app, "100.00", "01", &time).await;
    let ended = global_invoice(&app, &["run", "--month", &month]).await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{ended:?}");
    assert!(
        ended.err.contains("is not over yet") && ended.err.contains("hint: "),
        "{}",
        ended.err
    );
    assert_eq!(app.one::<i64>("select count(*) from invoicing.requests").await, 0);
    let text = done(&app, &["preview", "--month", &month]).await;
    assert!(
        text.contains("a running server makes the invoice when the month is over"),
        "{text}"
    );
    done(&app, &["run", "--month", &month, "--early"]).await;
    app.advance(Clock::system().now() - app.now());
    settle(&app).await;
    only(&app);
    app.finish().await;
}

#[tokio::test]
async fn wrong_usage_is_told() {
    let app = now().await;
    for arguments in [
        &["preview"][..],
        &["run", "--month", "2026-13"],
        &["run", "--month", "noviembre"],
        &["preview", "--month", "2026-1"],
    ] {
        let ended = global_invoice(&app, arguments).await;
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(2), ""),
            "{arguments:?}: {ended:?}"
        );
    }
    app.finish().await;
}

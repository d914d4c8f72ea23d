//! Every figure of the first page is what a plain count says.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::Panel;

#[path = "../../../benches/panel/plain.rs"]
mod plain;

/// Days of Nuevo Laredo, seen from the tests' now, 22 November 2026 at noon: the zone is six hours behind UTC in winter.
const PERIODS: [(&str, &str, &str); 5] = [
    ("hoy", "2026-11-22T06:00:00Z", "2026-11-23T06:00:00Z"),
    ("7d", "2026-11-16T06:00:00Z", "2026-11-23T06:00:00Z"),
    ("mes", "2026-11-01T05:00:00Z", "2026-11-23T06:00:00Z"),
    ("mes-anterior", "2026-10-01T05:00:00Z", "2026-11-01T05:00:00Z"),
    ("anio", "2026-01-01T06:00:00Z", "2026-11-23T06:00:00Z"),
];

#[tokio::test]
async fn every_figure_is_what_a_plain_count_says() {
    let mut panel = Panel::with_rows().await;
    for (period, from, until) in PERIODS {
        let page = panel.page(&format!("/panel?periodo={period}")).await;
        for (id, sql) in plain::COUNTS {
            let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(from.parse::<DateTime<Utc>>().unwrap())
                .bind(until.parse::<DateTime<Utc>>().unwrap())
                .fetch_one(&panel.app.pool)
                .await
                .unwrap();
            assert_eq!(plain::figure(&page, id), Some(count), "{id} of {period}");
            assert!(period != "anio" || count > 0, "no row proves {id}");
        }
    }
    panel.app.stop().await;
}

#[tokio::test]
async fn amounts_are_exact_and_each_currency_by_itself() {
    let mut panel = Panel::open().await;
    panel
        .run(
            "insert into facturas_emitidas (uuid_sat, url_xml, sha256_xml, estado, origen, fecha_timbrado, monto_total, moneda)
             select gen_random_uuid(), 'k', 'h', 'vigente', 'stripe', '2026-11-20T12:00:00Z', amount, currency
             from (values (0.1, 'MXN'), (0.2, 'MXN'), (1234567.123456, 'USD')) as v(amount, currency)",
        )
        .await;
    let page = panel.page("/panel").await;
    assert!(
        page.contains("$0.30 MXN + $1,234,567.123456 USD")
            || page.contains("$1,234,567.123456 USD + $0.30 MXN")
    );
    panel.app.stop().await;
}

#[tokio::test]
async fn nothing_at_all_is_a_page_too_and_says_that_all_is_well() {
    let mut panel = Panel::open().await;
    let page = panel.page("/panel").await;
    assert!(page.contains("Todo está bien"), "{page}");
    assert_eq!(plain::figure(&page, "facturas"), Some(0));
    assert!(page.contains("sin datos"), "nothing of nothing is no percentage");
    let unknown = panel.page("/panel?periodo=siglo").await;
    assert!(unknown.contains("Ese periodo no existe"));
    panel.app.stop().await;
}

#[tokio::test]
async fn the_first_line_says_what_to_do_first() {
    let mut panel = Panel::with_rows().await;
    let page = panel.page("/panel").await;
    assert!(page.contains("Hay alertas sin atender"), "{page}");
    for (change, expected) in [
        (
            "update engine.alerts set acknowledged_at = now()",
            "Hay eventos que fallaron en todos sus intentos",
        ),
        (
            "update webhooks.events set state = 'parked' where state = 'dead'",
            "Hay trabajos que fallaron",
        ),
        (
            "update engine.jobs set state = 'processed'",
            "La bandeja va atrasada",
        ),
        (
            "update webhooks.events set state = 'processed' where state in ('pending', 'failed')",
            "Hay eventos o trabajos apartados",
        ),
        ("update webhooks.events set state = 'processed'", "Todo está bien"),
    ] {
        panel.run(change).await;
        let page = panel.page("/panel").await;
        assert!(page.contains(expected), "after {change}: {page}");
    }
    panel.app.stop().await;
}

//! Lists: every row once, page by page and as CSV; filters that are told when they are wrong.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;

use super::Panel;

/// Every list, the column that tells its rows apart, and how many there are.
const LISTS: [(&str, &str, &str); 13] = [
    (
        "/panel/eventos?",
        "Evento",
        "select count(*) from webhooks.events",
    ),
    (
        "/panel/eventos?estado=dead&",
        "Evento",
        "select count(*) from webhooks.events where state = 'dead'",
    ),
    (
        "/panel/eventos?proveedor=mifiel&tipo=document.declined&",
        "Evento",
        "select count(*) from webhooks.events where event_type = 'document.declined'",
    ),
    (
        "/panel/trabajos?estado=detenidos&",
        "Id",
        "select count(*) from engine.jobs where state in ('dead', 'parked')",
    ),
    (
        "/panel/alertas?estado=abiertas&",
        "Causa",
        "select count(*) from engine.alerts where resolved_at is null",
    ),
    (
        "/panel/auditoria?accion=servicio.pagado&",
        "Número",
        "select count(*) from logs_auditoria where accion = 'servicio.pagado'",
    ),
    (
        "/panel/facturas?",
        "UUID",
        "select count(*) from facturas_emitidas where estado <> 'pendiente'",
    ),
    (
        "/panel/autofacturas?",
        "Servicio",
        "select count(*) from invoicing.requests where kind = 'self_invoice'",
    ),
    (
        "/panel/ventas?factura=sin&",
        "Folio",
        "select count(*) from ventas_factura_global where factura_id is null",
    ),
    ("/panel/contratos?", "Id", "select count(*) from contratos_b2b"),
    (
        "/panel/contratos?documento=pendiente&",
        "Id en Mifiel",
        "select count(*) from contratos_firmados where estado = 'pendiente'",
    ),
    (
        "/panel/pagos?",
        "Servicio",
        "select count(*) from servicios where pagado_en is not null",
    ),
    (
        "/panel/documentos?",
        "Objeto",
        "select count(*) from documents.objects",
    ),
];

#[tokio::test]
async fn a_csv_has_every_row_of_the_filter_once() {
    let mut panel = Panel::with_rows().await;
    for (path, key, sql) in LISTS {
        let (names, rows) = panel.csv(&format!("{path}formato=csv")).await;
        let at = names.iter().position(|name| name == key).unwrap();
        let distinct: BTreeSet<&String> = rows.iter().map(|row| &row[at]).collect();
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&panel.app.pool)
            .await
            .unwrap();
        assert!(count > 0, "{path}");
        assert_eq!(
            (i64::try_from(rows.len()), i64::try_from(distinct.len())),
            (Ok(count), Ok(count)),
            "{path}"
        );
    }
    let exported: i64 = panel
        .app
        .one("select count(*) from logs_auditoria where accion = 'lista.exportada'")
        .await;
    assert_eq!(Ok(exported), i64::try_from(LISTS.len()));
    panel.app.stop().await;
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let mut panel = Panel::with_rows().await;
    for path in [
        "/panel/pagos?estado=devueltos",
        "/panel/trabajos?estado=detenidos",
        "/panel/contratos",
    ] {
        let separator = if path.contains('?') { '&' } else { '?' };
        let (_, all) = panel.csv(&format!("{path}{separator}formato=csv")).await;
        let (mut seen, mut next) = (0, Some(path.to_owned()));
        let mut pages = 0;
        while let Some(path) = next {
            let page = panel.page(&path).await;
            seen += page.matches("<tr>").count() - usize::from(page.contains("<thead>"));
            next = link(&page, "siguiente");
            pages += 1;
        }
        assert_eq!(seen, all.len(), "{path}");
        assert!(pages > 1 || all.len() <= 50, "{path}");
    }
    panel.app.stop().await;
}

/// Where the link with this `id` leads to.
fn link(page: &str, id: &str) -> Option<String> {
    let (before, _) = page.split_once(&format!("id=\"{id}\""))?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(
        href.split('"')
            .next()?
            .replace("&#38;", "&")
            .replace("&amp;", "&"),
    )
}

#[tokio::test]
async fn a_wrong_filter_is_told_beside_its_field() {
    let mut panel = Panel::open().await;
    for (path, field) in [
        ("/panel/eventos?proveedor=paypal", "proveedor"),
        ("/panel/eventos?estado=%00", "estado"),
        ("/panel/eventos?evento=a%00b", "evento"),
        ("/panel/eventos?desde=2026-13-01", "desde"),
        ("/panel/eventos?hasta=ayer", "hasta"),
        ("/panel/eventos?desde=%2B262142-12-31", "desde"),
        ("/panel/eventos?estado=failed&desde=2026-11-01", "desde"),
        ("/panel/facturas?uuid=1", "uuid"),
        ("/panel/ventas?mes=2026-13", "mes"),
        ("/panel/trabajos?id=x", "id"),
    ] {
        let answer = panel.get(path).await;
        assert_eq!(answer.status, 422, "{path}");
        assert!(
            answer.body.contains(&format!("id=\"e-{field}\"")),
            "{path}: {}",
            answer.body
        );
        assert!(!answer.body.contains("Exportar"), "{path}");
    }
    let long = format!("/panel/eventos?tipo={}", "a".repeat(201));
    assert_eq!(panel.get(&long).await.status, 422);
    for cursor in ["x", "LzE", "OTk5OTk5OTk5OTk5OTk5OTk5OS8x", "%00"] {
        for list in ["eventos", "facturas", "auditoria", "documentos"] {
            let answer = panel.get(&format!("/panel/{list}?cursor={cursor}")).await;
            assert!(
                [200, 422].contains(&answer.status),
                "{list} {cursor}: {}",
                answer.status
            );
        }
    }
    // What no list knows is left aside, and a CSV with a wrong filter is a page that says so.
    assert_eq!(panel.get("/panel/eventos?foo=1").await.status, 200);
    let answer = panel.get("/panel/eventos?formato=csv&estado=x").await;
    assert_eq!(answer.status, 422);
    panel.app.stop().await;
}

#[tokio::test]
async fn an_empty_list_says_what_it_would_show_and_text_stays_text() {
    let mut panel = Panel::open().await;
    for list in [
        "eventos",
        "trabajos",
        "alertas",
        "facturas",
        "autofacturas",
        "ventas",
        "errores",
        "contratos",
        "pagos",
        "documentos",
    ] {
        let page = panel.page(&format!("/panel/{list}")).await;
        assert!(page.contains("Nada. Aquí está"), "{list}: {page}");
    }
    panel
        .run(
            "insert into engine.alerts (id, cause, title, detail, opened_at, last_seen_at)
             values (gen_random_uuid(), '=HYPERLINK(\"x\")', '<script>alert(1)</script>', '', now(), now())",
        )
        .await;
    let page = panel.page("/panel/alertas").await;
    assert!(!page.contains("<script>"), "{page}");
    let (names, rows) = panel.csv("/panel/alertas?formato=csv").await;
    let at = names.iter().position(|name| name == "Causa").unwrap();
    assert_eq!(rows[0][at], "'=HYPERLINK(\"x\")");
    panel.app.stop().await;
}

#[tokio::test]
async fn only_a_session_shows_a_list() {
    let mut panel = Panel::open().await;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    for path in [
        "/panel",
        "/panel/eventos",
        "/panel/pagos?formato=csv",
        "/panel/auditoria",
    ] {
        let answer = client
            .get(format!("{}{path}", panel.app.url))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 303, "{path}");
        assert!(
            answer.headers()["location"]
                .to_str()
                .unwrap()
                .starts_with("/panel/entrar?a="),
            "{path}"
        );
    }
    panel.app.stop().await;
}

#[tokio::test]
async fn days_of_the_log_are_found_without_an_index() {
    let mut panel = Panel::with_rows().await;
    // The last row of some of these days is within an hour of midnight.
    let days: Vec<String> = (1..=20).map(|day| format!("2026-11-{day:02}")).collect();
    let single = days.iter().map(|day| (day.as_str(), day.as_str()));
    let ranges = [("2025-06-01", "2025-06-30"), ("2030-01-01", "2030-01-02")];
    for (from, until) in single.chain(ranges) {
        let (_, rows) = panel
            .csv(&format!(
                "/panel/auditoria?desde={from}&hasta={until}&formato=csv"
            ))
            .await;
        let count: i64 = sqlx::query_scalar(
            "select count(*) from logs_auditoria
             where (ocurrido_en at time zone 'America/Matamoros')::date between $1::text::date and $2::text::date",
        )
        .bind(from)
        .bind(until)
        .fetch_one(&panel.app.pool)
        .await
        .unwrap();
        assert_eq!(i64::try_from(rows.len()), Ok(count), "{from}");
    }
    panel.app.stop().await;
}

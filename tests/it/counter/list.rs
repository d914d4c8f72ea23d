//! What the PWA shows: whose services, in which order, page by page.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ADMIN, Counter, OPERATOR, OTHER_OPERATOR, Told, token};

/// A service for this time; its id is easy to tell.
async fn put(counter: &Counter, n: u128, operator: Uuid, at: Option<&str>, set: &str) {
    let sql = "insert into servicios (id, operador_id, descripcion, agendado_para, monto)
               values ($1, $2, 'Lavado', $3::timestamptz, 350)";
    let insert = sqlx::query(sql).bind(Uuid::from_u128(n)).bind(operator);
    let at = at.map(|at| at.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    insert.bind(at).execute(&counter.app.pool).await.unwrap();
    let sql = format!("update servicios set {set} where id = $1");
    let update = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(Uuid::from_u128(n));
    update.execute(&counter.app.pool).await.unwrap();
}

/// The numbers of the services in a page, and the cursor of the next one.
fn numbers(told: &Told) -> (Vec<u128>, Option<String>) {
    assert_eq!(told.status, 200, "{told:?}");
    let services = told.body["services"].as_array().unwrap().iter();
    let ids = services.map(|it| it["id"].as_str().unwrap().parse::<Uuid>().unwrap().as_u128());
    (ids.collect(), told.body["next"].as_str().map(str::to_owned))
}

async fn open() -> Counter {
    let counter = Counter::open().await;
    counter.set("operador_id = null").await;
    let idle = "estado = estado";
    put(&counter, 11, OPERATOR, Some("2026-11-22T05:59:59Z"), idle).await;
    put(
        &counter,
        12,
        OPERATOR,
        Some("2026-11-22T06:00:00Z"),
        "estado = 'completado', estado_pago = 'pagado'",
    )
    .await;
    put(
        &counter,
        14,
        OPERATOR,
        Some("2026-11-23T05:59:59.999999Z"),
        "estado = 'completado'",
    )
    .await;
    put(&counter, 13, OPERATOR, Some("2026-11-23T05:59:59.999999Z"), idle).await;
    put(&counter, 15, OPERATOR, Some("2026-11-23T06:00:00Z"), idle).await;
    put(&counter, 17, OPERATOR, None, idle).await;
    put(&counter, 16, OPERATOR, None, idle).await;
    put(&counter, 21, OTHER_OPERATOR, Some("2026-11-22T12:00:00Z"), idle).await;
    counter
}

#[tokio::test]
async fn an_operator_sees_the_own_services_and_an_admin_all() {
    let counter = open().await;
    let told = counter.get("/api/services").await;
    assert_eq!(numbers(&told), (vec![11, 12, 13, 14, 15, 16, 17], None));
    let other = token(&counter.app, "operador", OTHER_OPERATOR);
    let told = counter
        .call(Method::GET, "/api/services", Some(&other), None)
        .await;
    assert_eq!(numbers(&told), (vec![21], None));
    let stranger = token(&counter.app, "operador", Uuid::new_v4());
    let told = counter
        .call(Method::GET, "/api/services", Some(&stranger), None)
        .await;
    assert_eq!(numbers(&told), (vec![], None));
    let admin = token(&counter.app, "admin", ADMIN);
    let told = counter
        .call(Method::GET, "/api/services", Some(&admin), None)
        .await;
    assert_eq!(numbers(&told).0.len(), 9);
    counter.app.finish().await;
}

#[tokio::test]
async fn filters_narrow_it_and_days_are_those_of_nuevo_laredo() {
    let counter = open().await;
    for (query, expected) in [
        ("desde=2026-11-22&hasta=2026-11-22", vec![12, 13, 14]),
        ("desde=2026-11-23", vec![15]),
        ("hasta=2026-11-21", vec![11]),
        ("estado=completado", vec![12, 14]),
        ("estado_pago=pagado", vec![12]),
        ("estado=completado&estado_pago=pendiente", vec![14]),
        ("estado=cancelado", vec![]),
        ("unknown=1", vec![11, 12, 13, 14, 15, 16, 17]),
    ] {
        let told = counter.get(&format!("/api/services?{query}")).await;
        assert_eq!(numbers(&told), (expected, None), "{query}");
    }
    counter.app.finish().await;
}

#[tokio::test]
async fn page_by_page_it_is_the_same_list() {
    let counter = open().await;
    for limit in 1..=8 {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let told = counter.get(&format!("/api/services?limit={limit}{cursor}")).await;
            let (page, next) = numbers(&told);
            assert!(page.len() <= limit);
            all.extend(page);
            match next {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(all, [11, 12, 13, 14, 15, 16, 17], "limit {limit}");
    }
    counter.app.finish().await;
}

#[tokio::test]
async fn a_wrong_filter_is_named() {
    let counter = open().await;
    for (query, field) in [
        ("estado=abierto", "estado"),
        ("estado_pago=paid", "estado_pago"),
        ("desde=22/11/2026", "desde"),
        ("desde=2026-02-30", "desde"),
        ("hasta=2026-11-22T00:00:00Z", "hasta"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        (
            "cursor=LTk5OTk5OTk5OTk5OTk5OTk5OTkvMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw",
            "cursor",
        ),
    ] {
        let told = counter.get(&format!("/api/services?{query}")).await;
        assert_eq!(told.code(), (422, "datos-no-validos"), "{query}");
        assert_eq!(told.errors()[0].0, field, "{query}");
    }
    let told = counter.get("/api/services?limit=1&limit=2").await;
    assert_eq!(told.code(), (422, "filtros-mal-formados"));
    assert_eq!(counter.get("/api/services?limit=200").await.status, 200);
    counter.app.finish().await;
}

#[tokio::test]
async fn a_service_shows_its_client_by_name_and_no_address() {
    let counter = Counter::open().await;
    counter.set("agendado_para = '2026-11-22T15:30:00Z'").await;
    let told = counter.get(&format!("/api/services/{}", counter.service)).await;
    assert_eq!(told.status, 200);
    let expected = json!({
        "id": counter.service, "description": "Cambio de aceite", "state": "agendado",
        "scheduled_for": "2026-11-22T15:30:00Z", "price": "1500.00", "currency": "MXN", "requires_invoice": false,
        "client": { "name": "Ana López" },
        "payment": { "state": "pendiente", "method": null, "channel": null, "amount": null, "currency": "MXN",
                     "paid_at": null },
        "invoice": { "mode": null, "state": null, "url": null, "uuid_sat": null },
    });
    assert_eq!(told.body, expected);
    let listed = counter.get("/api/services").await;
    assert_eq!(listed.body["services"], json!([expected]));
    counter.set("cliente_id = null").await;
    let told = counter.get(&format!("/api/services/{}", counter.service)).await;
    assert_eq!(told.body["client"], Value::Null);
    counter.app.finish().await;
}

#[tokio::test]
async fn the_description_of_the_api_names_the_doors_and_who_may_enter() {
    let counter = Counter::open().await;
    let document = counter
        .call(Method::GET, "/api/openapi.json", None, None)
        .await
        .body;
    let confirm = "/api/services/{id}/confirm-payment-presencial";
    for (path, method) in [
        ("/api/services", "get"),
        ("/api/services/{id}", "get"),
        (confirm, "post"),
    ] {
        let door = &document["paths"][path][method];
        assert_eq!(door["security"], json!([{ "supabase": [] }]), "{path}");
        assert_eq!(door["tags"], json!(["servicios"]), "{path}");
    }
    let form = &document["components"]["schemas"]["CounterPayment"];
    assert_eq!(
        form["required"],
        json!(["payment_received", "payment_method", "requires_invoice"])
    );
    counter.app.finish().await;
}

//! What handlers of the API take out of a request, and what is said when it does not fit.

use axum::Router;
use axum::routing::{get, post};
use onlycar::ground::values::ServiceId;
use onlycar::tools::extract::{BODY_LIMIT, JsonBody, PathId};
use onlycar::tools::outbound;
use onlycar::tools::problem::{FieldError, Problem};
use reqwest::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::support::wire::Wire;

#[derive(Deserialize)]
struct Form {
    method: Method,
    received: bool,
    amount: Option<u32>,
    note: Option<String>,
    #[serde(default)]
    items: Vec<Item>,
    operator: Option<Uuid>,
}

#[derive(Deserialize)]
enum Method {
    #[serde(rename = "01")]
    Cash,
    #[serde(rename = "04")]
    Card,
}

#[derive(Deserialize)]
struct Item {
    price: f64,
}

async fn take(JsonBody(form): JsonBody<Form>) -> String {
    let method = match form.method {
        Method::Cash => "cash",
        Method::Card => "card",
    };
    let items: Vec<f64> = form.items.iter().map(|item| item.price).collect();
    let rest = (form.received, form.amount, form.note, form.operator.is_some());
    format!("{method} {items:?} {rest:?}")
}

async fn show(PathId(ServiceId(id)): PathId<ServiceId>) -> String {
    id.to_string()
}

async fn two_wrong() -> Problem {
    Problem::invalid(vec![
        FieldError::new("customer_email", "falta", "Escribe un correo o un teléfono."),
        FieldError::new("amount", "no-coincide", "El importe no es el del servicio."),
    ])
}

async fn server() -> String {
    let router = Router::new()
        .route("/form", post(take))
        .route("/services/{id}", get(show))
        .route("/two-wrong", get(two_wrong));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn send(url: &str, kinds: &[&str], body: impl Into<reqwest::Body>) -> Response {
    let mut request = outbound::client().unwrap().post(format!("{url}/form"));
    for kind in kinds {
        request = request.header("content-type", *kind);
    }
    request.body(body).send().await.unwrap()
}

async fn problem(answer: Response) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["status"], status);
    problem
}

const GOOD: &str = r#"{"method":"01","received":true}"#;

#[tokio::test]
async fn a_body_that_fits_is_taken() {
    let url = server().await;
    let full = r#" {"method":"04","received":false,"amount":7,"note":"ñ","items":[{"price":1.5},{"price":2}],
                    "operator":"5f1c3a52-6f0e-4c43-9a1e-0d6d3f0a7c11","unknown":{"is":"ignored"}} "#;
    for (body, told) in [
        (GOOD, "cash [] (true, None, None, false)"),
        (full, r#"card [1.5, 2.0] (false, Some(7), Some("ñ"), true)"#),
    ] {
        for kind in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON ;charset=utf-8",
        ] {
            let answer = send(&url, &[kind], body).await;
            assert_eq!(answer.status(), 200, "{kind}");
            assert_eq!(answer.text().await.unwrap(), told);
        }
    }
}

#[tokio::test]
async fn only_json_is_taken() {
    let url = server().await;
    for kinds in [
        [].as_slice(),
        &[""],
        &["text/plain"],
        &["application/x-www-form-urlencoded"],
        &["multipart/form-data; boundary=application/json"],
        &["application/jsonp"],
        &["application/problem+json"],
        &["application/json, text/plain"],
        &["application/json", "text/plain"],
    ] {
        let told = problem(send(&url, kinds, GOOD).await).await;
        assert_eq!(
            (&told["status"], &told["code"]),
            (&json!(415), &json!("tipo-no-soportado")),
            "{kinds:?}"
        );
    }
    for (coding, status) in [("gzip", 415), ("identity", 200), ("identity, gzip", 415)] {
        let request = outbound::client().unwrap().post(format!("{url}/form"));
        let request = request.header("content-type", "application/json");
        let answer = request.header("content-encoding", coding).body(GOOD).send().await;
        assert_eq!(answer.unwrap().status(), status, "{coding}");
    }
}

#[tokio::test]
async fn each_wrong_field_is_named_and_no_value_is_repeated() {
    let url = server().await;
    let one = |field: &str, code: &str, detail: &str| {
        json!({
            "status": 422, "code": "datos-no-validos",
            "detail": "Hay datos que corregir; `errors` dice cuáles.",
            "errors": [{ "field": field, "code": code, "detail": detail }],
        })
    };
    let missing = "Este dato es obligatorio.";
    let type_ = "tipo-incorrecto";
    for (body, expected) in [
        ("{}", one("method", "falta", missing)),
        (r#"{"method":"01"}"#, one("received", "falta", missing)),
        (
            r#"{"method":"01","received":true,"items":[{"price":1},{}]}"#,
            one("items[1].price", "falta", missing),
        ),
        (
            r#"{"method":"aguja","received":true}"#,
            one("method", "valor-no-permitido", "Debe ser uno de estos: 01, 04."),
        ),
        (
            r#"{"method":"aguja`, expected one of `aguja`","received":true}"#,
            one("method", "valor-no-permitido", "Debe ser uno de estos: 01, 04."),
        ),
        (
            r#"{"method":"01","received":"aguja"}"#,
            one("received", type_, "Debe ser true o false, sin comillas."),
        ),
        (
            r#"{"method":"01","received":"aguja, expected a string"}"#,
            one("received", type_, "Debe ser true o false, sin comillas."),
        ),
        (
            r#"{"method":"01","received":true,"amount":"aguja"}"#,
            one("amount", type_, "Debe ser un número entero, sin comillas."),
        ),
        (
            r#"{"method":"01","received":true,"amount":1.5}"#,
            one("amount", type_, "Debe ser un número entero, sin comillas."),
        ),
        (
            r#"{"method":"01","received":true,"amount":-1}"#,
            one("amount", "valor-no-valido", "El valor no es válido."),
        ),
        (
            r#"{"method":"01","received":true,"note":7}"#,
            one("note", type_, "Debe ser un texto entre comillas."),
        ),
        (
            r#"{"method":"01","received":true,"items":{}}"#,
            one("items", type_, "Debe ser una lista."),
        ),
        (
            r#"{"method":"01","received":true,"items":["aguja"]}"#,
            one("items[0]", type_, "Debe ser un objeto."),
        ),
        (
            r#"{"method":"01","received":true,"items":[{"price":"aguja"}]}"#,
            one("items[0].price", type_, "Debe ser un número, sin comillas."),
        ),
        (
            r#"{"method":"01","received":true,"operator":"aguja"}"#,
            one("operator", "valor-no-valido", "El valor no es válido."),
        ),
        (
            r#"{"method":"01","received":true,"received":false}"#,
            one("received", "repetido", "Este dato viene dos veces."),
        ),
        ("7", one("", type_, "Debe ser un objeto.")),
        ("null", one("", type_, "Debe ser un objeto.")),
        (r#""aguja""#, one("", type_, "Debe ser un objeto.")),
    ] {
        let told = problem(send(&url, &["application/json"], body).await).await;
        assert_eq!(told, expected, "{body}");
        assert!(!told.to_string().contains("aguja"));
    }
}

#[tokio::test]
async fn what_is_no_json_is_told_as_such() {
    let url = server().await;
    let deep = "[".repeat(60_000);
    let bytes: [&[u8]; 9] = [
        b"",
        b"aguja",
        b"{\"method\":\"01\",",
        b"{\"method\":\"01\",\"received\":true}x",
        b"{\"method\":\"01\",\"received\":true}{}",
        b"{'method':'01'}",
        b"\xef\xbb\xbf{\"method\":\"01\",\"received\":true}",
        b"{\"method\":\"01\",\"received\":true,\"note\":\"\xff\"}",
        deep.as_bytes(),
    ];
    for body in bytes {
        let told = problem(send(&url, &["application/json"], body.to_vec()).await).await;
        let expected = [json!(422), json!("json-mal-formado"), Value::Null];
        let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        if body == deep.as_bytes() {
            assert_eq!(told["status"], 422);
            continue;
        }
        assert_eq!(
            [&told["status"], &told["code"], &told["errors"]],
            expected.each_ref(),
            "{start}"
        );
    }
}

#[tokio::test]
async fn a_body_is_bounded() {
    let url = server().await;
    let padded = |length: usize| format!("{GOOD}{}", " ".repeat(length - GOOD.len()));
    let answer = send(&url, &["application/json"], padded(BODY_LIMIT)).await;
    assert_eq!(answer.status(), 200);
    let told = problem(send(&url, &["application/json"], padded(BODY_LIMIT + 1)).await).await;
    let expected = json!({
        "status": 413, "code": "cuerpo-demasiado-grande", "detail": "Los datos pasan de 64 KiB.",
    });
    assert_eq!(told, expected);

    let mut wire = Wire::open(&url).await;
    let head = "POST /form HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let chunks = "x".repeat(BODY_LIMIT + 1);
    let chunked = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{chunks}\r\n",
        chunks.len()
    );
    wire.send(chunked).await;
    assert_eq!(
        wire.reply().await.unwrap().status,
        413,
        "without a declared length too"
    );

    let mut wire = Wire::open(&url).await;
    wire.send(format!("{head}content-length: 100\r\n\r\n{GOOD}"))
        .await;
    wire.end().await;
    let reply = wire.reply().await;
    assert!(
        reply.is_none_or(|reply| reply.status == 400),
        "half a body is nothing"
    );
}

#[tokio::test]
async fn several_wrong_fields_come_at_once() {
    let url = server().await;
    let answer = outbound::client().unwrap().get(format!("{url}/two-wrong"));
    let told = problem(answer.send().await.unwrap()).await;
    assert_eq!(told["status"], 422);
    assert_eq!(
        told["errors"],
        json!([
            { "field": "customer_email", "code": "falta", "detail": "Escribe un correo o un teléfono." },
            { "field": "amount", "code": "no-coincide", "detail": "El importe no es el del servicio." },
        ])
    );
}

#[tokio::test]
async fn an_id_that_is_none_names_nothing() {
    let url = server().await;
    let id = "5f1c3a52-6f0e-4c43-9a1e-0d6d3f0a7c11";
    let client = outbound::client().unwrap();
    let get = |path: String| client.get(format!("{url}/services/{path}")).send();
    for good in [id.to_owned(), id.to_uppercase()] {
        let answer = get(good).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.text().await.unwrap()),
            (200, id.to_owned())
        );
    }
    for bad in [
        "7".to_owned(),
        id[..35].to_owned(),
        format!("{id}0"),
        format!("%7B{id}%7D"),
        format!("urn:uuid:{id}"),
        id.replace('-', ""),
        id.replace('5', "g"),
        format!("{id}%00"),
        "%ff%fe".to_owned(),
        "%20".to_owned(),
        "'; drop table servicios; --".to_owned(),
    ] {
        let told = problem(get(bad.clone()).await.unwrap()).await;
        let expected = json!({
            "status": 404, "code": "no-encontrado", "detail": "No existe, o tu usuario no puede verlo.",
        });
        assert_eq!(told, expected, "{bad}");
    }
}

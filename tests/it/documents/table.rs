//! Every cell of role x ownership x kind x state x format, over real HTTP, against a rule of the test's own.

use futures_util::StreamExt as _;
use serde_json::Value;
use uuid::Uuid;

use super::scene::{ADMIN, ANA, BETO, OLGA, OTTO};
use super::{Answer, Desk, Subject};
use crate::counter::token;

const FORMATS: [&str; 5] = ["pdf", "xml", "acuse", "original", "evidencia"];
const ABROAD: Uuid = Uuid::from_u128(0xff);

/// Role and user: each user with their role, and with another's.
const CALLERS: [(&str, Uuid); 11] = [
    ("", ADMIN),
    ("", ANA),
    ("gerente", ADMIN),
    ("Admin", ADMIN),
    ("admin", ADMIN),
    ("operador", OLGA),
    ("operador", OTTO),
    ("operador", ANA),
    ("cliente", ANA),
    ("cliente", BETO),
    ("cliente", OLGA),
];

#[derive(Debug, PartialEq)]
enum Expected {
    Link,
    NotThere,
    Unknown,
    NoSuchFormat,
    NoRole,
}

/// As the table in the contract reads, said once more and differently than in the program.
fn expected(role: &str, user: Uuid, subject: &Subject, format: &str) -> Expected {
    let (invoice, contract) = (subject.kind == "facturas", subject.kind == "contratos");
    if !["admin", "operador", "cliente"].contains(&role) {
        return Expected::NoRole;
    }
    if (invoice && ["original", "evidencia"].contains(&format)) || (contract && format == "acuse") {
        return Expected::NoSuchFormat;
    }
    let sees = match role {
        "operador" => invoice && !subject.global && subject.operator == Some(user),
        "cliente" => {
            !subject.global && subject.client == Some(user) && !["original", "evidencia"].contains(&format)
        }
        _ => true,
    };
    match (sees, subject.stored.contains(&format)) {
        (false, _) => Expected::Unknown,
        (true, true) => Expected::Link,
        (true, false) => Expected::NotThere,
    }
}

fn told(answer: &Answer, unknown: &Value, key: &str) -> Expected {
    match answer.code() {
        (200, "") => {
            let bucket = format!("/{}/{key}?", crate::support::bucket::BUCKET);
            assert!(answer.url().contains(&bucket), "{key}: another object");
            Expected::Link
        }
        (404, "no-encontrado") if answer.body == *unknown => Expected::Unknown,
        (404, "no-encontrado") => Expected::NotThere,
        (422, "datos-no-validos") => {
            assert_eq!(answer.body["errors"][0]["field"], "format");
            Expected::NoSuchFormat
        }
        (403, "sin-permiso") => Expected::NoRole,
        other => panic!("{other:?}"),
    }
}

async fn subjects(desk: &Desk) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for state in ["pendiente", "vigente", "cancelada"] {
        for (client, operator) in [
            (Some(ANA), Some(OLGA)),
            (Some(ANA), Some(OTTO)),
            (Some(ANA), None),
            (Some(BETO), Some(OLGA)),
            (None, Some(OLGA)),
        ] {
            subjects.push(desk.invoice("servicio", client, operator, state).await);
        }
        for client in [Some(ANA), Some(BETO), None] {
            subjects.push(desk.invoice("contrato", client, None, state).await);
        }
        subjects.push(desk.invoice("nadie", None, None, state).await);
        subjects.push(desk.invoice("global", None, None, state).await);
        let service = desk.invoice("global con servicio", Some(ANA), Some(OLGA), state);
        subjects.push(service.await);
    }
    for state in ["pendiente", "firmado", "rechazado"] {
        for client in [Some(ANA), Some(BETO), None] {
            subjects.push(desk.contract(client, state).await);
        }
    }
    subjects
}

#[tokio::test]
async fn every_cell_of_the_access_table() {
    let desk = Desk::open().await;
    let subjects = subjects(&desk).await;
    let nobody = format!("/api/documents/facturas/{ABROAD}/url");
    let unknown = desk.ask(&desk.admin(), &nobody).await;
    assert_eq!(unknown.code(), (404, "no-encontrado"));

    let mut cells = Vec::new();
    for (role, user) in CALLERS {
        for subject in &subjects {
            for format in FORMATS {
                // Half of them by the other id: an invoice's UUID at SAT, the contract of a document.
                let by = if cells.len() % 2 == 0 {
                    subject.id
                } else {
                    subject.alias
                };
                cells.push((role, user, subject, format, by));
            }
        }
    }
    let count = cells.len();
    let asked = futures_util::stream::iter(cells).map(|(role, user, subject, format, by)| {
        let (desk, unknown) = (&desk, &unknown.body);
        async move {
            let token = token(&desk.app, role, user);
            let request = desk
                .app
                .client
                .get(format!("{}{}", desk.app.url, subject.path(by, format)));
            let answer = request.bearer_auth(token).send().await.unwrap();
            let answer = Answer {
                status: answer.status().as_u16(),
                body: answer.json().await.unwrap(),
            };
            let expected = expected(role, user, subject, format);
            let told = told(&answer, unknown, &subject.key(format));
            assert_eq!(
                told, expected,
                "{role} {user} {format} {subject:?}: {}",
                answer.body
            );
            expected
        }
    });
    let outcomes: Vec<Expected> = asked.buffer_unordered(4).collect().await;
    let of = |outcome: Expected| i64::try_from(outcomes.iter().filter(|it| **it == outcome).count()).unwrap();
    println!(
        "{count} cells: {} links, {} not there, {} unknown, {} no such format, {} no role",
        of(Expected::Link),
        of(Expected::NotThere),
        of(Expected::Unknown),
        of(Expected::NoSuchFormat),
        of(Expected::NoRole),
    );
    assert!(of(Expected::Link) > 100 && of(Expected::NotThere) > 100 && of(Expected::Unknown) > 100);
    // Each link and each refusal is written down, and nothing else.
    assert_eq!(desk.audited("documento.enlace").await, of(Expected::Link));
    assert_eq!(desk.audited("documento.negado").await, of(Expected::Unknown) + 1);
    desk.app.finish().await;
}

#[tokio::test]
async fn what_is_no_address_of_a_document_is_not_found() {
    let desk = Desk::open().await;
    let subject = desk.invoice("servicio", Some(ANA), Some(OLGA), "vigente").await;
    let id = subject.id;
    let token = token(&desk.app, "cliente", ANA);
    let unknown = desk
        .ask(&token, &format!("/api/documents/facturas/{ABROAD}/url"))
        .await;
    for path in [
        format!("/api/documents/servicios/{id}/url"),
        format!("/api/documents/Facturas/{id}/url"),
        format!("/api/documents/facturas%20/{id}/url"),
        format!("/api/documents/contratos/{id}/url"),
        format!("/api/documents/facturas/{{{id}}}/url"),
        format!("/api/documents/facturas/{}/url", id.simple()),
        "/api/documents/facturas/1/url".to_owned(),
        "/api/documents/facturas/..%2f..%2fcontratos/url".to_owned(),
        "/api/documents/facturas/%00/url".to_owned(),
        "/api/documents/facturas/%ff/url".to_owned(),
        "/api/documents/facturas/'%20or%20''='/url".to_owned(),
    ] {
        let answer = desk.ask(&token, &path).await;
        assert_eq!((answer.status, &answer.body), (404, &unknown.body), "{path}");
    }
    for query in [
        "format=",
        "format=PDF",
        "format=zip",
        "format=pdf%20",
        "format=acuse.xml",
    ] {
        let answer = desk
            .ask(&token, &format!("/api/documents/facturas/{id}/url?{query}"))
            .await;
        assert_eq!(answer.code(), (422, "datos-no-validos"), "{query}");
        let detail = answer.body["errors"][0]["detail"].as_str().unwrap();
        assert_eq!(detail, "Debe ser uno de estos: pdf, xml, acuse.", "{query}");
    }
    // Without a word about the format it is the PDF.
    let answer = desk
        .ask(&token, &format!("/api/documents/facturas/{id}/url"))
        .await;
    assert!(answer.url().contains(".pdf?"));
    desk.app.finish().await;
}

#[tokio::test]
async fn a_contract_is_known_by_its_newest_signed_document() {
    let desk = Desk::open().await;
    let old = desk.contract(Some(ANA), "firmado").await;
    let token = token(&desk.app, "cliente", ANA);
    let path = format!("/api/documents/contratos/{}/url", old.alias);
    assert!(desk.ask(&token, &path).await.url().contains(&old.id.to_string()));
    let insert = "insert into contratos_firmados (id, contrato_id, estado, creado_en)
                  values ($1, $2, 'pendiente', now() + interval '1 day')";
    let (waiting, contract) = (Uuid::new_v4(), old.alias);
    let insert = sqlx::query(insert).bind(waiting).bind(contract);
    insert.execute(&desk.app.pool).await.unwrap();
    assert!(desk.ask(&token, &path).await.url().contains(&old.id.to_string()));
    let by_itself = desk
        .ask(&token, &format!("/api/documents/contratos/{waiting}/url"))
        .await;
    assert_eq!(by_itself.code(), (404, "no-encontrado"));
    assert!(
        by_itself
            .detail()
            .starts_with("El contrato todavía no está firmado.")
    );
    desk.app.finish().await;
}

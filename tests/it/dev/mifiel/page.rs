//! The page where a signer signs, as a browser without scripts meets it.

use onlycar::dev::mifiel::Document;
use reqwest::{Method, Response};

use super::{Doors, Office, draft};

async fn open(office: &Office, path: &str) -> (u16, String) {
    let page = office.request(Method::GET, path).send().await.unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}

async fn submit(office: &Office, path: &str, form: &[(&str, &str)]) -> Response {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    let body = body.extend_pairs(form).finish();
    let request = office.request(Method::POST, path);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(body).send().await.unwrap()
}

fn pages(document: &Document) -> Vec<String> {
    let signers = document.signers.iter();
    signers
        .map(|signer| format!("/firmar/{}", signer.widget_id))
        .collect()
}

#[tokio::test]
async fn who_signs_sees_it_and_the_last_one_closes_it() {
    let office = Office::new().await;
    let doors = Doors::open().await;
    office
        .mifiel
        .send_to(&format!("{}/hook?token=abc", doors.url), "a secret");
    let document = office.mifiel.create(draft());
    let pages = pages(&document);
    assert!(
        office
            .mifiel
            .signing_url(&document.signers[0])
            .ends_with(&pages[0])
    );
    let (status, form) = open(&office, &pages[0]).await;
    assert_eq!(status, 200);
    for told in [
        "contrato.pdf",
        "ana@example.com",
        "XOJI740919U48",
        ">Firmar<",
        ">Rechazar<",
    ] {
        assert!(form.contains(told), "{told}: {form}");
    }
    assert!(!form.contains("<script") && !form.contains("& <Co>"), "{form}");
    assert_eq!(open(&office, "/firmar.css").await.0, 200);
    let file = office.request(Method::GET, &format!("{}/documento", pages[0]));
    assert_eq!(
        file.send().await.unwrap().bytes().await.unwrap(),
        document.draft.file
    );
    assert_eq!(open(&office, &format!("{}/firmado", pages[0])).await.0, 404);

    let done = submit(&office, &pages[0], &[("accion", "firmar")]).await;
    assert_eq!(done.status(), 303);
    assert_eq!(done.headers()["location"], pages[0]);
    let (_, done) = open(&office, &pages[0]).await;
    assert!(
        done.contains("Su firma está puesta") && done.contains("Faltan firmas"),
        "{done}"
    );
    submit(&office, &pages[1], &[("accion", "firmar")]).await;
    // Whoever sends it again signs nothing again.
    submit(&office, &pages[1], &[("accion", "firmar")]).await;
    let (_, done) = open(&office, &pages[0]).await;
    assert!(done.contains(&format!("{}/firmado", pages[0])), "{done}");
    assert!(
        open(&office, &format!("{}/firmado", pages[0]))
            .await
            .1
            .starts_with("%PDF-")
    );
    office.mifiel.settled().await;
    let told = doors.letters();
    let told: Vec<_> = told.iter().map(super::Letter::json).collect();
    let event = |place: usize| told[place]["event"].as_str().unwrap();
    assert_eq!(told.len(), 3);
    assert_eq!(event(0), "signer_completed");
    assert_eq!(told[0]["data"]["signer"]["email"], "ana@example.com");
    assert_eq!(told[1]["data"]["signer"]["email"], "beto@example.com");
    assert_eq!(event(2), "document_closed");
    assert_eq!(told[2]["data"]["id"], document.id);
}

#[tokio::test]
async fn who_rejects_says_why_and_may_sign_yet() {
    let office = Office::new().await;
    let doors = Doors::open().await;
    office.mifiel.send_to(&doors.url, "a secret");
    let document = office.mifiel.create(draft());
    let page = &pages(&document)[0];
    for form in [
        &[("accion", "rechazar")][..],
        &[("accion", "rechazar"), ("motivo", "porque no")],
        &[],
    ] {
        let answer = submit(&office, page, form).await;
        assert_eq!(answer.status(), 422);
        assert!(answer.text().await.unwrap().contains("class=\"error\""));
    }
    let form = [
        ("accion", "rechazar"),
        ("motivo", "El documento tiene un error"),
        ("detalle", "Mi nombre es <Ana>"),
    ];
    assert_eq!(submit(&office, page, &form).await.status(), 303);
    let (_, answer) = open(&office, page).await;
    assert!(answer.contains("Usted lo rechazó"), "{answer}");
    assert!(!answer.contains("<Ana>"), "{answer}");
    let known = office.mifiel.document(&document.id).unwrap();
    let (_, reason) = known.signers[0].rejected.clone().unwrap();
    assert_eq!(reason, "El documento tiene un error: Mi nombre es <Ana>");
    office.mifiel.settled().await;
    let told = doors.letter().json();
    assert_eq!(told["event"], "signer_rejected");
    assert_eq!(told["data"]["document"], document.id);
    submit(&office, page, &[("accion", "firmar")]).await;
    assert!(
        office.mifiel.document(&document.id).unwrap().signers[0]
            .signed_at
            .is_some()
    );
}

#[tokio::test]
async fn what_is_gone_says_so() {
    let office = Office::new().await;
    let (expired, deleted) = (office.mifiel.create(draft()), office.mifiel.create(draft()));
    office.mifiel.expire(&expired.id).unwrap();
    office.mifiel.delete(&deleted.id).unwrap();
    for (page, status) in [
        (pages(&expired)[0].as_str(), 410),
        (pages(&deleted)[0].as_str(), 410),
        ("/firmar/nobody", 404),
    ] {
        assert_eq!(open(&office, page).await.0, status);
        assert_eq!(
            submit(&office, page, &[("accion", "firmar")]).await.status(),
            status
        );
    }
    let documents = office.mifiel.documents();
    assert!(
        documents
            .iter()
            .all(|document| document.signers[0].signed_at.is_none())
    );
}

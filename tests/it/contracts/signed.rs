//! A contract that everybody signs: its documents, its row, its mail, once.

use chrono::TimeDelta;
use onlycar::dev::mifiel::{Delivery, Document, Event, Shape};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Scene, pdf};
use crate::support::mifiel::door;
use crate::support::wait::until;

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[tokio::test]
async fn it_reaches_mifiel_whole() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    let draft = &document.draft;
    let row: Value = scene.row(&document).await;
    assert_eq!(draft.external_id, row["id"].as_str().map(str::to_owned));
    assert_eq!(draft.file, pdf());
    let door = door(&scene.app.url);
    assert_eq!(draft.callback_url.as_deref(), Some(door.as_str()));
    assert_eq!(draft.sign_callback_url.as_deref(), Some(door.as_str()));
    assert_eq!((draft.days_to_expire, draft.remind_every), (Some(15), Some(3)));
    assert!(draft.send_mail);
    let signers: Vec<_> = draft.signers.iter().map(|it| it.email.as_str()).collect();
    assert_eq!(signers, ["ana@example.com", "beto@firmantes.example"]);
    assert_eq!(draft.signers[0].name, "Ana López");
    assert_eq!(draft.signers[0].tax_id.as_deref(), Some("XOJI740919U48"));
    assert_eq!(draft.signers[1].tax_id, None);
    assert_eq!(row["mifiel_document_id"], json!(document.id));
    assert_eq!(row["estado"], "pendiente");
    assert_eq!(row["sha256_original"], json!(document.original_hash));
    assert!(
        row["enviado_en"].is_string() && row["vence_en"].is_string(),
        "{row}"
    );
    assert_eq!(scene.standing().await, "pendiente_firma");
    assert_eq!(scene.audited().await, ["contrato.por_enviar", "contrato.enviado"]);
    scene.app.finish().await;
}

#[tokio::test]
async fn signed_at_mifiels_page_it_is_stored_to_the_byte_and_recorded() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    for signer in &document.signers {
        let page = scene.app.mifiel.signing_url(signer);
        let answer = scene.app.client.post(page).body("accion=firmar").send().await;
        assert_eq!(answer.unwrap().status(), 303);
    }
    // By the account's subscriptions and by the document's own addresses.
    scene.app.mifiel.settled().await;
    scene.app.drain().await;
    let document = scene.app.mifiel.document(&document.id).unwrap();
    assert_signed(&scene, &document).await;
    scene.app.finish().await;
}

/// Row, objects, contract, mail and audit of a document that was signed on 22 November 2026.
async fn assert_signed(scene: &Scene, document: &Document) {
    let (app, contract, id) = (&scene.app, scene.contract, &document.id);
    let (pdf, xml) = (
        app.mifiel.pdf(document).unwrap(),
        app.mifiel.xml(document).unwrap(),
    );
    let ours = document.draft.external_id.clone().unwrap();
    let evidence = format!("evidencias/2026/11/{ours}.json");
    let row = scene.row(document).await;
    for (column, value) in [
        ("contrato_id", json!(contract)),
        ("mifiel_document_id", json!(id)),
        ("estado", json!("firmado")),
        ("firmado_en", json!("2026-11-22T18:00:00+00:00")),
        (
            "url_pdf",
            json!(format!("contratos_firmados/{contract}/{id}.pdf")),
        ),
        (
            "url_xml",
            json!(format!("contratos_firmados/{contract}/{id}.xml")),
        ),
        ("url_evidencia", json!(evidence)),
        ("sha256_pdf", json!(sha256(&pdf))),
        ("sha256_xml", json!(sha256(&xml))),
        ("sha256_original", json!(document.original_hash)),
        ("conservar_hasta", json!("2036-11-22")),
        ("rechazado_en", json!(null)),
        ("eliminado_en", json!(null)),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    for (ending, kind, bytes) in [("pdf", "application/pdf", pdf), ("xml", "application/xml", xml)] {
        let (head, stored) = app
            .bucket
            .read(&format!("contratos_firmados/{contract}/{id}.{ending}"))
            .await;
        assert_eq!(stored, bytes, "{ending}");
        assert_eq!(head.content_type.as_deref(), Some(kind));
        let disposition = format!("attachment; filename=\"contrato-{contract}.{ending}\"");
        assert_eq!(head.content_disposition, Some(disposition));
        let kept = "private, max-age=157680000, immutable";
        assert_eq!(head.cache_control.as_deref(), Some(kept));
        for (name, value) in [
            ("contrato-id", contract.to_string()),
            ("fecha-firma", "2026-11-22T18:00:00+00:00".to_owned()),
            ("tipo-contrato", "servicio_unico".to_owned()),
            ("mifiel-document-id", id.clone()),
        ] {
            assert_eq!(head.metadata[name], value, "{name}");
        }
    }
    assert_evidence(scene, &evidence, &row).await;
    assert_eq!(scene.standing().await, "activo");
    let mails = app.mails(1).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "Tu contrato está firmado");
    let link = format!("/documentos/contratos/{ours}");
    assert!(mails[0].text.contains(&link), "{}", mails[0].text);
    let page = app.client.get(format!("{}{link}", app.url)).send().await.unwrap();
    assert_eq!(page.status(), 401);
    let page = page.text().await.unwrap();
    assert!(page.contains("Inicia sesión") && !page.contains(&ours), "{page}");
    let audited = scene.audited().await;
    for action in ["contrato.firmado", "contrato.activado"] {
        let times = audited.iter().filter(|it| *it == action).count();
        assert_eq!(times, 1, "{action} of {audited:?}");
    }
    assert!(scene.alerts().await.is_empty());
    // Two signed files, the evidence, what was sent and whom it was for.
    assert_eq!(app.bucket.keys().await.len(), 5);
}

async fn assert_evidence(scene: &Scene, key: &str, row: &Value) {
    let (head, bytes) = scene.app.bucket.read(key).await;
    assert_eq!(head.content_type.as_deref(), Some("application/json"));
    let evidence: Value = serde_json::from_slice(&bytes).unwrap();
    for (place, value) in [
        ("/contrato_id", json!(scene.contract)),
        ("/contrato_firmado_id", row["id"].clone()),
        ("/mifiel_document_id", row["mifiel_document_id"].clone()),
        ("/consentimiento/firmas", json!(2)),
        (
            "/verificacion/mifiel_original_hash",
            row["sha256_original"].clone(),
        ),
        ("/archivos/0/sha256", row["sha256_original"].clone()),
        ("/archivos/1/sha256", row["sha256_pdf"].clone()),
        ("/archivos/2/sha256", row["sha256_xml"].clone()),
    ] {
        assert_eq!(evidence.pointer(place), Some(&value), "{place}");
    }
}

/// Every word that Mifiel has for it.
fn words() -> [(Event, Shape); 5] {
    [
        (Event::DocumentClosed, Shape::Account),
        (Event::SignerCompleted, Shape::Account),
        (Event::DocumentClosed, Shape::Customer),
        (Event::DocumentClosed, Shape::Callback),
        (Event::SignerCompleted, Shape::Callback),
    ]
}

#[tokio::test]
async fn each_word_alone_is_enough_and_twice_is_once() {
    for (event, shape) in words() {
        let scene = Scene::open().await;
        let document = scene.sent().await;
        let document = scene.app.mifiel.sign_all(&document.id).unwrap();
        let delivery = Delivery {
            shape,
            duplicate: true,
            ..Delivery::default()
        };
        scene.tell_as(event, &document, delivery).await;
        assert_signed(&scene, &document).await;
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn all_words_in_any_order_are_recorded_once() {
    for turn in 0..words().len() {
        let scene = Scene::open().await;
        let document = scene.sent().await;
        let document = scene.app.mifiel.sign_all(&document.id).unwrap();
        let mut order = words();
        order.rotate_left(turn);
        if turn % 2 == 1 {
            order.reverse();
        }
        for (event, shape) in order {
            let delivery = Delivery {
                shape,
                ..Delivery::default()
            };
            scene.tell_as(event, &document, delivery).await;
        }
        assert_signed(&scene, &document).await;
        scene.app.finish().await;
    }
}

/// The vendor may render the signed PDF anew for each who asks, and two jobs may meet over one document.
#[tokio::test]
async fn all_words_at_once_are_recorded_once_though_each_gets_another_pdf() {
    let mut scene = Scene::open().await;
    let document = scene.sent().await;
    scene.app.stop().await;
    let document = scene.app.mifiel.sign_all(&document.id).unwrap();
    for (event, shape) in words() {
        let delivery = Delivery {
            shape,
            ..Delivery::default()
        };
        let told = scene.app.mifiel.deliver(event, &document.id, delivery).await;
        assert_eq!(told.unwrap()[0].status, 200);
    }
    let mut renderings = 0;
    scene.app.work();
    until("all is recorded", async || {
        renderings += 1;
        scene.app.mifiel.grow_pdfs(renderings);
        scene.app.clock.advance(TimeDelta::milliseconds(1));
        scene.row(&document).await["estado"] == "firmado"
    })
    .await;
    scene.app.drain().await;
    let row = scene.row(&document).await;
    let stored = scene.app.bucket.read(row["url_pdf"].as_str().unwrap()).await.1;
    assert_eq!(row["sha256_pdf"], sha256(&stored));
    let evidence = row["url_evidencia"].as_str().unwrap();
    assert_evidence(&scene, evidence, &row).await;
    assert_eq!(scene.app.mails(1).await.len(), 1);
    assert!(scene.alerts().await.is_empty());
    // A callback is the document itself, whatever it is about: two of them are one event.
    assert_eq!(scene.states().await, ["processed"; 4]);
    scene.app.finish().await;
}

#[tokio::test]
async fn the_contract_may_be_named_in_place_of_the_document() {
    let scene = Scene::open().await;
    // As another program of the customer's notes and sends it.
    let row: Uuid =
        sqlx::query_scalar("insert into contratos_firmados (contrato_id) values ($1) returning id")
            .bind(scene.contract)
            .fetch_one(&scene.app.pool)
            .await
            .unwrap();
    let draft = onlycar::dev::mifiel::Draft::of(&scene.contract.to_string());
    let document = scene.app.mifiel.create(draft);
    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.tell(Event::DocumentClosed, &document).await;
    let row = scene.app.row("contratos_firmados", row).await;
    assert_eq!(row["estado"], "firmado");
    assert_eq!(row["mifiel_document_id"], json!(document.id));
    scene.app.finish().await;
}

#[tokio::test]
async fn a_subscription_is_in_force_once_it_is_paid_as_well() {
    let scene = Scene::of("suscripcion", "").await;
    let document = scene.sent().await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.tell(Event::DocumentClosed, &document).await;
    assert_eq!(scene.row(&document).await["estado"], "firmado");
    assert_eq!(scene.standing().await, "pendiente_firma");
    scene.app.finish().await;
}

#[tokio::test]
async fn one_signature_of_two_changes_nothing() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    let before = scene.everything().await;
    scene.app.mifiel.sign(&document.id, "ana@example.com").unwrap();
    scene.tell(Event::SignerCompleted, &document).await;
    assert_eq!(scene.everything().await, before);
    assert_eq!(scene.states().await, ["processed"]);
    scene.app.finish().await;
}

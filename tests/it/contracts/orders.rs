//! `POST /api/admin/contracts/{id}/send`: who may, what is taken, and once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use onlycar::dev::mifiel::Fault;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Scene, form, meet_at_create, pdf, with};
use crate::counter::{ADMIN, token};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn only_an_administrator_sends() {
    let scene = Scene::open().await;
    let contract = scene.contract.to_string();
    let before = scene.everything().await;
    for (token, status) in [
        (None, 401),
        (Some("not-a-token".to_owned()), 401),
        (Some(token(&scene.app, "operador", ADMIN)), 403),
        (Some(token(&scene.app, "cliente", ADMIN)), 403),
        (Some(token(&scene.app, "", ADMIN)), 403),
    ] {
        // Whoever may not come in learns nothing of ids and fields.
        for contract in [contract.as_str(), &Uuid::nil().to_string(), "x"] {
            let told = scene.send_as(token.as_deref(), contract, &json!({})).await;
            assert_eq!(told.status, status, "{token:?} {told:?}");
        }
    }
    assert_eq!(scene.everything().await, before);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_does_not_exist_is_404() {
    let scene = Scene::open().await;
    for contract in [Uuid::from_u128(7).to_string(), "7".to_owned()] {
        let told = scene.send_as(Some(&scene.admin), &contract, &form()).await;
        assert_eq!(told.status, 404, "{told:?}");
    }
    assert!(scene.app.bucket.keys().await.is_empty());
    scene.app.finish().await;
}

#[tokio::test]
async fn each_thing_that_does_not_fit_is_named() {
    let scene = Scene::open().await;
    let signer = |field: &str| format!("/signers/1/{field}");
    let half = STANDARD.encode(&pdf()[..pdf().len() / 2]);
    let many: Vec<Value> = (0..21)
        .map(|n| json!({ "name": "Ana", "email": format!("ana{n}@example.com") }))
        .collect();
    let twice =
        json!([{ "name": "Ana", "email": "a@example.com" }, { "name": "Eva", "email": "A@example.com" }]);
    for (form, field) in [
        (with("/pdf_base64", json!("%%%")), "pdf_base64"),
        (with("/pdf_base64", json!("")), "pdf_base64"),
        (
            with("/pdf_base64", json!(STANDARD.encode("<html>"))),
            "pdf_base64",
        ),
        (with("/pdf_base64", json!(half)), "pdf_base64"),
        (with("/pdf_base64", json!(7)), "pdf_base64"),
        (with("/pdf_base64", json!(null)), "pdf_base64"),
        (with("/signers", json!([])), "signers"),
        (with("/signers", json!(many)), "signers"),
        (with("/signers", json!({})), "signers"),
        (with("/signers", twice), "signers[1].email"),
        (with(&signer("name"), json!("  ")), "signers[1].name"),
        (with(&signer("name"), json!("Beto\nRuiz")), "signers[1].name"),
        (with(&signer("name"), json!("a".repeat(201))), "signers[1].name"),
        (with(&signer("email"), json!("beto")), "signers[1].email"),
        (
            with(&signer("email"), json!("beto@x.mx, ana@x.mx")),
            "signers[1].email",
        ),
        (
            with("/signers/0/tax_id", json!("XOJI740919")),
            "signers[0].tax_id",
        ),
        (
            with("/signers/0/tax_id", json!("XOJI74091ÑU48")),
            "signers[0].tax_id",
        ),
        (json!({ "pdf_base64": "" }), "signers"),
    ] {
        let told = scene.send(&form).await;
        assert_eq!(told.status, 422, "{field}: {told:?}");
        let errors = told.errors();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].0, field);
        assert!(!told.body.to_string().contains("beto"), "{told:?}");
    }
    let all = with("/signers/0", json!({ "name": "", "email": "ana", "tax_id": "1" }));
    let told = scene.send(&all).await;
    let fields: Vec<_> = told.errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        ["signers[0].name", "signers[0].email", "signers[0].tax_id"]
    );
    assert!(scene.app.bucket.keys().await.is_empty());
    assert!(scene.audited().await.is_empty());
    scene.app.finish().await;
}

// Unoptimised, so many bytes keep a thread busy for seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_refused() {
    let scene = Scene::open().await;
    let grown = |zeros: usize| {
        let pdf = [&pdf()[..], &vec![b' '; zeros], b"\n%%EOF\n"].concat();
        with("/pdf_base64", json!(STANDARD.encode(pdf)))
    };
    assert_eq!(scene.send(&grown(21 * MIB)).await.status, 413);
    assert_eq!(scene.send(&grown(20 * MIB)).await.errors()[0].0, "pdf_base64");
    assert!(scene.app.bucket.keys().await.is_empty());
    // One of nearly 20 MiB goes all the way.
    let told = scene.send(&grown(19 * MIB)).await;
    assert_eq!(told.status, 202, "{told:?}");
    scene.app.drain().await;
    // Mifiel may have been too slow for the first attempt; it has the document once all the same.
    scene.wait(TimeDelta::minutes(5)).await;
    let documents = scene.app.mifiel.documents();
    assert_eq!(documents.len(), 1);
    assert_eq!(documents[0].draft.file.len() / MIB, 19);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_waits_is_signed_or_is_over_is_not_sent() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    let told = scene.send(&form()).await;
    assert_eq!(told.code(), (409, "contrato-en-firma"));
    let ours = document.draft.external_id.as_deref().unwrap();
    assert!(told.body["detail"].as_str().unwrap().contains(ours));
    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene
        .tell(onlycar::dev::mifiel::Event::DocumentClosed, &document)
        .await;
    assert_eq!(scene.send(&form()).await.code(), (409, "contrato-firmado"));
    let over = "update contratos_b2b set estado = 'inactivo'";
    sqlx::query(over).execute(&scene.app.pool).await.unwrap();
    assert_eq!(scene.send(&form()).await.code(), (409, "contrato-inactivo"));
    assert_eq!(scene.app.mifiel.documents().len(), 1);
    scene.app.finish().await;
}

#[tokio::test]
async fn sent_by_several_at_once_there_is_one_document() {
    let scene = Scene::open().await;
    let form = form();
    let told = futures_util::future::join_all((0..8).map(|_| scene.send(&form))).await;
    let mut taken: Vec<u16> = told.iter().map(|told| told.status).collect();
    taken.sort_unstable();
    assert_eq!(taken, [202, 409, 409, 409, 409, 409, 409, 409]);
    scene.app.drain().await;
    assert_eq!(scene.app.mifiel.documents().len(), 1);
    assert_eq!(
        scene
            .app
            .one::<i64>("select count(*) from contratos_firmados")
            .await,
        1
    );
    assert_eq!(scene.audited().await, ["contrato.por_enviar", "contrato.enviado"]);
    scene.app.finish().await;
}

#[tokio::test]
async fn with_mifiel_away_it_is_taken_and_sent_later() {
    let scene = Scene::open().await;
    for fault in [
        Fault::ServerError,
        Fault::RateLimited,
        Fault::Html,
        Fault::Unauthorized,
    ] {
        scene.app.mifiel.fail(fault, 1);
    }
    let told = scene.send(&form()).await;
    assert_eq!((told.status, &told.body["state"]), (202, &json!("pendiente")));
    scene.app.drain().await;
    assert!(scene.app.mifiel.documents().is_empty());
    scene.wait(TimeDelta::minutes(30)).await;
    let document = scene.app.mifiel.documents().pop().unwrap();
    assert_eq!(
        scene.row(&document).await["mifiel_document_id"],
        json!(document.id)
    );
    scene.app.finish().await;
}

#[tokio::test]
async fn with_the_store_away_it_is_not_taken() {
    let mut scene = Scene::open().await;
    scene.app.bucket.kill();
    let told = scene.send(&form()).await;
    assert_eq!(told.code(), (503, "no-disponible"));
    assert!(scene.audited().await.is_empty());
    scene.app.bucket.start_again().await;
    scene.sent().await;
    scene.app.finish().await;
}

#[tokio::test]
async fn what_mifiel_refuses_is_told_and_can_be_sent_again() {
    let scene = Scene::open().await;
    meet_at_create(&scene.app.mifiel, Fault::PaymentRequired);
    let told = scene.send(&form()).await;
    assert_eq!(told.status, 202);
    scene.app.drain().await;
    let alerts = scene.alerts().await;
    assert_eq!(alerts, [format!("contrato-sin-firma:{}", scene.contract)]);
    let mail = &scene.app.mails(1).await[0];
    assert!(mail.text.contains("402"), "{}", mail.text);
    let audited = scene.audited().await;
    assert!(audited.contains(&"contrato.no_enviado".to_owned()), "{audited:?}");
    let document = scene.sent().await;
    assert_eq!(scene.row(&document).await["estado"], "pendiente");
    assert_eq!(scene.standing().await, "pendiente_firma");
    assert!(scene.alerts().await.is_empty());
    scene.app.finish().await;
}

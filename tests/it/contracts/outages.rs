//! Mifiel away, the store away or killed, answers lost: in the end everything is there, once.

use chrono::TimeDelta;
use onlycar::dev::mifiel::{Event, Fault};
use sha2::{Digest as _, Sha256};

use super::{Scene, form, meet_at_create};
use crate::support::bucket::BUCKET;

async fn assert_once(scene: &Scene) {
    let signed = "select count(*) from logs_auditoria where accion = 'contrato.firmado'";
    assert_eq!(scene.app.one::<i64>(signed).await, 1);
    assert_eq!(scene.app.mails(1).await.len(), 1);
    assert_eq!(scene.app.bucket.keys().await.len(), 5);
    assert!(scene.alerts().await.is_empty());
}

#[tokio::test]
async fn mifiel_away_for_an_hour() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    for fault in [
        Fault::ServerError,
        Fault::BadGateway,
        Fault::RateLimited,
        Fault::Html,
        Fault::Cut,
    ] {
        scene.app.mifiel.fail(fault, 1000);
        scene.tell(Event::SignerCompleted, &document).await;
        scene.wait(TimeDelta::minutes(12)).await;
        scene.app.mifiel.heal();
    }
    scene.wait(TimeDelta::hours(8)).await;
    assert_eq!(scene.row(&document).await["estado"], "firmado");
    assert_once(&scene).await;
    scene.app.finish().await;
}

#[tokio::test]
async fn a_mifiel_that_never_answers_is_not_waited_for_forever() {
    let scene = Scene::of("servicio_unico", "mifiel.timeout_seconds = 1").await;
    let document = scene.sent().await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.app.mifiel.fail(Fault::Hang, 2);
    scene.tell(Event::DocumentClosed, &document).await;
    scene.wait(TimeDelta::minutes(5)).await;
    assert_eq!(scene.row(&document).await["estado"], "firmado");
    assert_once(&scene).await;
    scene.app.finish().await;
}

#[tokio::test]
async fn a_wrong_clock_is_told_as_such() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.app.mifiel.set_clock_off(TimeDelta::minutes(20));
    scene.tell(Event::DocumentClosed, &document).await;
    let told: String = scene
        .app
        .one("select last_error from engine.jobs where kind = 'guardar_contrato'")
        .await;
    assert!(told.contains("-1200 s") && told.contains("NTP"), "{told}");
    scene.app.mifiel.set_clock_off(TimeDelta::minutes(-10));
    scene.wait(TimeDelta::minutes(5)).await;
    assert_eq!(scene.row(&document).await["estado"], "firmado");
    assert_once(&scene).await;
    scene.app.finish().await;
}

#[tokio::test]
async fn a_file_that_is_not_there_yet_or_comes_broken_is_asked_for_again() {
    for part in ["file_signed", "xml"] {
        for fault in [
            Fault::NotAcceptable,
            Fault::NotFound,
            Fault::ServerError,
            Fault::HtmlFile,
            Fault::Truncated,
            Fault::Cut,
            Fault::Html,
        ] {
            // Half an XML is well framed, and nobody here reads what Mifiel seals.
            if (part, fault) == ("xml", Fault::Truncated) {
                continue;
            }
            let scene = Scene::open().await;
            let document = scene.sent().await;
            scene.app.mifiel.sign_all(&document.id).unwrap();
            let path = format!("/api/v1/documents/{}/{part}", document.id);
            scene.app.mifiel.fail_at(&path, fault, 2);
            scene.tell(Event::DocumentClosed, &document).await;
            assert_eq!(
                scene.row(&document).await["estado"],
                "pendiente",
                "{part} {fault:?}"
            );
            scene.wait(TimeDelta::minutes(5)).await;
            assert_eq!(
                scene.row(&document).await["estado"],
                "firmado",
                "{part} {fault:?}"
            );
            assert_once(&scene).await;
            scene.app.finish().await;
        }
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for() {
    let mut scene = Scene::open().await;
    let document = scene.sent().await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.app.bucket.kill();
    scene.tell(Event::DocumentClosed, &document).await;
    assert_eq!(scene.row(&document).await["estado"], "pendiente");
    scene.app.bucket.start_again().await;
    scene.wait(TimeDelta::minutes(5)).await;
    assert_eq!(scene.row(&document).await["estado"], "firmado");
    assert_once(&scene).await;
    scene.app.finish().await;
}

#[tokio::test]
async fn what_was_stored_and_not_recorded_is_recorded_with_the_bytes_that_are_stored() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    let signed = scene.app.mifiel.sign_all(&document.id).unwrap();
    // As a process leaves it that was killed between the upload and the record; the next PDF is another rendering.
    let pdf = scene.app.mifiel.pdf(&signed).unwrap();
    let key = format!("contratos_firmados/{}/{}.pdf", scene.contract, document.id);
    let put = scene.app.bucket.raw().put_object().bucket(BUCKET).key(key);
    put.body(pdf.clone().into()).send().await.unwrap();
    scene.app.mifiel.grow_pdfs(1000);
    scene.tell(Event::DocumentClosed, &document).await;
    assert_eq!(
        scene.row(&document).await["sha256_pdf"],
        hex::encode(Sha256::digest(&pdf))
    );
    assert_once(&scene).await;
    scene.app.finish().await;
}

/// Mifiel knows no idempotency key: what it has under our id is ours.
#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_document() {
    let scene = Scene::open().await;
    // Others are in the account, on several pages, and more come meanwhile.
    for _ in 0..60 {
        scene.app.advance(TimeDelta::minutes(1));
        scene.app.mifiel.create(onlycar::dev::mifiel::Draft::default());
    }
    scene.app.advance(TimeDelta::hours(2));
    meet_at_create(&scene.app.mifiel, Fault::LostAnswer);
    let told = scene.send(&form()).await;
    assert_eq!(told.status, 202);
    scene.app.drain().await;
    let lost = scene.app.mifiel.documents().pop().unwrap();
    assert_eq!(
        lost.draft.external_id.as_deref(),
        told.body["document_id"].as_str()
    );
    assert!(scene.row(&lost).await["mifiel_document_id"].is_null());
    for _ in 0..60 {
        scene.app.mifiel.create(onlycar::dev::mifiel::Draft::default());
    }
    scene.wait(TimeDelta::minutes(5)).await;
    assert_eq!(scene.row(&lost).await["mifiel_document_id"], lost.id);
    assert_eq!(scene.app.mifiel.documents().len(), 121);
    assert_eq!(scene.audited().await, ["contrato.por_enviar", "contrato.enviado"]);
    scene.app.finish().await;
}

/// The answer to the order is lost, and the first signature is told before we ask again.
#[tokio::test]
async fn a_document_whose_answer_was_lost_may_be_told_of_first() {
    let scene = Scene::open().await;
    meet_at_create(&scene.app.mifiel, Fault::LostAnswer);
    assert_eq!(scene.send(&form()).await.status, 202);
    scene.app.drain().await;
    let document = scene.app.mifiel.documents().pop().unwrap();
    scene.app.mifiel.sign(&document.id, "ana@example.com").unwrap();
    scene.tell(Event::SignerCompleted, &document).await;
    let row = scene.row(&document).await;
    assert_eq!(row["mifiel_document_id"], document.id);
    assert!(
        row["enviado_en"].is_string() && row["vence_en"].is_string(),
        "{row}"
    );
    scene.wait(TimeDelta::minutes(5)).await;
    assert_eq!(scene.app.mifiel.documents().len(), 1);
    let audited = ["contrato.por_enviar", "contrato.documento_actualizado"];
    assert_eq!(scene.audited().await, audited);
    scene.app.finish().await;
}

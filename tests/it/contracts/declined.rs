//! Contracts that are declined, deleted at Mifiel, or not signed in time.

use chrono::TimeDelta;
use onlycar::dev::mifiel::{Delivery, Event, Fault, Shape};
use serde_json::json;

use super::{Scene, form};

const REASON: &str = "El documento tiene un error: la cláusula 3";

fn customers() -> Delivery {
    Delivery {
        shape: Shape::Customer,
        ..Delivery::default()
    }
}

#[tokio::test]
async fn the_team_is_told_why_and_a_later_signature_wins() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    let reject = |signer| scene.app.mifiel.reject(&document.id, signer, REASON).unwrap();
    reject("beto@firmantes.example");
    scene.tell_as(Event::SignerRejected, &document, customers()).await;
    // Mifiel's own words for the same say no reason, and come late.
    scene.tell(Event::SignerRejected, &document).await;
    let row = scene.row(&document).await;
    assert_eq!(row["estado"], "rechazado");
    assert!(row["rechazado_en"].is_string());
    assert_eq!(scene.standing().await, "rechazado");
    let alert = format!("contrato-sin-firma:{}", scene.contract);
    assert_eq!(scene.alerts().await, [alert]);
    let mails = scene.app.mails(1).await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains(REASON), "{}", mails[0].text);

    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.tell(Event::DocumentClosed, &document).await;
    let row = scene.row(&document).await;
    assert_eq!(
        (&row["estado"], &row["rechazado_en"]),
        (&json!("firmado"), &json!(null))
    );
    assert_eq!(scene.standing().await, "activo");
    assert!(scene.alerts().await.is_empty());
    // What was declined once comes late once more: the signature stands.
    let late = Delivery {
        duplicate: true,
        ..customers()
    };
    scene.tell_as(Event::SignerRejected, &document, late).await;
    assert_eq!(scene.row(&document).await["estado"], "firmado");
    assert_eq!(scene.app.mails(2).await.len(), 2);
    scene.app.finish().await;
}

#[tokio::test]
async fn declined_it_is_sent_again_and_declined_again() {
    let scene = Scene::open().await;
    for times in 1..=2 {
        let document = scene.sent().await;
        assert_eq!(scene.standing().await, "pendiente_firma");
        // That it was sent again was the next step.
        assert!(scene.alerts().await.is_empty());
        let signer = &document.signers[0].id;
        scene.app.mifiel.reject(&document.id, signer, REASON).unwrap();
        scene.tell(Event::SignerRejected, &document).await;
        assert_eq!(scene.row(&document).await["estado"], "rechazado");
        assert_eq!(scene.alerts().await.len(), 1);
        assert_eq!(scene.app.mails(times).await.len(), times);
    }
    scene.app.finish().await;
}

#[tokio::test]
async fn a_document_that_is_gone_from_mifiel_is_rejected_and_can_be_sent_again() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    scene.app.mifiel.delete(&document.id).unwrap();
    scene.tell(Event::DocumentDeleted, &document).await;
    let row = scene.row(&document).await;
    assert_eq!(row["estado"], "rechazado");
    assert!(row["eliminado_en"].is_string());
    assert_eq!(scene.standing().await, "rechazado");
    let alert = format!("contrato-sin-firma:{}", scene.contract);
    assert_eq!(scene.alerts().await, [alert]);
    scene.sent().await;
    assert_eq!(scene.standing().await, "pendiente_firma");
    assert!(scene.alerts().await.is_empty());
    scene.app.finish().await;
}

#[tokio::test]
async fn that_it_was_deleted_is_not_believed_while_mifiel_has_it() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    let before = scene.everything().await;
    scene.tell(Event::DocumentDeleted, &document).await;
    assert_eq!(scene.everything().await, before);
    scene.app.finish().await;
}

/// Told that all have signed, a 404 is no word for the contrary.
#[tokio::test]
async fn a_question_that_goes_astray_once_deletes_nothing() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.app.mifiel.fail_at("/api/v1/documents/", Fault::NotFound, 1);
    scene.tell(Event::DocumentClosed, &document).await;
    assert_eq!(scene.row(&document).await["estado"], "pendiente");
    scene.wait(TimeDelta::minutes(1)).await;
    assert_eq!(scene.row(&document).await["estado"], "firmado");
    assert!(scene.alerts().await.is_empty());
    scene.app.finish().await;
}

#[tokio::test]
async fn what_is_signed_stays_signed_when_mifiel_has_it_no_more() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.tell(Event::DocumentClosed, &document).await;
    let before = scene.everything().await;
    scene.app.mifiel.delete(&document.id).unwrap();
    scene.tell(Event::DocumentDeleted, &document).await;
    scene.tell(Event::SignerRejected, &document).await;
    scene.wait(TimeDelta::minutes(3)).await;
    assert_eq!(scene.everything().await, before);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_was_not_signed_in_time_can_be_sent_again() {
    let scene = Scene::open().await;
    let first = scene.sent().await;
    assert_eq!(scene.send(&form()).await.code(), (409, "contrato-en-firma"));
    scene.app.advance(TimeDelta::days(15));
    let second = scene.sent().await;
    assert_ne!(first.id, second.id);
    scene.app.mifiel.sign_all(&second.id).unwrap();
    scene.tell(Event::DocumentClosed, &second).await;
    assert_eq!(scene.row(&first).await["estado"], "pendiente");
    assert_eq!(scene.row(&second).await["estado"], "firmado");
    assert_eq!(scene.standing().await, "activo");
    // The first is taken away at Mifiel: nobody has to see to that.
    scene.app.mifiel.delete(&first.id).unwrap();
    scene.tell(Event::DocumentDeleted, &first).await;
    assert_eq!(scene.row(&first).await["estado"], "rechazado");
    assert!(scene.alerts().await.is_empty());
    assert_eq!(scene.standing().await, "activo");
    scene.app.finish().await;
}

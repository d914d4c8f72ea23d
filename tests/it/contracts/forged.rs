//! Whoever knocks without the token is refused; whoever has it changes nothing that Mifiel does not confirm.

use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use onlycar::dev::mifiel::{Delivery, Document, Draft, Event, Shape, Signature, Token};
use serde_json::{Value, json};

use super::Scene;
use crate::support::mifiel::{APP_SECRET, TOKEN};

#[tokio::test]
async fn neither_token_nor_signature_is_refused_and_leaves_nothing() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    let before = scene.everything().await;
    for (token, signature) in [
        (Token::Wrong, Signature::Missing),
        (Token::Missing, Signature::Missing),
        (Token::Wrong, Signature::Wrong),
        (Token::Missing, Signature::Wrong),
    ] {
        for shape in [Shape::Account, Shape::Customer, Shape::Callback] {
            let delivery = Delivery {
                shape,
                token,
                signature,
                ..Delivery::default()
            };
            let told = scene
                .app
                .mifiel
                .deliver(Event::DocumentClosed, &document.id, delivery);
            let answer = &told.await.unwrap()[0];
            assert_eq!(answer.status, 400, "{delivery:?}");
            assert!(answer.body.starts_with("Webhook Error: "), "{}", answer.body);
            assert!(!answer.body.contains(TOKEN));
        }
    }
    assert!(scene.states().await.is_empty());
    assert_eq!(scene.everything().await, before);
    scene.app.finish().await;
}

#[tokio::test]
async fn addresses_that_are_not_ours_to_the_letter_are_refused() {
    let scene = Scene::open().await;
    let body = r#"{"event":"document_closed","data":{"id":"x"}}"#;
    let upper = TOKEN.to_uppercase();
    let shorter = &TOKEN[..47];
    for query in [
        String::new(),
        "token=".to_owned(),
        format!("Token={TOKEN}"),
        format!("key={TOKEN}"),
        format!("token={upper}"),
        format!("token={shorter}"),
        format!("token={TOKEN}0"),
        format!("token=%20{TOKEN}"),
        format!("token={TOKEN}&token={TOKEN}"),
        format!("token=wrong&token={TOKEN}"),
        format!("a;token={TOKEN}"),
    ] {
        let url = format!("{}/api/webhooks/mifiel?{query}", scene.app.url);
        let answer = scene.app.client.post(url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{query}");
        assert!(!answer.text().await.unwrap().contains(shorter), "{query}");
    }
    // In the path it is another address.
    let url = format!("{}/api/webhooks/mifiel/{TOKEN}", scene.app.url);
    assert_eq!(
        scene
            .app
            .client
            .post(url)
            .body(body)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert!(scene.states().await.is_empty());
    scene.app.finish().await;
}

#[tokio::test]
async fn a_right_signature_is_as_good_as_the_token() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    let body = json!({ "event": "document.signed", "document_id": document.id }).to_string();
    let mac = |secret: &str| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    };
    for (signature, status) in [(mac("another"), 400), (mac(APP_SECRET), 200)] {
        let url = format!("{}/api/webhooks/mifiel", scene.app.url);
        let request = scene.app.client.post(url).header("x-mifiel-signature", signature);
        let answer = request.body(body.clone()).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    scene.app.drain().await;
    assert_eq!(scene.row(&document).await["estado"], "firmado");
    scene.app.finish().await;
}

#[tokio::test]
async fn that_all_signed_is_not_believed_while_mifiel_says_otherwise() {
    for shape in [Shape::Account, Shape::Customer] {
        let scene = Scene::open().await;
        let document = scene.sent().await;
        scene.app.mifiel.sign(&document.id, "ana@example.com").unwrap();
        let before = scene.everything().await;
        let delivery = Delivery {
            shape,
            ..Delivery::default()
        };
        scene.tell_as(Event::DocumentClosed, &document, delivery).await;
        assert_eq!(scene.states().await, ["processed"], "Mifiel is asked once more");
        assert_eq!(scene.everything().await, before);
        scene.wait(TimeDelta::minutes(3)).await;
        assert_eq!(scene.states().await, ["parked"]);
        let alert = format!("documento-sin-confirmar:{}", document.id);
        assert_eq!(scene.alerts().await, [alert]);
        let row = scene.row(&document).await;
        assert_eq!(
            (&row["estado"], &row["url_pdf"]),
            (&json!("pendiente"), &Value::Null)
        );

        // It comes true: then it is told anew, and the incident is over.
        scene.app.mifiel.sign_all(&document.id).unwrap();
        scene.tell(Event::SignerCompleted, &document).await;
        assert_eq!(scene.row(&document).await["estado"], "firmado");
        assert!(scene.alerts().await.is_empty());
        scene.app.finish().await;
    }
}

/// The message comes before Mifiel's own answer knows of it.
#[tokio::test]
async fn told_a_moment_too_early_it_is_recorded_all_the_same() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    scene.tell(Event::DocumentClosed, &document).await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.wait(TimeDelta::minutes(1)).await;
    assert_eq!(scene.row(&document).await["estado"], "firmado");
    assert!(scene.alerts().await.is_empty());
    scene.app.finish().await;
}

/// Parked, with an incident, and nothing changed.
async fn assert_unconfirmed(scene: &Scene, before: &Value, document: &str) {
    assert_eq!(scene.states().await, ["parked"]);
    let alert = format!("documento-sin-confirmar:{document}");
    assert_eq!(scene.alerts().await, [alert]);
    let after = scene.everything().await;
    let rows = |all: &Value| {
        let of = |name: &str| all[0][name].clone();
        (of("documents"), of("contracts"), of("audit"), all[1].clone())
    };
    assert_eq!(rows(&after), rows(before));
}

#[tokio::test]
async fn a_document_that_nobody_knows_is_parked() {
    let scene = Scene::open().await;
    scene.sent().await;
    let before = scene.everything().await;
    let body = r#"{"event":"document.signed","document_id":"29f3cb01-744d-4eae-8718-213aec8a1678"}"#;
    let url = crate::support::mifiel::door(&scene.app.url);
    let answer = scene.app.client.post(url).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    scene.app.drain().await;
    assert!(scene.alerts().await.is_empty(), "it may have been told too early");
    scene.wait(TimeDelta::minutes(3)).await;
    assert_unconfirmed(&scene, &before, "29f3cb01-744d-4eae-8718-213aec8a1678").await;
    scene.app.finish().await;
}

#[tokio::test]
async fn a_document_of_somebody_elses_is_parked() {
    for external in [None, Some("4711"), Some("29f3cb01-744d-4eae-8718-213aec8a1678")] {
        let scene = Scene::open().await;
        scene.sent().await;
        let before = scene.everything().await;
        let foreign = scene
            .app
            .mifiel
            .create(external.map_or_else(Draft::default, Draft::of));
        scene.app.mifiel.sign_all(&foreign.id).unwrap();
        scene.tell(Event::DocumentClosed, &foreign).await;
        assert_unconfirmed(&scene, &before, &foreign.id).await;
        scene.app.finish().await;
    }
}

/// A document in the account that bears the id of ours, with other bytes, and is signed by everybody.
async fn assert_other_bytes_change_nothing(scene: &Scene, ours: &Document) {
    let before = scene.everything().await;
    let mut draft = Draft::of(ours.draft.external_id.as_deref().unwrap());
    draft.file = [&draft.file[..], b"\n"].concat().into();
    let impostor = scene.app.mifiel.create(draft);
    scene.app.mifiel.sign_all(&impostor.id).unwrap();
    scene.tell(Event::DocumentClosed, &impostor).await;
    assert_unconfirmed(scene, &before, &impostor.id).await;
}

/// Another document in the account that bears the id of ours.
#[tokio::test]
async fn other_bytes_under_our_id_are_not_ours() {
    let scene = Scene::open().await;
    let ours = scene.sent().await;
    assert_other_bytes_change_nothing(&scene, &ours).await;
    scene.app.finish().await;
}

/// The same before Mifiel's id of ours is known, as when the answer was lost.
#[tokio::test]
async fn other_bytes_than_those_we_sent_are_never_signed() {
    let scene = Scene::open().await;
    let ours = scene.sent().await;
    let forget = "update contratos_firmados set mifiel_document_id = null";
    sqlx::query(forget).execute(&scene.app.pool).await.unwrap();
    assert_other_bytes_change_nothing(&scene, &ours).await;
    scene.app.finish().await;
}

#[tokio::test]
async fn what_is_no_event_is_refused_and_what_nobody_acts_on_is_kept_bare() {
    let scene = Scene::open().await;
    let url = crate::support::mifiel::door(&scene.app.url);
    for body in ["", "[]", "null", "\"document_closed\"", "{", "\u{0}"] {
        let answer = scene.app.client.post(&url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body:?}");
    }
    assert!(scene.states().await.is_empty());
    for body in [
        r#"{"event":"widget.opened","data":{"id":"1","email":"beto@firmantes.example"}}"#,
        r#"{"event":"document_closed","data":{"email":"beto@firmantes.example"}}"#,
        r#"{"event":"document_closed","data":{"id":"../webhooks"}}"#,
    ] {
        let answer = scene.app.client.post(&url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{body}");
    }
    scene.app.drain().await;
    assert_eq!(scene.states().await, ["ignored", "parked", "parked"]);
    let kept = "select string_agg(convert_from(payload, 'UTF8'), ' ') from webhooks.events";
    let kept: String = scene.app.one(kept).await;
    assert!(kept.contains("widget.opened") && !kept.contains("beto"), "{kept}");
    let asked = scene.app.mifiel.asked();
    assert!(asked.is_empty(), "{asked:?}");
    scene.app.finish().await;
}

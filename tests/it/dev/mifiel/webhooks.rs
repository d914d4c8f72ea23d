//! Webhooks, checked by hand as their receiver would.

use hmac::{Hmac, KeyInit, Mac};
use onlycar::dev::mifiel::{Delivery, Draft, Event, Shape, Signature, Token};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Doors, Office, closed, draft};
use crate::support::TestApp;

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn token_and_signature_are_what_is_asked_for() {
    let office = Office::new().await;
    let doors = Doors::open().await;
    office
        .mifiel
        .send_to(&format!("{}/hook?a=1&token=s3cr3t", doors.url), "a secret");
    let id = closed(&office.mifiel).id;
    for (token, uri) in [
        (Token::Right, "/hook?a=1&token=s3cr3t"),
        (Token::Wrong, "/hook?a=1&token=t3rc3s0"),
        (Token::Missing, "/hook?a=1"),
    ] {
        for (scheme, secret) in [
            (Signature::Missing, None),
            (Signature::Right, Some("a secret")),
            (Signature::Wrong, Some("a wrong secret")),
        ] {
            let delivery = Delivery {
                token,
                signature: scheme,
                ..Delivery::default()
            };
            office
                .mifiel
                .deliver(Event::DocumentClosed, &id, delivery)
                .await
                .unwrap();
            let letter = doors.letter();
            assert_eq!(letter.uri, uri);
            let told = letter.headers.get("x-mifiel-signature");
            let told = told.map(|told| told.to_str().unwrap().to_owned());
            assert_eq!(
                told,
                secret.map(|secret| signature(secret, &letter.body)),
                "{scheme:?}"
            );
        }
    }
}

#[tokio::test]
async fn each_event_comes_in_each_shape() {
    let office = Office::new().await;
    let doors = Doors::open().await;
    office.mifiel.send_to(&doors.url, "a secret");
    let id = office.mifiel.create(draft()).id;
    office.mifiel.sign(&id, "beto@example.com").unwrap();
    office.mifiel.reject(&id, "ana@example.com", "dudas").unwrap();
    let of_signer = |email: &str| json!({ "document": id, "document_external_id": "our id", "signer": { "email": email } });
    let mut told = json!({ "id": id, "external_id": "our id" });
    let deleted = json!({ "event": "document_deleted", "data": told });
    told["file_file_name"] = json!("contrato.pdf");
    told["signed_at"] = json!(null);
    let completed = json!({ "event": "signer_completed", "data": of_signer("beto@example.com") });
    for (event, account, customers) in [
        (
            Event::DocumentClosed,
            json!({ "event": "document_closed", "data": told }),
            json!({ "event": "document.signed", "document_id": id }),
        ),
        (Event::SignerCompleted, completed.clone(), completed),
        (
            Event::SignerRejected,
            json!({ "event": "signer_rejected", "data": of_signer("ana@example.com") }),
            json!({ "event": "document.rejected", "document_id": id, "reason": "dudas" }),
        ),
        (Event::DocumentDeleted, deleted.clone(), deleted),
    ] {
        let document = office.json(&format!("/documents/{id}")).await;
        for (shape, expected) in [
            (Shape::Account, account),
            (Shape::Customer, customers),
            (Shape::Callback, document),
        ] {
            let delivery = Delivery {
                shape,
                ..Delivery::default()
            };
            office.mifiel.deliver(event, &id, delivery).await.unwrap();
            assert_eq!(doors.letter().json(), expected, "{event:?} {shape:?}");
        }
    }
}

#[tokio::test]
async fn lost_twice_late_and_before_its_time() {
    let office = Office::new().await;
    let doors = Doors::open().await;
    office.mifiel.send_to(&doors.url, "a secret");
    let id = office.mifiel.create(draft()).id;
    let lost = Delivery {
        lose: true,
        ..Delivery::default()
    };
    let answers = office
        .mifiel
        .deliver(Event::DocumentClosed, &id, lost)
        .await
        .unwrap();
    assert!(answers.is_empty() && doors.letters().is_empty());
    // Nobody has signed.
    let answers = office
        .mifiel
        .deliver(Event::DocumentClosed, &id, Delivery::default())
        .await;
    assert_eq!(answers.unwrap()[0].body, "taken");
    assert_eq!(doors.letter().json()["data"]["signed_at"], Value::Null);
    let twice = Delivery {
        duplicate: true,
        delay_ms: 1,
        ..Delivery::default()
    };
    office.mifiel.sign_all(&id).unwrap();
    office
        .mifiel
        .deliver(Event::DocumentClosed, &id, twice)
        .await
        .unwrap();
    let letters = doors.letters();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0].body, letters[1].body);
    assert_eq!(letters[0].json()["data"]["signed_at"], "2026-11-22T18:00:00.000Z");
    let sent = office.mifiel.sent();
    assert_eq!((sent.len(), &sent[1].statuses), (2, &vec![200, 200]));
    let nobodys = office
        .mifiel
        .deliver(Event::DocumentClosed, "of-nobody", Delivery::default());
    assert!(nobodys.await.is_err());
}

#[tokio::test]
async fn a_documents_own_addresses_are_told_as_well() {
    let office = Office::new().await;
    let doors = Doors::open().await;
    let id = office.mifiel.create(Draft {
        callback_url: Some(format!("{}/all?token=x", doors.url)),
        sign_callback_url: Some(format!("{}/one", doors.url)),
        ..draft()
    });
    let habit = json!({ "deliver": { "signature": "right" } });
    office.sim(Method::PUT, "habits", &habit).await;
    let page = |place: usize| format!("/firmar/{}", id.signers[place].widget_id);
    for place in 0..2 {
        let request = office.request(Method::POST, &page(place)).body("accion=firmar");
        assert_eq!(request.send().await.unwrap().status(), 303);
    }
    office.mifiel.settled().await;
    let letters = doors.letters();
    let uris: Vec<&str> = letters.iter().map(|letter| letter.uri.as_str()).collect();
    assert_eq!(uris, ["/one", "/one", "/all?token=x"]);
    assert_eq!(letters[0].json()["signed_by_all"], false);
    assert_eq!(
        letters[2].json(),
        office.json(&format!("/documents/{}", id.id)).await
    );
    assert!(letters[2].headers.contains_key("x-mifiel-signature"));
}

#[tokio::test]
async fn nobody_is_told_where_that_is_switched_off() {
    let office = Office::new().await;
    let doors = Doors::open().await;
    let document = office.mifiel.create(Draft {
        callback_url: Some(doors.url.clone()),
        ..Draft::default()
    });
    office.mifiel.tell_callbacks(false);
    let page = format!("/firmar/{}", document.signers[0].widget_id);
    let request = office.request(Method::POST, &page).body("accion=firmar");
    request.send().await.unwrap();
    office.mifiel.settled().await;
    assert!(doors.letters().is_empty());
    assert!(
        office
            .mifiel
            .document(&document.id)
            .unwrap()
            .signed_at()
            .is_some()
    );
}

#[tokio::test]
async fn what_follows_by_itself_is_repeated_until_it_is_taken() {
    let office = Office::new().await;
    let doors = Doors::open().await;
    office.mifiel.send_to(&doors.url, "a secret");
    let id = office.mifiel.create(draft()).id;
    *doors.answers.lock().unwrap() = vec![500, 404];
    let path = format!("/documents/{id}");
    assert_eq!(office.ask(Method::DELETE, &path, &json!({})).await.0, 204);
    office.mifiel.settled().await;
    let letters = doors.letters();
    assert_eq!(letters.len(), 3);
    assert!(letters.iter().all(|letter| letter.body == letters[0].body));
    assert_eq!(letters[0].json()["event"], "document_deleted");
    assert_eq!(office.mifiel.sent()[0].statuses, [500, 404, 200]);
}

#[tokio::test]
async fn another_process_lets_things_happen() {
    let office = Office::new().await;
    let doors = Doors::open().await;
    office.mifiel.send_to(&doors.url, "a secret");
    let made = office
        .sim(Method::POST, "documents", &json!({ "external_id": "theirs" }))
        .await;
    let id = made["id"].as_str().unwrap();
    let page = made["sim_signers"][0]["page"].as_str().unwrap();
    assert!(page.starts_with(&office.mifiel.url()), "{page}");
    let rejected = json!({
        "kind": "document.rejected", "reason": "RFC equivocado", "deliver": { "shape": "customer" },
    });
    let told = office.sim(Method::POST, "events", &rejected).await;
    assert_eq!(told[0]["about"], id, "the last that waits");
    assert_eq!(told[0]["answers"][0]["status"], 200);
    assert_eq!(doors.letter().json()["reason"], "RFC equivocado");
    for (kind, about) in [
        ("document_closed", id),
        ("signer_completed", ""),
        ("document_deleted", ""),
    ] {
        let told = office.sim(Method::POST, "events", &json!({ "kind": kind })).await;
        assert_eq!(doors.letter().json()["event"], kind);
        assert_eq!(
            told[0]["about"] == *id,
            !about.is_empty(),
            "{kind}: else a new one"
        );
    }
    let never = json!({ "event": "signer_rejected", "about": id, "deliver": { "token": "missing" } });
    office.sim(Method::POST, "webhooks", &never).await;
    assert_eq!(doors.letter().json()["event"], "signer_rejected");
    let last = office.mifiel.create(draft()).id;
    office
        .sim(Method::POST, "expire", &json!({ "document": last }))
        .await;
    let state = office.sim(Method::GET, "state", &json!(null)).await;
    assert_eq!(state["documents"][0]["signed_by_all"], true);
    assert_eq!(state["documents"][3]["state"], "expired");
    assert_eq!(state["webhooks"].as_array().unwrap().len(), 4);
    assert_eq!(state["sent"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_test_of_the_program_has_an_account_of_its_own() {
    let app = TestApp::start().await;
    assert_eq!(app.mifiel.webhooks().len(), 4);
    assert!(app.mifiel.webhooks()[0].url.starts_with(&app.url));
    app.finish().await;
}

//! Webhooks, checked by hand as their receiver would.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use onlycar::dev::gigstack::{Delivery, Event, Gigstack, Names, Order, Scheme, Shape};
use reqwest::Method;
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::{Doors, Letter, SECRET, Team, noon};
use crate::support::TestApp;

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// standardwebhooks.com: over id, time and body, with what stands after `whsec_`.
fn is_standard(letter: &Letter, secret: &str) -> bool {
    let key = match secret.strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).unwrap(),
        None => secret.as_bytes().to_vec(),
    };
    let (id, time) = (letter.header("webhook-id"), letter.header("webhook-timestamp"));
    let message = [id.as_bytes(), b".", time.as_bytes(), b".", &letter.body].concat();
    let signature = format!("v1,{}", STANDARD.encode(mac(&key, &message)));
    !id.is_empty()
        && time == noon().timestamp().to_string()
        && letter.header("webhook-signature") == signature
}

fn is_gigstacks(letter: &Letter, secret: &str) -> bool {
    letter.header("x-gigstack-signature") == hex::encode(mac(secret.as_bytes(), &letter.body))
}

async fn told(gigstack: &Gigstack, doors: &Doors, event: Event, delivery: Delivery) -> Letter {
    let about = gigstack.invoices().first().unwrap().id.clone();
    gigstack.deliver(event, &about, delivery).await.unwrap();
    doors.letter()
}

#[tokio::test]
async fn each_scheme_signs_as_its_page_says() {
    let team = Team::new().await;
    let doors = Doors::open().await;
    team.gigstack.stamp(Order::default());
    for secret in [SECRET, "a raw secret", "whsec_no base64!"] {
        team.gigstack.send_to(&doors.url, secret);
        for (scheme, standard, own) in [
            (Scheme::StandardWebhooks, true, false),
            (Scheme::GigstackSignature, false, true),
            (Scheme::Both, true, true),
            (Scheme::Unsigned, false, false),
        ] {
            let delivery = Delivery {
                scheme,
                ..Delivery::default()
            };
            let letter = told(&team.gigstack, &doors, Event::CfdiCreated, delivery).await;
            if secret != "whsec_no base64!" {
                assert_eq!(is_standard(&letter, secret), standard, "{scheme:?}");
            }
            assert_eq!(is_gigstacks(&letter, secret), own, "{scheme:?}");
            let forged = Delivery {
                bad_signature: true,
                ..delivery
            };
            let letter = told(&team.gigstack, &doors, Event::CfdiCreated, forged).await;
            assert!(!is_gigstacks(&letter, secret));
            assert_eq!(letter.headers.contains_key("webhook-signature"), standard);
        }
    }
}

#[tokio::test]
async fn each_event_comes_in_each_shape_and_name_at_its_door() {
    let team = Team::new().await;
    let doors = Doors::open().await;
    team.gigstack.send_to(&doors.url, SECRET);
    let order = Order {
        payment_intent: Some("pi_1".to_owned()),
        ..Order::default()
    };
    let invoice = team.gigstack.stamp(order.noting("service_id", "a service"));
    let uuid = invoice.uuid.to_string();
    for (event, path, vendors) in [
        (Event::InvoiceCreated, "invoice-created", "invoice.created"),
        (Event::CfdiCreated, "cfdi-created", "invoice.created"),
        (
            Event::SelfInvoiceCompleted,
            "self-invoice-completed",
            "receipt.completed",
        ),
        (Event::InvoiceCancelled, "invoice-cancelled", "invoice.canceled"),
    ] {
        for (names, name) in [(Names::Customer, event.name()), (Names::Vendor, vendors)] {
            for (shape, field, data) in [
                (Shape::Object, "type", "/data/object"),
                (Shape::Flat, "event", "/data"),
                (Shape::EventType, "event_type", "/data"),
                (Shape::Bare, "type", "/data"),
            ] {
                let delivery = Delivery {
                    shape,
                    names,
                    ..Delivery::default()
                };
                let letter = told(&team.gigstack, &doors, event, delivery).await;
                assert_eq!(letter.uri, format!("/api/webhooks/gigstack/{path}"));
                let body = letter.json();
                assert_eq!(body[field], name, "{shape:?}: {body}");
                let data = body.pointer(data).unwrap();
                assert_eq!(data["uuid"], uuid, "{shape:?}: {body}");
                assert_eq!(data["total"], 1500);
                assert_eq!(data["metadata"]["service_id"], "a service");
                assert_eq!(data["client"]["tax_id"], "XOJI740919U48", "as the vendor tells");
                let has_id = matches!(shape, Shape::Object | Shape::Flat);
                assert_eq!(body["id"].is_string(), has_id, "{body}");
            }
        }
    }
    team.gigstack.tell_client(false);
    let letter = told(&team.gigstack, &doors, Event::CfdiCreated, Delivery::default()).await;
    assert!(!String::from_utf8_lossy(&letter.body).contains("XOJI740919U48"));
}

#[tokio::test]
async fn lost_twice_late_and_before_its_time() {
    let team = Team::new().await;
    let doors = Doors::open().await;
    team.gigstack.send_to(&doors.url, SECRET);
    let invoice = team.gigstack.stamp(Order::default());
    let deliver = async |event, delivery| {
        let answers = team.gigstack.deliver(event, &invoice.id, delivery).await;
        (answers.unwrap().len(), doors.letters())
    };
    let lost = Delivery {
        lose: true,
        ..Delivery::default()
    };
    assert_eq!(deliver(Event::InvoiceCreated, lost).await.0, 0);
    // Cancelled before it is told of, and told of as it is by then.
    team.gigstack.cancel(&invoice.id, "02").unwrap();
    let (_, first) = deliver(Event::InvoiceCancelled, Delivery::default()).await;
    assert_eq!(first[0].json()["data"]["object"]["status"], "cancelled");
    let twice = Delivery {
        duplicate: true,
        delay_ms: 1,
        ..Delivery::default()
    };
    let (answers, letters) = deliver(Event::InvoiceCreated, twice).await;
    assert_eq!((answers, letters.len()), (2, 2));
    assert_eq!(letters[0].body, letters[1].body);
    assert_eq!(letters[0].header("webhook-id"), letters[1].header("webhook-id"));
    assert_eq!(letters[0].json()["data"]["object"]["status"], "cancelled");
    let sent = team.gigstack.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].statuses, [200, 200]);
}

#[tokio::test]
async fn what_follows_by_itself_is_repeated_until_it_is_taken() {
    let team = Team::new().await;
    let doors = Doors::open().await;
    team.gigstack.send_to(&doors.url, SECRET);
    *doors.answers.lock().unwrap() = vec![500, 404];
    team.post("/v1/invoices/public", &super::month("key")).await;
    team.gigstack.settled().await;
    let letters = doors.letters();
    assert_eq!(letters.len(), 3);
    assert!(letters.iter().all(|letter| letter.body == letters[0].body));
    assert_eq!(letters[0].json()["data"]["object"]["global"]["month"], "10");
    assert_eq!(team.gigstack.sent()[0].statuses, [500, 404, 200]);
}

#[tokio::test]
async fn a_payment_at_stripe_is_invoiced_and_told() {
    let team = Team::new().await;
    let doors = Doors::open().await;
    team.gigstack.send_to(&doors.url, SECRET);
    let metadata: Map<String, Value> = [("service_id".to_owned(), json!("a service"))]
        .into_iter()
        .collect();
    let invoice = team
        .gigstack
        .stripe_paid("pi_1", 123_456, metadata)
        .await
        .unwrap();
    let letter = doors.letter();
    assert_eq!(letter.uri, "/api/webhooks/gigstack/cfdi-created");
    assert!(is_standard(&letter, SECRET));
    let told = &letter.json()["data"]["object"];
    assert_eq!(told["id"], invoice.id);
    assert_eq!(told["stripe"]["payment_intent"], "pi_1");
    assert_eq!(told["metadata"]["service_id"], "a service");
    assert_eq!(told["total"], 1234.56);
}

#[tokio::test]
async fn another_process_lets_things_happen() {
    let team = Team::new().await;
    let doors = Doors::open().await;
    team.gigstack.send_to(&doors.url, SECRET);
    let mut about = Vec::new();
    for (event, _) in Event::ALL {
        let happening = json!({
            "kind": event.name(),
            "order": { "metadata": { "servicio_id": "a service" } },
            "deliver": { "shape": "flat", "names": "vendor", "scheme": "gigstack_signature" },
        });
        let told: Value = team
            .sim(Method::POST, "events", &happening)
            .await
            .json()
            .await
            .unwrap();
        let letter = doors.letter();
        assert_eq!(told[0]["id"], letter.json()["id"]);
        assert_eq!(told[0]["answers"][0]["status"], 200);
        assert!(is_gigstacks(&letter, SECRET));
        assert_eq!(letter.uri, event.path());
        about.push(told[0]["about"].as_str().unwrap().to_owned());
    }
    let invoices = team.gigstack.invoices();
    assert_eq!(invoices.len(), 3);
    assert_eq!(about[3], invoices[2].id, "the last invoice is cancelled");
    assert_eq!(invoices[2].status, "cancelled");
    assert_eq!(invoices[2].order.receipt_id.as_deref(), Some(&*about[2]));

    let made: Value = team
        .sim(Method::POST, "invoices", &json!({}))
        .await
        .json()
        .await
        .unwrap();
    let never = json!({ "event": "invoice.cancelled", "about": made["id"] });
    team.sim(Method::POST, "webhooks", &never).await;
    assert_eq!(
        doors.letter().json()["data"]["object"]["status"],
        "stamped",
        "it never happened"
    );
    let habits = json!({ "files": "base64", "ask_receiver": true, "deliver": { "shape": "bare" } });
    team.sim(Method::PUT, "habits", &habits).await;
    let cancel = json!({ "invoice": made["uuid"], "motive": "03" });
    let told: Value = team
        .sim(Method::POST, "cancel", &cancel)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(told["cancelled"], false);
    let yes = json!({ "invoice": made["uuid"], "agrees": true });
    team.sim(Method::POST, "receiver", &yes).await;
    assert_eq!(
        team.gigstack
            .invoice(made["id"].as_str().unwrap())
            .unwrap()
            .status,
        "cancelled"
    );
}

#[tokio::test]
async fn a_forged_one_is_not_taken_by_the_program() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    let forged = Delivery {
        bad_signature: true,
        ..Delivery::default()
    };
    for (event, _) in Event::ALL {
        let answers = app.gigstack.deliver(event, &invoice.id, forged).await.unwrap();
        assert!((400..500).contains(&answers[0].status), "{answers:?}");
    }
    assert_eq!(app.one::<i64>("select count(*) from webhooks.events").await, 0);
    app.finish().await;
}

//! Every shape of webhook that the vendor's material shows, under its own names and the customer's.

use onlycar::dev::gigstack::{Delivery, Event, Names, Scheme, Shape};

use super::{find, order_of, row, states, story, tell_as};
use crate::support::TestApp;

#[tokio::test]
async fn every_shape_name_and_signature_is_understood() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    for shape in [Shape::Object, Shape::Flat, Shape::EventType, Shape::Bare] {
        for names in [Names::Customer, Names::Vendor] {
            for scheme in [Scheme::StandardWebhooks, Scheme::GigstackSignature, Scheme::Both] {
                let delivery = Delivery {
                    shape,
                    names,
                    scheme,
                    ..Delivery::default()
                };
                let invoice = app.gigstack.stamp(order_of(story.service));
                tell_as(&app, Event::InvoiceCreated, &invoice.id, delivery).await;
                assert_eq!(row(&app, &invoice).await["estado"], "vigente", "{delivery:?}");
                app.gigstack.cancel(&invoice.id, "02").unwrap();
                tell_as(&app, Event::InvoiceCancelled, &invoice.id, delivery).await;
                assert_eq!(row(&app, &invoice).await["estado"], "cancelada", "{delivery:?}");
            }
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_signature_or_none_is_answered_400_and_nothing_is_kept() {
    let app = TestApp::start().await;
    let story = story(&app).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    let wrong = Delivery {
        bad_signature: true,
        ..Delivery::default()
    };
    let unsigned = Delivery {
        scheme: Scheme::Unsigned,
        ..Delivery::default()
    };
    for (delivery, reason) in [
        (wrong, "the signature does not match"),
        (unsigned, "there is no signature"),
    ] {
        let answers = app
            .gigstack
            .deliver(Event::InvoiceCreated, &invoice.id, delivery)
            .await;
        let answer = &answers.unwrap()[0];
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body, format!("Webhook Error: {reason}"));
    }
    assert!(states(&app).await.is_empty());
    assert!(find(&app, &invoice).await.is_none());
    app.finish().await;
}

#[tokio::test]
async fn a_kind_that_nobody_acts_on_is_kept_and_ignored() {
    let app = TestApp::start().await;
    let body = br#"{"id":"evt_1","type":"customer.created","data":{"object":{"id":"client_1","rfc":"XOJI740919U48"}}}"#;
    let mac = onlycar_hmac(body);
    let url = format!("{}/api/webhooks/gigstack/invoice-created", app.url);
    let request = app.client.post(url).header("x-gigstack-signature", mac);
    let answer = request.body(body.to_vec()).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), r#"{"received":true}"#);
    assert_eq!(states(&app).await, ["ignored"]);
    let kept = "select convert_from(payload, 'UTF8') from webhooks.events";
    let kept: String = app.one(kept).await;
    assert!(!kept.contains("XOJI740919U48"), "{kept}");
    app.finish().await;
}

/// HMAC-SHA256 in hex with the secret of the tests.
fn onlycar_hmac(body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(crate::support::gigstack::SECRET.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

//! The account's subscriptions, and deliveries that are asked for.

use reqwest::Method;
use serde_json::json;

use super::{Doors, Office, closed};

#[tokio::test]
async fn subscriptions_come_and_go() {
    let office = Office::new().await;
    let asked = json!({ "url": "https://onlycar.example/hook?token=a", "callback_type": "document_closed" });
    let (status, made) = office.ask(Method::POST, "/webhooks", &asked).await;
    assert_eq!(status, 201);
    assert_eq!(made["url"], asked["url"]);
    assert_eq!(made["callback_type"], "document_closed");
    assert_eq!(made["created_at"], "2026-11-22T18:00:00.000Z");
    assert_eq!(office.json("/webhooks").await, json!([made]));
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    assert_eq!(office.json(&path).await, made);
    for wrong in [
        json!({ "url": "https://onlycar.example", "callback_type": "document.eaten" }),
        json!({ "url": "onlycar", "callback_type": "document_closed" }),
        json!({ "callback_type": "document_closed" }),
    ] {
        let (status, told) = office.ask(Method::POST, "/webhooks", &wrong).await;
        assert_eq!((status, &told["status"]), (422, &json!("fail")), "{wrong}");
    }
    assert_eq!(office.ask(Method::DELETE, &path, &json!({})).await.0, 204);
    assert_eq!(office.ask(Method::DELETE, &path, &json!({})).await.0, 404);
    assert_eq!(office.json("/webhooks").await, json!([]));
}

#[tokio::test]
async fn a_delivery_can_be_asked_for_at_once_or_in_its_time() {
    let office = Office::new().await;
    let doors = Doors::open().await;
    let asked = json!({ "url": doors.url, "callback_type": "document_closed" });
    let (_, made) = office.ask(Method::POST, "/webhooks", &asked).await;
    let path = format!("/webhooks/{}/trigger", made["id"].as_str().unwrap());
    let id = closed(&office.mifiel).id;
    *doors.answers.lock().unwrap() = vec![503, 200, 500, 500, 200];
    let at_once = json!({ "resource": id, "instant": true });
    for (status, word) in [(503, "fail"), (200, "success")] {
        let (answered, told) = office.ask(Method::POST, &path, &at_once).await;
        assert_eq!((answered, &told["status"]), (200, &json!(word)), "{told}");
        assert_eq!(told["response"]["status_code"], status);
        assert_eq!(told["response"]["body"], "taken");
        assert!(told["response"]["headers"]["content-type"].is_string(), "{told}");
        let letter = doors.letter();
        assert_eq!(
            told["request"]["body"],
            String::from_utf8_lossy(&letter.body).as_ref()
        );
        assert_eq!(letter.json()["data"]["id"], id);
    }
    let (status, told) = office.ask(Method::POST, &path, &json!({ "resource": id })).await;
    assert_eq!((status, told), (202, json!({ "status": "success" })));
    office.mifiel.settled().await;
    assert_eq!(doors.letters().len(), 3);
    assert_eq!(office.mifiel.sent()[2].statuses, [500, 500, 200]);
    let nobodys = json!({ "resource": "of-nobody" });
    assert_eq!(office.ask(Method::POST, &path, &nobodys).await.0, 404);
}

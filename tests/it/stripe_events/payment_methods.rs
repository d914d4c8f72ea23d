//! The means of payment that customers keep.

use serde_json::{Value, json};

use super::in_both_shapes;
use super::scene::{Scene, time, with};

super::cases! {
    "payment_method.attached" => an_attached_card_is_kept,
    "payment_method.detached" => a_detached_card_belongs_to_nobody,
    "payment_method.updated" => a_changed_card_is_kept,
    "payment_method.automatically_updated" => a_card_that_the_bank_renewed_is_kept,
}

/// The row of a card: what a person needs to recognise it, and no more.
fn card(scene: &Scene, object: &Value) -> Value {
    json!({
        "id": object["id"],
        "customer_id": scene.story.sample.customer_id,
        "attached": true,
        "type": "card",
        "card_brand": "visa",
        "card_last4": "4242",
        "exp_month": 8,
        "exp_year": 2030,
        "created_at": time(scene.began),
    })
}

async fn an_attached_card_is_kept(scene: &Scene) {
    let object = &scene.happens("payment_method.attached").await["data"]["object"];
    assert_eq!(scene.kept("payment_methods", object).await, card(scene, object));
    scene.is_quiet().await;
}

fn loose() -> Value {
    json!({ "customer_id": null, "attached": false })
}

async fn a_detached_card_belongs_to_nobody(scene: &Scene) {
    scene.happens("payment_method.attached").await;
    let event = scene.happens("payment_method.detached").await;
    let owner = &event["data"]["previous_attributes"]["customer"];
    assert_eq!(*owner, json!(scene.story.sample.customer_id));
    let object = &event["data"]["object"];
    assert_eq!(
        scene.kept("payment_methods", object).await,
        with(card(scene, object), loose())
    );
    scene.is_quiet().await;
}

async fn a_changed_card_is_kept(scene: &Scene) {
    scene.happens("payment_method.attached").await;
    let object = &scene.happens("payment_method.updated").await["data"]["object"];
    let renewed = with(card(scene, object), json!({ "exp_year": 2034 }));
    assert_eq!(scene.kept("payment_methods", object).await, renewed);
}

async fn a_card_that_the_bank_renewed_is_kept(scene: &Scene) {
    scene.happens("payment_method.attached").await;
    let object = &scene.happens("payment_method.automatically_updated").await["data"]["object"];
    let renewed = with(card(scene, object), json!({ "exp_year": 2034 }));
    assert_eq!(scene.kept("payment_methods", object).await, renewed);
    scene.is_quiet().await;
}

#[tokio::test]
async fn a_detached_card_that_still_names_its_customer_belongs_to_nobody_either() {
    in_both_shapes(async |scene| {
        scene.happens("payment_method.attached").await;
        let named = json!({ "customer": scene.story.sample.customer_id });
        let object = scene.happens_with("payment_method.detached", named).await;
        let expected = with(card(scene, &object), loose());
        assert_eq!(scene.kept("payment_methods", &object).await, expected);
    })
    .await;
}

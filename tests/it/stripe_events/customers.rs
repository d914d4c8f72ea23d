//! Customers, and the clients they are.

use serde_json::{Value, json};

use super::in_both_shapes;
use super::scene::{Scene, time, with};

super::cases! {
    "customer.created" => a_new_customer_is_linked_by_its_mail_address,
    "customer.updated" => a_customer_that_names_its_client_is_linked,
    "customer.deleted" => a_deleted_customer_is_forgotten,
}

/// The row of a new customer: its name, address and telephone stay at Stripe.
fn known(scene: &Scene) -> Value {
    json!({
        "id": scene.story.sample.customer_id,
        "email": "ana@example.com",
        "cliente_id": null,
        "default_payment_method_id": null,
        "delinquent": false,
        "deleted": false, "erased_at": null,
        "livemode": false,
        "created_at": time(scene.began),
    })
}

async fn without_customer(scene: &mut Scene) {
    scene.run("update clientes set stripe_customer_id = null").await;
    "Ana@Example.com".clone_into(&mut scene.story.sample.email);
}

async fn a_new_customer_is_linked_by_its_mail_address(scene: &mut Scene) {
    without_customer(scene).await;
    let object = &scene.happens("customer.created").await["data"]["object"];
    let expected = with(known(scene), json!({ "email": "Ana@Example.com" }));
    assert_eq!(scene.kept("customers", object).await, expected);
    assert_eq!(scene.client().await["stripe_customer_id"], object["id"]);
    assert_eq!(scene.audit().await, ["cliente.stripe_vinculado"]);
    scene.is_quiet().await;
}

async fn a_customer_that_names_its_client_is_linked(scene: &mut Scene) {
    without_customer(scene).await;
    let client = scene.client().await["id"].clone();
    let changes = json!({ "email": "otra@example.com", "metadata": { "cliente_id": client } });
    let object = scene.happens_with("customer.updated", changes).await;
    let expected = json!({
        "email": "otra@example.com",
        "cliente_id": client,
        "default_payment_method_id": object["invoice_settings"]["default_payment_method"],
    });
    assert!(expected["default_payment_method_id"].is_string());
    assert_eq!(
        scene.kept("customers", &object).await,
        with(known(scene), expected)
    );
    assert_eq!(scene.client().await["stripe_customer_id"], object["id"]);
    assert_eq!(scene.audit().await, ["cliente.stripe_vinculado"]);
    scene.is_quiet().await;
}

/// Today's event has the whole customer, that of an old version three keys.
async fn a_deleted_customer_is_forgotten(scene: &mut Scene) {
    scene.happens("customer.created").await;
    let object = &scene.happens("customer.deleted").await["data"]["object"];
    let nothing = json!({
        "email": null, "delinquent": null, "deleted": true, "erased_at": null, "livemode": null, "created_at": null,
    });
    assert_eq!(scene.kept("customers", object).await, with(known(scene), nothing));
    assert_eq!(scene.client().await["stripe_customer_id"], Value::Null);
    assert_eq!(scene.audit().await, ["cliente.stripe_desvinculado"]);
    scene.is_quiet().await;
}

#[tokio::test]
async fn two_clients_with_one_mail_address_are_not_guessed_at() {
    in_both_shapes(async |scene| {
        without_customer(scene).await;
        scene
            .run("insert into clientes (nombre, email) values ('Otra Ana', 'ana@example.com')")
            .await;
        scene.happens("customer.created").await;
        assert_eq!(scene.client().await["stripe_customer_id"], Value::Null);
        assert_eq!(scene.audit().await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_has_a_customer_keeps_it() {
    in_both_shapes(async |scene| {
        let before = scene.client().await;
        scene.story.sample.customer_id = "cus_another".to_owned();
        scene.story.sample.email = "ana@example.com".to_owned();
        scene.happens("customer.created").await;
        assert_eq!(scene.client().await, before);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_is_newer_than_its_customer_is_linked_when_it_has_to_be_told() {
    in_both_shapes(async |scene| {
        without_customer(scene).await;
        scene.run("update clientes set email = null").await;
        scene.happens("customer.created").await;
        assert_eq!(scene.client().await["stripe_customer_id"], Value::Null);
        scene.run("update clientes set email = 'ana@example.com'").await;
        scene.happens("invoice.payment_failed").await;
        assert_eq!(
            scene.client().await["stripe_customer_id"],
            json!(scene.story.sample.customer_id)
        );
        assert_eq!(
            scene.told_client().subject,
            "No pudimos cobrar tu suscripción de OnlyCar"
        );
    })
    .await;
}

//! Customers, their clients and their means of payment.

use serde_json::json;

use crate::convergence::story::{DAY, MINUTE, Story, TOKEN, Teller, began, id, uuid};

pub fn customer() -> Story {
    let mut it = Teller::new("customer");
    it.tell("customer.created");
    it.after(MINUTE).tell("customer.updated");
    it.after(DAY)
        .with("customer.updated", &json!({ "delinquent": true }));
    it.done()
}

pub fn customer_deleted() -> Story {
    let mut it = Teller::new("customer deleted");
    it.tell("customer.created");
    it.after(MINUTE).tell("customer.updated");
    it.after(DAY).tell("customer.deleted");
    it.done()
}

/// Every payment page makes a customer of its own, all with one mail address.
pub fn two_customers_of_one_client() -> Story {
    let mut it = Teller::new("two customers of one client");
    it.tell("customer.created");
    it.sample.customer_id = id("cus", "b");
    it.after(DAY);
    it.sample.created = Some(it.now());
    it.tell("customer.created");
    it.tell("customer.updated");
    it.done()
}

/// The first of two customers is deleted: the second one is the client.
pub fn one_of_two_customers_deleted() -> Story {
    let mut it = Teller::new("one of two customers deleted");
    it.tell("customer.created");
    it.sample.customer_id = id("cus", "b");
    it.after(DAY);
    it.sample.created = Some(it.now());
    it.tell("customer.created");
    it.sample.customer_id = id("cus", "a");
    it.sample.created = Some(began());
    it.after(DAY).tell("customer.deleted");
    it.done()
}

/// First known by the mail address, then named by us in the metadata.
pub fn customer_named_later() -> Story {
    let mut it = Teller::new("customer named later");
    it.rows(&format!(
        "insert into clientes (id, nombre, email, creado_en) values ('{}', 'Luis', 'luis.{TOKEN}@example.com', '2026-01-02');",
        uuid(5)
    ));
    it.tell("customer.created");
    it.after(DAY)
        .with("customer.updated", &json!({ "metadata.cliente_id": uuid(5) }));
    it.done()
}

/// The customer writes another mail address at Stripe and stays our client.
pub fn customer_with_another_address() -> Story {
    let mut it = Teller::new("customer with another address");
    it.tell("customer.created");
    it.after(DAY).with(
        "customer.updated",
        &json!({ "email": format!("otra.{TOKEN}@example.com") }),
    );
    it.after(DAY).tell_with(
        "customer.updated",
        "customer.updated",
        &json!({ "email": format!("otra.{TOKEN}@example.com"), "delinquent": true }),
    );
    it.done()
}

pub fn card_kept() -> Story {
    let mut it = Teller::new("card kept");
    it.tell("payment_method.attached");
    it.after(DAY).tell("payment_method.updated");
    it.after(DAY).with(
        "payment_method.automatically_updated",
        &json!({ "card.exp_year": 2035 }),
    );
    it.after(DAY)
        .with("payment_method.detached", &json!({ "card.exp_year": 2035 }));
    it.done()
}

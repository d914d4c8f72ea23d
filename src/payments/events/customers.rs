//! Customers, and the clients they are.

use serde_json::json;

use super::super::objects::Customer;
use super::super::store::customers;
use super::super::told::Told;
use super::keep;
use crate::engine::Failure;
use crate::engine::work::Work;

/// A customer.
pub async fn customer(customer: &Customer, told: &Told, work: &mut Work) -> Result<(), Failure> {
    if !keep(customer, told, work).await?.written {
        return Ok(());
    }
    let (action, client) = if customer.deleted {
        (
            "cliente.stripe_desvinculado",
            customers::unlink(work, &customer.id).await?,
        )
    } else {
        ("cliente.stripe_vinculado", customers::link(work, customer).await?)
    };
    if let Some(client) = client {
        work.audit(action, "clientes", client, json!({ "customer": customer.id }));
    }
    Ok(())
}

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
    let taken = keep(customer, told, work).await?;
    let (action, client) = if !customer.deleted && !taken.is_gone() {
        let linked = customers::link(work, customer, taken.written).await?;
        ("cliente.stripe_vinculado", linked)
    } else if taken.written {
        let forgotten = customers::forget(work, &customer.id).await?;
        ("cliente.stripe_desvinculado", forgotten)
    } else {
        return Ok(());
    };
    if let Some(client) = client {
        work.audit(action, "clientes", client, json!({ "customer": customer.id }));
    }
    Ok(())
}

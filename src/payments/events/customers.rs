//! Customers, and the clients they are.

use serde_json::json;

use super::super::objects::Customer;
use super::super::store::{customers, payments};
use super::super::told::Told;
use super::keep;
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::{ClientId, ServiceId};

/// A customer.
pub async fn customer(customer: &Customer, told: &Told, work: &mut Work) -> Result<(), Failure> {
    let taken = keep(customer, told, work).await?;
    if customer.deleted && taken.shown {
        if let Some(client) = customers::forget(work, &customer.id).await? {
            let detail = json!({ "customer": customer.id });
            work.audit("cliente.stripe_desvinculado", "clientes", client, detail);
        }
        return Ok(());
    }
    if link(&customer.id, work).await?.is_none() && !taken.written {
        let client = customers::link_by_older(work, customer).await?;
        note_link(client, &customer.id, work);
    }
    Ok(())
}

/// Who has to be told about a payment: the service's client, else the customer's. The client may be newer than the
/// customer, and then is linked now.
pub async fn client_of(
    service: Option<ServiceId>,
    customer: Option<&str>,
    work: &mut Work,
) -> Result<Option<ClientId>, Failure> {
    match (payments::client(work, service, customer).await?, customer) {
        (None, Some(customer)) => link(customer, work).await,
        (client, _) => Ok(client),
    }
}

async fn link(customer: &str, work: &mut Work) -> Result<Option<ClientId>, Failure> {
    let client = customers::link(work, customer).await?;
    note_link(client, customer, work);
    Ok(client)
}

fn note_link(client: Option<ClientId>, customer: &str, work: &mut Work) {
    if let Some(client) = client {
        let detail = json!({ "customer": customer });
        work.audit("cliente.stripe_vinculado", "clientes", client, detail);
    }
}

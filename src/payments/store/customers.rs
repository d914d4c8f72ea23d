//! Which of our clients a customer of Stripe's is.

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::ClientId;

/// Links a customer that is known to its client: the one that its metadata names, else the only one with its mail
/// address. A client that has a customer already keeps it. None when nothing changed.
pub async fn link(work: &mut Work, customer: &str) -> Result<Option<ClientId>, Failure> {
    let linked = sqlx::query_scalar!(
        "update clientes set stripe_customer_id = $1
         where stripe_customer_id is null
           and not exists (select from clientes where stripe_customer_id = $1)
           and id = (select coalesce(
               (select id from clientes where id = customers.cliente_id),
               (select min(id::text)::uuid from clientes where lower(clientes.email) = lower(customers.email)
                having count(*) = 1))
             from stripe.customers where id = $1)
         returning id",
        customer,
    );
    Ok(linked.fetch_optional(work.connection()).await?.map(ClientId))
}

/// Forgets a customer that was deleted at Stripe.
pub async fn unlink(work: &mut Work, customer: &str) -> Result<Option<ClientId>, Failure> {
    let unlinked = sqlx::query_scalar!(
        "update clientes set stripe_customer_id = null where stripe_customer_id = $1 returning id",
        customer,
    );
    Ok(unlinked.fetch_optional(work.connection()).await?.map(ClientId))
}

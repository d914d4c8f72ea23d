//! Which of our clients a customer of Stripe's is.

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::ClientId;
use crate::payments::objects::Customer;

/// Links the customer to its client: the one that its metadata names, else the only one with its mail address. A
/// client that has a customer already keeps it. None when nothing changed.
pub async fn link(work: &mut Work, customer: &Customer) -> Result<Option<ClientId>, Failure> {
    let linked = sqlx::query_scalar!(
        "update clientes set stripe_customer_id = $1
         where stripe_customer_id is null
           and not exists (select from clientes where stripe_customer_id = $1)
           and id = coalesce(
               (select id from clientes where id = $2),
               (select min(id::text)::uuid from clientes where lower(email) = lower($3) having count(*) = 1))
         returning id",
        customer.id,
        customer.cliente_id,
        customer.email,
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

//! Which of our clients a customer of Stripe's is.

use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::ClientId;
use crate::payments::objects::Customer;

/// Links a customer that is known to its client: the one that its metadata names, else the only one with its mail
/// address. None when nothing changed.
///
/// Of several customers of one client that is the one which names it, else the one that was made first: every payment
/// page makes one more. A customer that a person wrote down, and of which Stripe has told nothing, stays.
pub async fn link(work: &mut Work, customer: &str) -> Result<Option<ClientId>, Failure> {
    let row = sqlx::query!(
        "select cliente_id, email from stripe.customers where id = $1",
        customer
    );
    match row.fetch_optional(work.connection()).await? {
        Some(row) => attach(work, customer, row.cliente_id, row.email.as_deref(), true).await,
        None => Ok(None),
    }
}

/// What an older version says counts while the customer has no client: it may have another mail address since.
pub async fn link_by_older(work: &mut Work, customer: &Customer) -> Result<Option<ClientId>, Failure> {
    attach(
        work,
        &customer.id,
        customer.cliente_id,
        customer.email.as_deref(),
        false,
    )
    .await
}

async fn attach(
    work: &mut Work,
    customer: &str,
    named: Option<Uuid>,
    email: Option<&str>,
    is_newest: bool,
) -> Result<Option<ClientId>, Failure> {
    // Held first: whoever waits here has to see which customer the client got meanwhile.
    let client = sqlx::query_scalar!(
        "select id from clientes
         where id = coalesce(
                   (select id from clientes where id = $1),
                   (select min(id::text)::uuid from clientes where lower(email) = lower($2) having count(*) = 1))
           and stripe_customer_id is distinct from $3 and suprimido_en is null
           and ($4 or not exists (select from clientes where stripe_customer_id = $3))
           and exists (select from stripe.customers where id = $3 and not deleted)
         for update",
        named,
        email,
        customer,
        is_newest,
    );
    let Some(client) = client.fetch_optional(work.connection()).await? else {
        return Ok(None);
    };
    let better = sqlx::query_scalar!(
        r#"select stripe_customer_id is null
                or exists (select from stripe.customers as rival, stripe.customers as mine
                           where rival.id = stripe_customer_id and mine.id = $2
                             and (rival.deleted
                                  or (mine.cliente_id is not distinct from $1,
                                      coalesce(rival.created_at, 'infinity'), rival.id)
                                     > (rival.cliente_id is not distinct from $1,
                                        coalesce(mine.created_at, 'infinity'), mine.id))) as "better!"
           from clientes where id = $1"#,
        client,
        customer,
    );
    if !better.fetch_one(work.connection()).await? {
        return Ok(None);
    }
    unlink(work, customer).await?;
    let linked = sqlx::query!(
        "update clientes set stripe_customer_id = $2 where id = $1",
        client,
        customer
    );
    linked.execute(work.connection()).await?;
    Ok(Some(ClientId(client)))
}

async fn unlink(work: &mut Work, customer: &str) -> Result<Option<ClientId>, Failure> {
    let unlinked = sqlx::query_scalar!(
        "update clientes set stripe_customer_id = null where stripe_customer_id = $1 returning id",
        customer,
    );
    Ok(unlinked.fetch_optional(work.connection()).await?.map(ClientId))
}

/// Forgets a customer that was deleted at Stripe; the client may have another one.
pub async fn forget(work: &mut Work, customer: &str) -> Result<Option<ClientId>, Failure> {
    let Some(client) = unlink(work, customer).await? else {
        return Ok(None);
    };
    let next = sqlx::query!(
        "update clientes as client set stripe_customer_id = (
             select id from (
                 select id, created_at, true as named from stripe.customers where cliente_id = client.id and not deleted
                 union all
                 select id, created_at, false from stripe.customers
                 where lower(email) = lower(client.email) and cliente_id is null and not deleted
                   and (select count(*) from clientes where lower(email) = lower(client.email)) = 1) as customer
             where not exists (select from clientes where stripe_customer_id = customer.id)
             order by named desc, created_at, id limit 1)
         where id = $1",
        client.0,
    );
    next.execute(work.connection()).await?;
    Ok(Some(client))
}

/// Erases the client's own row. False: it was erased.
pub async fn erase(work: &mut Work, client: ClientId) -> Result<bool, Failure> {
    let now = work.now();
    let erased = sqlx::query!(
        "update clientes set nombre = 'suprimido', email = null, telefono = null, auth_user_id = null, suprimido_en = $2
         where id = $1
           and (suprimido_en is null or num_nonnulls(email, telefono, auth_user_id) > 0 or nombre <> 'suprimido')",
        client.0,
        now,
    );
    Ok(erased.execute(work.connection()).await?.rows_affected() > 0)
}

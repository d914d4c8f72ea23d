//! What is learnt of a payment from other objects: its service, its invoice.

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::{ClientId, ServiceId};

/// What a payment is for.
pub struct Purpose {
    /// The service that it, its charge or its Checkout Session names, when there is such a service.
    pub service: Option<ServiceId>,
    /// The service that it was for until now, when that was another one.
    pub left: Option<ServiceId>,
    /// The invoice it pays.
    pub invoice: Option<String>,
    /// Whether its customer has a subscription: then an invoice may be found.
    pub subscribed: bool,
    /// Whether the money came in.
    pub paid: bool,
    /// What arrived, for people.
    pub amount: String,
}

/// Holds the payment until the commit, also one that is not known yet: of two transactions that tell of it or of what
/// belongs to it, the second one sees all that the first one wrote. Whether it is known.
pub async fn hold(work: &mut Work, payment: &str) -> Result<bool, Failure> {
    loop {
        let held = sqlx::query_scalar!("select id from stripe.payments where id = $1 for update", payment);
        if held.fetch_optional(work.connection()).await?.is_some() {
            return Ok(true);
        }
        // Its place in the index is held by a row that nobody ever sees.
        let place = sqlx::query!(
            "insert into stripe.payments (id, status, rank, amount, amount_received, currency, as_of, updated_at)
             values ($1, '', 0, 0, 0, '', 'epoch', 'epoch') on conflict (id) do nothing",
            payment,
        );
        if place.execute(work.connection()).await?.rows_affected() > 0 {
            let leave = sqlx::query!("delete from stripe.payments where id = $1", payment);
            leave.execute(work.connection()).await?;
            return Ok(false);
        }
    }
}

/// Links the payment, which has to be held, to what its charge, its session and its invoice tell, says what it is for,
/// and holds its service. Always anew, so that it does not matter who told first.
pub async fn purpose(work: &mut Work, payment: &str) -> Result<Option<Purpose>, Failure> {
    let found = sqlx::query!(
        r#"with found as (
             select payments.id, payments.status, amount_received, currency, metadata_servicio_id,
                 payments.servicio_id as known_service, payments.invoice_id as known_invoice,
                 coalesce(
                     (select id from servicios where id = metadata_servicio_id),
                     (select servicios.id from stripe.charges join servicios on servicios.id = charges.servicio_id
                      where charges.payment_intent_id = payments.id order by charges.id limit 1),
                     (select servicios.id from stripe.checkout_sessions as session
                      join servicios on servicios.id = session.servicio_id
                      where session.payment_intent_id = payments.id order by session.id limit 1)) as servicio_id,
                 coalesce(
                     payments.invoice_id,
                     (select invoice_id from stripe.invoice_payments
                      where payment_intent_id = payments.id and invoice_id is not null order by id limit 1),
                     (select id from stripe.invoices where payment_intent_id = payments.id order by id limit 1))
                     as invoice_id,
                 exists (select from stripe.subscriptions
                         where subscriptions.customer_id = payments.customer_id) as subscribed
             from stripe.payments
             where payments.id = $1),
         linked as (
             update stripe.payments set
                 servicio_id = coalesce(found.servicio_id, found.metadata_servicio_id), invoice_id = found.invoice_id
             from found
             where payments.id = found.id
               and (coalesce(found.servicio_id, found.metadata_servicio_id), found.invoice_id)
                   is distinct from (known_service, known_invoice)),
         held as (
             select servicios.id from servicios, found
             where servicios.id = any (array[found.servicio_id, known_service])
             order by servicios.id for update of servicios)
         select servicio_id as "service?", invoice_id as "invoice?", status as "status!",
                (select id from held where id is distinct from servicio_id) as "left?",
                amount_received as "received!", currency as "currency!", subscribed as "subscribed!"
         from found"#,
        payment,
    )
    .fetch_optional(work.connection())
    .await?;
    Ok(found.map(|row| Purpose {
        service: row.service.map(ServiceId),
        left: row.left.map(ServiceId),
        invoice: row.invoice,
        subscribed: row.subscribed,
        paid: row.status == "succeeded",
        amount: format!("{} {}", row.received, row.currency),
    }))
}

/// Makes a record of the payment that paid this invoice, unless there is one or the invoice is not paid: the payment's
/// own event, or Stripe's answer, takes its place whenever it comes. Whether it was made now; an older one shows what
/// is told of the invoice since.
pub async fn assume_paid(work: &mut Work, invoice: &str, payment: &str) -> Result<bool, Failure> {
    let now = work.now();
    let made = sqlx::query_scalar!(
        r#"insert into stripe.payments as payment
             (id, customer_id, status, rank, amount, amount_received, currency, charge_id, invoice_id, paid_at, livemode,
              as_of, updated_at)
         select $2, customer_id, 'succeeded', 1, amount_paid, amount_paid, currency, charge_id, id, paid_at, livemode,
                'epoch', $3
         from stripe.invoices where id = $1 and status = 'paid' and amount_paid > 0
         on conflict (id) do update set
             customer_id = excluded.customer_id, amount = excluded.amount, amount_received = excluded.amount_received,
             currency = excluded.currency, charge_id = excluded.charge_id, paid_at = excluded.paid_at,
             livemode = excluded.livemode
         where payment.as_of = 'epoch' and payment.digest = ''
         returning updated_at = $3 as "made!""#,
        invoice,
        payment,
        now,
    );
    Ok(made.fetch_optional(work.connection()).await?.unwrap_or(false))
}

/// The payment that an invoice names.
pub async fn of_invoice(work: &mut Work, invoice: &str) -> Result<Option<String>, Failure> {
    let found = sqlx::query_scalar!(
        r#"select coalesce(
               (select payment_intent_id from stripe.invoices where id = $1),
               (select payment_intent_id from stripe.invoice_payments
                where invoice_id = $1 and payment_intent_id is not null order by is_default desc nulls last, id limit 1))"#,
        invoice,
    );
    Ok(found.fetch_one(work.connection()).await?)
}

/// The payment that a charge belongs to.
pub async fn of_charge(work: &mut Work, charge: &str) -> Result<Option<String>, Failure> {
    let found = sqlx::query_scalar!(
        "select payment_intent_id from stripe.charges where id = $1",
        charge
    );
    Ok(found.fetch_optional(work.connection()).await?.flatten())
}

/// Who has to be told about a payment: the service's client, else the customer's.
pub async fn client(
    work: &mut Work,
    service: Option<ServiceId>,
    customer: Option<&str>,
) -> Result<Option<ClientId>, Failure> {
    let found = sqlx::query_scalar!(
        r#"select coalesce(
               (select cliente_id from servicios where id = $1),
               (select id from clientes where stripe_customer_id = $2)) as client"#,
        service.map(|service| service.0),
        customer,
    );
    Ok(found.fetch_one(work.connection()).await?.map(ClientId))
}

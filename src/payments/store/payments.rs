//! What is learnt of a payment from other objects: its service, its invoice.

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::{ClientId, ServiceId};

/// What a payment is for.
pub struct Purpose {
    /// The service that it, its charge or its Checkout Session names, when there is such a service.
    pub service: Option<ServiceId>,
    /// The invoice it pays.
    pub invoice: Option<String>,
    /// Whether its customer has a subscription: then an invoice may be found.
    pub subscribed: bool,
    /// Whether the money came in.
    pub paid: bool,
    /// What arrived, for people.
    pub amount: String,
}

/// Links the payment to what its charge, its session and its invoice tell, and says what it is for. None when the
/// payment itself is not known yet.
pub async fn purpose(work: &mut Work, payment: &str) -> Result<Option<Purpose>, Failure> {
    let found = sqlx::query!(
        r#"with found as (
             select payments.id, payments.status, amount_received, currency, payments.servicio_id as known_service,
                 payments.invoice_id as known_invoice, servicios.id as servicio_id,
                 coalesce(
                     payments.invoice_id,
                     (select invoice_id from stripe.invoice_payments
                      where payment_intent_id = payments.id and invoice_id is not null order by id limit 1),
                     (select id from stripe.invoices where payment_intent_id = payments.id order by id limit 1))
                     as invoice_id,
                 exists (select from stripe.subscriptions
                         where subscriptions.customer_id = payments.customer_id) as subscribed
             from stripe.payments
             left join servicios on servicios.id = coalesce(
                 (select id from servicios where id = payments.servicio_id),
                 (select servicio_id from stripe.charges
                  where payment_intent_id = payments.id and servicio_id is not null order by id limit 1),
                 (select servicio_id from stripe.checkout_sessions
                  where payment_intent_id = payments.id and servicio_id is not null order by id limit 1))
             where payments.id = $1),
         linked as (
             update stripe.payments set
                 servicio_id = coalesce(found.servicio_id, known_service), invoice_id = found.invoice_id
             from found
             where payments.id = found.id
               and (coalesce(found.servicio_id, known_service), found.invoice_id)
                   is distinct from (known_service, known_invoice))
         select servicio_id as "service?", invoice_id as "invoice?", status as "status!",
                amount_received as "received!", currency as "currency!", subscribed as "subscribed!"
         from found"#,
        payment,
    )
    .fetch_optional(work.connection())
    .await?;
    Ok(found.map(|row| Purpose {
        service: row.service.map(ServiceId),
        invoice: row.invoice,
        subscribed: row.subscribed,
        paid: row.status == "succeeded",
        amount: format!("{} {}", row.received, row.currency),
    }))
}

/// Makes a record of the payment that paid this invoice, unless there is one or the invoice is not paid: the payment's
/// own event, or Stripe's answer, takes its place whenever it comes.
pub async fn assume_paid(work: &mut Work, invoice: &str, payment: &str) -> Result<bool, Failure> {
    let now = work.now();
    let made = sqlx::query!(
        "insert into stripe.payments
             (id, customer_id, status, rank, amount, amount_received, currency, charge_id, invoice_id, paid_at, livemode,
              as_of, updated_at)
         select $2, customer_id, 'succeeded', 1, amount_paid, amount_paid, currency, charge_id, id, paid_at, livemode,
                'epoch', $3
         from stripe.invoices where id = $1 and status = 'paid'
         on conflict (id) do nothing",
        invoice,
        payment,
        now,
    );
    Ok(made.execute(work.connection()).await?.rows_affected() > 0)
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

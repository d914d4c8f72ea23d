//! The only writer of `stripe.*` and of the payment columns of `servicios`. Spanish columns become English here.

use chrono::{DateTime, Utc};

use super::shapes::{Invoice, PaymentIntent, SETTLED, Subscription};
use crate::engine::Failure;
use crate::engine::source::Event;
use crate::engine::work::Work;
use crate::ground::values::{ClientId, ServiceId};

/// Keeps the payment as the event shows it; false when the row had already come further.
pub async fn keep_payment(work: &mut Work, event: &Event, payment: &PaymentIntent) -> Result<bool, Failure> {
    let now = work.now();
    let paid_at = (payment.status == "succeeded").then_some(event.occurred_at);
    let error = payment.error.as_ref();
    let kept = sqlx::query!(
        "insert into stripe.payments as kept
             (id, servicio_id, customer_id, status, rank, amount, amount_received, currency, charge_id, invoice_id,
              paid_at, failure_code, failure_message, livemode, occurred_at, updated_at)
         values ($1, (select id from servicios where id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                 $15, $16)
         on conflict (id) do update set
             servicio_id = coalesce(excluded.servicio_id, kept.servicio_id),
             customer_id = coalesce(excluded.customer_id, kept.customer_id),
             status = excluded.status, rank = excluded.rank,
             amount = excluded.amount, amount_received = excluded.amount_received,
             charge_id = coalesce(excluded.charge_id, kept.charge_id),
             invoice_id = coalesce(excluded.invoice_id, kept.invoice_id),
             paid_at = coalesce(kept.paid_at, excluded.paid_at),
             failure_code = excluded.failure_code, failure_message = excluded.failure_message,
             occurred_at = excluded.occurred_at, updated_at = excluded.updated_at
         where case when greatest(kept.rank, excluded.rank) >= $17 then kept.rank <= excluded.rank
                    else kept.occurred_at <= excluded.occurred_at end",
        payment.id,
        payment.service.map(|service| service.0),
        payment.customer,
        payment.status,
        payment.rank(),
        payment.amount.decimal(),
        payment.received.decimal(),
        payment.amount.currency.code(),
        payment.charge,
        payment.invoice,
        paid_at,
        error.map(|error| error.code.as_str()),
        error.map(|error| error.message.as_str()),
        payment.livemode,
        event.occurred_at,
        now,
        SETTLED,
    );
    Ok(kept.execute(work.connection()).await?.rows_affected() > 0)
}

/// What crediting a payment to a service came to.
pub enum Credit {
    /// The service is paid now; it costs `expected`.
    Done {
        /// The price with its currency, to compare with what was paid.
        expected: String,
    },
    /// This very payment had been credited before.
    Before,
    /// Another payment had paid the service.
    PaidOtherwise,
    /// There is no such service.
    NoService,
}

/// Marks the service as paid by this payment, unless it is paid already.
pub async fn credit_service(
    work: &mut Work,
    service: ServiceId,
    payment: &PaymentIntent,
    paid_at: DateTime<Utc>,
) -> Result<Credit, Failure> {
    let paid = sqlx::query!(
        "update servicios set estado_pago = 'pagado', canal_pago = 'stripe', stripe_payment_intent_id = $2,
                pagado_en = $3, monto_pagado = $4, ultimo_error_pago = null
         where id = $1 and estado_pago in ('pendiente', 'fallido', 'cancelado')
         returning monto, moneda::text as \"currency!\"",
        service.0,
        payment.id,
        paid_at,
        payment.paid().decimal(),
    );
    match paid.fetch_optional(work.connection()).await? {
        Some(row) => Ok(Credit::Done {
            expected: format!("{} {}", row.monto, row.currency),
        }),
        None => not_credited(work, service, payment).await,
    }
}

async fn not_credited(
    work: &mut Work,
    service: ServiceId,
    payment: &PaymentIntent,
) -> Result<Credit, Failure> {
    let found = sqlx::query_scalar!(
        "select stripe_payment_intent_id from servicios where id = $1",
        service.0
    );
    Ok(match found.fetch_optional(work.connection()).await? {
        None => Credit::NoService,
        Some(paid_by) if paid_by.as_deref() == Some(payment.id.as_str()) => Credit::Before,
        Some(_) => Credit::PaidOtherwise,
    })
}

/// A service whose payment attempt failed.
pub struct Failed {
    /// Whose it is, when anybody's.
    pub client: Option<ClientId>,
    /// Whether it still waits for its payment.
    pub open: bool,
}

/// Notes the failed attempt on the service, unless it is paid already. None when there is no such service.
pub async fn fail_service(
    work: &mut Work,
    service: ServiceId,
    payment: &PaymentIntent,
) -> Result<Option<Failed>, Failure> {
    let error = payment
        .error
        .as_ref()
        .map(|error| format!("{}: {}", error.code, error.message));
    let found = sqlx::query!(
        r#"with failed as (
             update servicios set estado_pago = 'fallido', ultimo_error_pago = $2
             where id = $1 and estado_pago in ('pendiente', 'fallido') returning 1)
         select cliente_id as "client", exists (select from failed) as "open!" from servicios where id = $1"#,
        service.0,
        error,
    )
    .fetch_optional(work.connection())
    .await?;
    Ok(found.map(|row| Failed {
        client: row.client.map(ClientId),
        open: row.open,
    }))
}

/// The client whose Stripe customer this is.
pub async fn client_of(work: &mut Work, customer: Option<&str>) -> Result<Option<ClientId>, Failure> {
    let Some(customer) = customer else { return Ok(None) };
    let found = sqlx::query_scalar!("select id from clientes where stripe_customer_id = $1", customer);
    Ok(found.fetch_optional(work.connection()).await?.map(ClientId))
}

/// Keeps the invoice as the event shows it; false when the row had already come further.
pub async fn keep_invoice(work: &mut Work, event: &Event, invoice: &Invoice) -> Result<bool, Failure> {
    let now = work.now();
    let kept = sqlx::query!(
        "insert into stripe.invoices as kept
             (id, subscription_id, customer_id, status, rank, billing_reason, amount_paid, currency, paid_at,
              occurred_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (id) do update set
             subscription_id = coalesce(excluded.subscription_id, kept.subscription_id),
             customer_id = coalesce(excluded.customer_id, kept.customer_id),
             status = excluded.status, rank = excluded.rank,
             billing_reason = coalesce(excluded.billing_reason, kept.billing_reason),
             amount_paid = excluded.amount_paid, paid_at = coalesce(kept.paid_at, excluded.paid_at),
             occurred_at = excluded.occurred_at, updated_at = excluded.updated_at
         where kept.rank <= excluded.rank",
        invoice.id,
        invoice.subscription,
        invoice.customer,
        invoice.status,
        invoice.rank(),
        invoice.billing_reason,
        invoice.paid.decimal(),
        invoice.paid.currency.code(),
        invoice.paid_at.or(invoice.settled().then_some(event.occurred_at)),
        event.occurred_at,
        now,
    );
    Ok(kept.execute(work.connection()).await?.rows_affected() > 0)
}

/// Keeps the end of a subscription, which is final.
pub async fn keep_ended_subscription(
    work: &mut Work,
    event: &Event,
    ended: &Subscription,
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "insert into stripe.subscriptions as kept
             (id, customer_id, status, rank, canceled_at, ended_at, occurred_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (id) do update set
             customer_id = coalesce(excluded.customer_id, kept.customer_id), status = excluded.status,
             rank = excluded.rank, canceled_at = excluded.canceled_at, ended_at = excluded.ended_at,
             occurred_at = excluded.occurred_at, updated_at = excluded.updated_at
         where kept.rank < excluded.rank",
        ended.id,
        ended.customer,
        ended.status,
        SETTLED,
        ended.canceled_at,
        ended.ended_at,
        event.occurred_at,
        now,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

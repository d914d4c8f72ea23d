//! The payment of a service, derived from all of Stripe's rows about it: the same rows give the same service, whatever
//! the order they came in.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::ServiceId;

/// What became of a service's payment.
pub struct Standing {
    /// Which service.
    pub service: ServiceId,
    /// `estado_pago` before.
    pub before: String,
    /// `estado_pago` now.
    pub now: String,
    /// The payment it is credited with now.
    pub credited: Option<String>,
    /// The same before.
    pub credited_before: Option<String>,
    /// A payment that arrived for it and is not the one it is credited with.
    pub surplus: Option<String>,
    /// What the service costs, with its currency.
    pub price: String,
    /// What was paid, with its currency.
    pub paid: Option<String>,
    /// What of it was given back, when something was.
    pub refunded: Option<String>,
    /// Whether more or less of it is given back than before.
    pub refund_moved: bool,
    /// Whether the row was written: also when only a reason or a time is another.
    pub written: bool,
}

impl Standing {
    /// Whether it stands otherwise than before.
    pub fn changed(&self) -> bool {
        self.before != self.now || self.credited != self.credited_before || self.refund_moved
    }

    /// Whether nothing has paid it yet.
    pub fn awaits_payment(&self) -> bool {
        matches!(self.now.as_str(), "pendiente" | "fallido" | "cancelado")
    }

    /// For the audit log.
    pub fn detail(&self) -> Value {
        json!({ "antes": self.before, "pago": self.credited, "monto": self.paid, "devuelto": self.refunded })
    }
}

/// Derives the payment of a service anew. None when there is no such service.
///
/// What was paid at the counter stays so, and so does what was paid by a payment that is from before our records.
/// Otherwise it is credited with the payment that succeeded first, among those that were not given back in full; of
/// two that were made and paid in the same seconds, the one that has the credit keeps it. Without one, its latest
/// payment says where it stands. A refund that failed is none.
///
/// The service has to be held already, by an earlier statement: one that waits for it here would see its payments as
/// they were before it waited.
#[allow(clippy::too_many_lines)] // one statement
pub async fn derive(work: &mut Work, service: ServiceId) -> Result<Option<Standing>, Failure> {
    let found = sqlx::query!(
        r#"with service as (
             select id, estado_pago, canal_pago, stripe_payment_intent_id, monto, moneda, estado_factura,
                 monto_reembolsado, canal_pago is not distinct from 'presencial'
                 or estado_pago in ('pagado', 'reembolsado', 'parcialmente_reembolsado')
                    and not exists (select from stripe.payments where payments.id = stripe_payment_intent_id) as held
             from servicios where id = $1),
         money as (
             select payments.id, payments.paid_at, payments.created_at, payments.amount_received, payments.currency,
                 greatest(0,
                     back.done,
                     (select coalesce(max(amount_refunded), 0) from stripe.charges
                      where charges.payment_intent_id = payments.id and status = 'succeeded') - back.undone) as refunded
             from stripe.payments,
                 lateral (
                     select coalesce(sum(amount) filter (where status not in ('failed', 'canceled')), 0) as done,
                            coalesce(sum(amount) filter (where status in ('failed', 'canceled')), 0) as undone
                     from (select status, amount from stripe.refunds where refunds.payment_intent_id = payments.id
                           union all
                           select refunds.status, refunds.amount
                           from stripe.charges join stripe.refunds on refunds.charge_id = charges.id
                           where charges.payment_intent_id = payments.id and refunds.payment_intent_id is null)
                           as refunds) as back
             where servicio_id = $1 and payments.status = 'succeeded'),
         credited as (
             select money.* from money, service
             order by refunded > 0 and refunded >= amount_received, paid_at, created_at nulls last,
                 money.id is distinct from stripe_payment_intent_id, money.id limit 1),
         latest as (
             select status, failure_code, failure_message from stripe.payments
             where servicio_id = $1 and status <> 'succeeded' order by created_at desc nulls last, id desc limit 1),
         derived as (
             select service.*, (select standing from invoicing.standings where servicio_id = service.id) as standing,
                 credited.id as credited, credited.paid_at, credited.amount_received, credited.currency,
                 nullif(credited.refunded, 0) as refunded, latest.failure_code, latest.failure_message,
                 case when service.held then service.estado_pago::text
                      when credited.refunded > 0 and credited.refunded >= credited.amount_received then 'reembolsado'
                      when credited.refunded > 0 then 'parcialmente_reembolsado'
                      when credited.id is not null then 'pagado'
                      when latest.status = 'canceled' then 'cancelado'
                      when latest.status = 'requires_payment_method' and latest.failure_code is not null then 'fallido'
                      else 'pendiente' end as state,
                 (select money.id from money, service
                  where refunded < amount_received and (service.held or money.id is distinct from credited.id)
                  order by paid_at desc, money.id desc limit 1) as surplus
             from service left join credited on true left join latest on true),
         written as (
             update servicios set
                 estado_pago = derived.state,
                 canal_pago = case when derived.credited is not null then 'stripe' end,
                 stripe_payment_intent_id = derived.credited,
                 pagado_en = derived.paid_at,
                 monto_pagado = derived.amount_received,
                 monto_reembolsado = derived.refunded,
                 ultimo_error_pago = case when derived.state = 'fallido'
                     then concat_ws(': ', derived.failure_code, derived.failure_message) end,
                 estado_factura = invoicing.shown(derived.state, derived.standing, derived.estado_factura)
             from derived
             where servicios.id = derived.id and not derived.held
               and (servicios.estado_pago::text, servicios.stripe_payment_intent_id, servicios.pagado_en,
                    servicios.monto_pagado, servicios.monto_reembolsado, servicios.ultimo_error_pago)
                   is distinct from
                   (derived.state, derived.credited, derived.paid_at, derived.amount_received, derived.refunded,
                    case when derived.state = 'fallido'
                         then concat_ws(': ', derived.failure_code, derived.failure_message) end)
             returning 1)
         select estado_pago::text as "before!", state as "now!",
                case when held then stripe_payment_intent_id else credited end as "credited?",
                stripe_payment_intent_id as "credited_before?",
                surplus, monto, moneda::text as "moneda!", amount_received as "received?", currency as "currency?",
                refunded as "refunded?",
                not held and monto_reembolsado is distinct from refunded as "refund_moved!",
                exists (select from written) as "written!"
         from derived"#,
        service.0,
    )
    .fetch_optional(work.connection())
    .await?;
    Ok(found.map(|row| Standing {
        service,
        before: row.before,
        now: row.now,
        credited: row.credited,
        credited_before: row.credited_before,
        surplus: row.surplus,
        price: format!("{} {}", row.monto, row.moneda),
        paid: row
            .received
            .zip(row.currency.as_ref())
            .map(|(amount, currency)| format!("{amount} {currency}")),
        refunded: row
            .refunded
            .zip(row.currency.as_ref())
            .map(|(amount, currency)| format!("{amount} {currency}")),
        refund_moved: row.refund_moved,
        written: row.written,
    }))
}

/// What a service showed of its invoice, and what it shows now.
pub struct Shown {
    /// Which service.
    pub service: Uuid,
    /// `estado_factura` before.
    pub before: Option<String>,
    /// `estado_factura` now.
    pub now: Option<String>,
}

/// Shows on the services where their invoices stand; those on which that changed. They are held first, in one order for
/// everybody: where an invoice stands is looked up after whoever held them is done.
pub async fn show_invoices(work: &mut Work, services: &[ServiceId]) -> Result<Vec<Shown>, Failure> {
    let services: Vec<Uuid> = services.iter().map(|service| service.0).collect();
    let held = sqlx::query!(
        "select id from servicios where id = any($1) order by id for no key update",
        &services,
    );
    held.fetch_all(work.connection()).await?;
    let shown = sqlx::query_as!(
        Shown,
        r#"with shown as (
             select servicios.id, estado_factura as before,
                 invoicing.shown(estado_pago, standing, estado_factura) as now
             from servicios join invoicing.standings on standings.servicio_id = servicios.id
             where servicios.id = any($1) and standings.servicio_id = any($1))
         update servicios set estado_factura = shown.now from shown
         where servicios.id = shown.id and shown.now is distinct from shown.before
         returning servicios.id as service, shown.before, shown.now"#,
        &services,
    );
    Ok(shown.fetch_all(work.connection()).await?)
}

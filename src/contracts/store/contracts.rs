//! `contratos_b2b`. A subscription finds its contract by `stripe_subscription_id`; a contract that has none yet is found by the
//! `contract_id` in the subscription's metadata, and keeps the subscription from then on.

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::SubscriptionStanding;
use crate::ground::values::ContractId;

/// What following a subscription came to.
pub struct Moved {
    /// Which contract.
    pub contract: ContractId,
    /// Its `estado` before.
    pub before: String,
    /// Its `estado` now.
    pub now: String,
    /// Whether a payment was noted.
    pub paid: bool,
    /// Whether a new period began, with new services.
    pub renewed: bool,
    /// Whether the row changed at all.
    pub written: bool,
}

/// Brings the contract to where the subscription stands. None when no contract has it.
///
/// A payment is noted unless a later one is; services are counted anew once per period, whose invoice the contract
/// remembers. What is over stays over.
pub async fn follow(work: &mut Work, standing: &SubscriptionStanding) -> Result<Option<Moved>, Failure> {
    let payment = standing.last_payment.as_ref();
    let found = sqlx::query!(
        r#"with contract as (
             select * from contratos_b2b
             where stripe_subscription_id = $1 or (id = $2 and stripe_subscription_id is null)
             order by stripe_subscription_id nulls last limit 1 for update),
         next as (
             select id,
                 case when $3::timestamptz is not null or estado = 'inactivo' then 'inactivo'
                      when $4 and estado = 'activo' then 'moroso'
                      when not $4 and estado = 'moroso' then 'activo'
                      else estado::text end as estado,
                 $5::timestamptz is not null and $5 >= coalesce(ultimo_pago_en, '-infinity') as pays,
                 $7::text is not null and $7 is distinct from ultima_factura_stripe as renews,
                 case when not $9 then coalesce($8, proximo_cobro_en) end as proximo_cobro_en
             from contract),
         written as (
             update contratos_b2b as row set
                 stripe_subscription_id = $1,
                 estado = next.estado,
                 con_adeudo = $4,
                 cancelado_en = coalesce($3, row.cancelado_en),
                 ultimo_pago_en = case when pays then $5 else row.ultimo_pago_en end,
                 ultimo_pago_monto = case when pays then $6 else row.ultimo_pago_monto end,
                 ultima_factura_stripe = coalesce($7, row.ultima_factura_stripe),
                 servicios_disponibles = case when renews then row.servicios_incluidos else row.servicios_disponibles end,
                 proximo_cobro_en = next.proximo_cobro_en
             from next, contract
             where row.id = next.id
               and (contract.stripe_subscription_id is distinct from $1
                    or contract.estado::text is distinct from next.estado or contract.con_adeudo <> $4 or renews
                    or pays and ($5, $6) is distinct from (contract.ultimo_pago_en, contract.ultimo_pago_monto)
                    or next.proximo_cobro_en is distinct from contract.proximo_cobro_en
                    or coalesce($3, contract.cancelado_en) is distinct from contract.cancelado_en)
             returning 1)
         select contract.id as "id!", contract.estado::text as "before!", next.estado as "now!", renews as "renews!",
                pays and ($5, $6) is distinct from (contract.ultimo_pago_en, contract.ultimo_pago_monto) as "paid!",
                exists (select from written) as "written!"
         from contract, next"#,
        standing.subscription,
        standing.contract.map(|contract| contract.0),
        standing.ended_at,
        standing.behind,
        payment.map(|payment| payment.paid_at),
        payment.map(|payment| payment.amount),
        standing.period,
        standing.next_charge_at,
        standing.charged_out,
    )
    .fetch_optional(work.connection())
    .await?;
    Ok(found.map(|row| Moved {
        contract: ContractId(row.id),
        before: row.before,
        now: row.now,
        paid: row.paid,
        renewed: row.renews,
        written: row.written,
    }))
}

/// What settling a contract came to: its `estado` before and now, where that changed.
pub struct Settled {
    /// Before.
    pub before: String,
    /// Now.
    pub now: String,
}

/// Derives whether a contract that waits for its signature, or was declined, is in force: a single service once it is
/// signed, a subscription once it is signed and paid, in whatever order that came; where a charge has failed since, it is
/// behind at once. What is in force, behind or over is not for here.
pub async fn settle(work: &mut Work, contract: ContractId) -> Result<Option<Settled>, Failure> {
    let settled = sqlx::query!(
        r#"with contract as (
             select id, tipo, estado::text as estado, ultimo_pago_en, con_adeudo from contratos_b2b where id = $1 for update),
         documents as (
             select coalesce(bool_or(estado = 'firmado'), false) as signed,
                    coalesce(bool_or(estado = 'pendiente' and eliminado_en is null), false) as waiting,
                    coalesce(bool_or(estado = 'rechazado' and mifiel_document_id is not null), false) as declined
             from contratos_firmados where contrato_id = $1),
         next as (
             select id, estado as before,
                 case when signed and tipo = 'servicio_unico' then 'activo'
                      when signed and ultimo_pago_en is not null then case when con_adeudo then 'moroso' else 'activo' end
                      when signed or waiting then 'pendiente_firma'
                      when declined then 'rechazado'
                      else estado end as now
             from contract, documents where estado in ('pendiente_firma', 'rechazado'))
         update contratos_b2b set estado = next.now from next
         where contratos_b2b.id = next.id and next.now <> next.before
         returning next.before as "before!", next.now as "now!""#,
        contract.0,
    )
    .fetch_optional(work.connection())
    .await?;
    Ok(settled.map(|row| Settled {
        before: row.before,
        now: row.now,
    }))
}

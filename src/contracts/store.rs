//! The only writer of `contratos_b2b`. Spanish columns become English here.
//!
//! A subscription finds its contract by `stripe_subscription_id`; a contract that has none yet is found by the
//! `contract_id` in the subscription's metadata, and keeps the subscription from then on.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::SubscriptionPayment;
use crate::ground::values::ContractId;

/// What a change of a contract came to.
pub enum Change {
    /// It was made.
    Done(ContractId),
    /// The contract had already come as far.
    Before,
    /// The subscription belongs to no contract.
    NoContract,
}

impl Change {
    fn of(found: Option<(Uuid, bool)>) -> Self {
        match found {
            Some((contract, true)) => Self::Done(ContractId(contract)),
            Some((_, false)) => Self::Before,
            None => Self::NoContract,
        }
    }
}

/// Notes the payment of a period, unless this very invoice or a later payment is noted already.
pub async fn record_payment(work: &mut Work, payment: &SubscriptionPayment) -> Result<Change, Failure> {
    let found = sqlx::query!(
        r#"with contract as (
             select id, ultimo_pago_en, ultima_factura_stripe from contratos_b2b
             where stripe_subscription_id = $1 or (id = $2 and stripe_subscription_id is null)
             order by stripe_subscription_id nulls last limit 1 for update),
         noted as (
             update contratos_b2b as noted set
                 stripe_subscription_id = $1, ultimo_pago_en = $3, ultimo_pago_monto = $4,
                 ultima_factura_stripe = $7,
                 proximo_cobro_en = coalesce($5, proximo_cobro_en),
                 servicios_disponibles = case when $6 then servicios_incluidos else servicios_disponibles end,
                 estado = case when estado = 'moroso' then 'activo' else estado end
             from contract
             where noted.id = contract.id and contract.ultima_factura_stripe is distinct from $7
               and (contract.ultimo_pago_en is null or contract.ultimo_pago_en <= $3)
             returning 1)
         select id, exists (select from noted) as "noted!" from contract"#,
        payment.subscription,
        payment.contract.map(|contract| contract.0),
        payment.paid_at,
        payment.amount.decimal(),
        payment.next_charge_at,
        payment.starts_period,
        payment.invoice,
    )
    .fetch_optional(work.connection())
    .await?;
    Ok(Change::of(found.map(|row| (row.id, row.noted))))
}

/// Makes the contract inactive.
pub async fn end(
    work: &mut Work,
    subscription: &str,
    named: Option<ContractId>,
    ended_at: DateTime<Utc>,
) -> Result<Change, Failure> {
    let found = sqlx::query!(
        r#"with contract as (
             select id, estado from contratos_b2b
             where stripe_subscription_id = $1 or (id = $2 and stripe_subscription_id is null)
             order by stripe_subscription_id nulls last limit 1 for update),
         ended as (
             update contratos_b2b as ended set stripe_subscription_id = $1, estado = 'inactivo', cancelado_en = $3
             from contract where ended.id = contract.id and contract.estado <> 'inactivo'
             returning 1)
         select id, exists (select from ended) as "ended!" from contract"#,
        subscription,
        named.map(|contract| contract.0),
        ended_at,
    )
    .fetch_optional(work.connection())
    .await?;
    Ok(Change::of(found.map(|row| (row.id, row.ended))))
}

//! Documents whose time to be signed ends, or is over. Whom that was told is noted in `contracts.attention`, so that it is
//! told once per document.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::ContractId;

/// A document that waits for a signature.
pub struct Waiting {
    /// The contract.
    pub contract: ContractId,
    /// Row of `contratos_firmados`.
    pub document: Uuid,
}

/// Takes those that can be signed until then and no longer, and whose client was not reminded yet.
pub async fn take_due(work: &mut Work, until: DateTime<Utc>, limit: i64) -> Result<Vec<Waiting>, Failure> {
    let now = work.now();
    let due = sqlx::query_as!(
        Waiting,
        r#"with due as (
             select signed.id as document, contrato_id as contract, vence_en
             from contratos_firmados as signed join contratos_b2b on contratos_b2b.id = contrato_id
             left join contracts.attention on attention.document = signed.id
             where signed.estado = 'pendiente' and vence_en > $1 and vence_en <= $2
               and contratos_b2b.estado <> 'inactivo' and reminded_at is null
             order by vence_en, signed.id limit $3),
         noted as (
             insert into contracts.attention (document, reminded_at) select document, $1 from due
             on conflict (document) do update set reminded_at = excluded.reminded_at)
         select contract, document from due order by vence_en, document"#,
        now,
        until,
        limit,
    );
    Ok(due.fetch_all(work.connection()).await?)
}

/// Takes those that nobody can sign any more and of which the team was not told, unless their contract is over or has
/// another document since. One that was given more time at Mifiel is taken again when that is over too.
pub async fn take_expired(work: &mut Work, limit: i64) -> Result<Vec<Waiting>, Failure> {
    let now = work.now();
    let expired = sqlx::query_as!(
        Waiting,
        r#"with expired as (
             select signed.id as document, contrato_id as contract, vence_en
             from contratos_firmados as signed join contratos_b2b on contratos_b2b.id = contrato_id
             left join contracts.attention on attention.document = signed.id
             where signed.estado = 'pendiente' and vence_en <= $1 and contratos_b2b.estado <> 'inactivo'
               and (expiry_told_at is null or expiry_told_at < vence_en)
               and not exists (select from contratos_firmados as later
                               where later.contrato_id = signed.contrato_id
                                 and (later.creado_en, later.id) > (signed.creado_en, signed.id))
             order by vence_en, signed.id limit $2),
         noted as (
             insert into contracts.attention (document, expiry_told_at) select document, $1 from expired
             on conflict (document) do update set expiry_told_at = excluded.expiry_told_at)
         select contract, document from expired order by vence_en, document"#,
        now,
        limit,
    );
    Ok(expired.fetch_all(work.connection()).await?)
}

//! `ventas_factura_global`: sales at the counter without an invoice of their own.

use rust_decimal::Decimal;
use sqlx::PgPool;
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::{Month, ServiceId};

/// So many sales fit into one document: about 440 bytes each, and 4 MiB are read at most.
const PER_DOCUMENT: i64 = 5000;

/// A sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// The service.
    pub service: Uuid,
    /// `NoIdentificacion` in the global invoice.
    pub folio: String,
    /// What was paid.
    pub amount: Decimal,
    /// SAT's code of how.
    pub payment_form: String,
}

/// Registers the sale of a service that was paid at the counter. False when it was registered before.
pub async fn register(work: &mut Work, service: ServiceId) -> Result<bool, Failure> {
    let now = work.now();
    let registered = sqlx::query!(
        "insert into ventas_factura_global (servicio_id, folio, monto, moneda, metodo_pago, vendida_en, periodo)
         select id, 'V-' || upper(replace(id::text, '-', '')), coalesce(monto_pagado, monto), moneda,
                coalesce(metodo_pago, '01'), coalesce(pagado_en, $2), $3
         from servicios where id = $1
         on conflict (servicio_id) do nothing",
        service.0,
        now,
        Month::of(now).to_string(),
    );
    Ok(registered.execute(work.connection()).await?.rows_affected() > 0)
}

/// Takes a sale out again, because its client wants an invoice of their own. False when a global invoice claimed it, or
/// it was not there.
pub async fn unregister(work: &mut Work, service: ServiceId) -> Result<bool, Failure> {
    let taken = sqlx::query!(
        "delete from ventas_factura_global where servicio_id = $1 and solicitud_id is null",
        service.0
    );
    Ok(taken.execute(work.connection()).await?.rows_affected() > 0)
}

/// Claims open sales of a month for a request, each once; returns how many.
pub async fn claim(work: &mut Work, month: Month, request: Uuid) -> Result<u64, Failure> {
    let claimed = sqlx::query!(
        "with open as (
             select servicio_id from ventas_factura_global
             where periodo = $1 and solicitud_id is null and moneda = 'MXN'
             order by vendida_en, servicio_id limit $3 for update of ventas_factura_global)
         update ventas_factura_global set solicitud_id = $2 from open
         where ventas_factura_global.servicio_id = open.servicio_id",
        month.to_string(),
        request,
        PER_DOCUMENT,
    );
    Ok(claimed.execute(work.connection()).await?.rows_affected())
}

/// The sales that a request claimed.
pub async fn claimed(pool: &PgPool, request: Uuid) -> Result<Vec<Sale>, Failure> {
    let sales = sqlx::query_as!(
        Sale,
        "select servicio_id as service, folio, monto as amount, metodo_pago as payment_form
         from ventas_factura_global where solicitud_id = $1 order by vendida_en, servicio_id",
        request,
    );
    Ok(sales.fetch_all(pool).await?)
}

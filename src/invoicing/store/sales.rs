//! `ventas_factura_global`: sales at the counter without an invoice of their own.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::{Month, ServiceId};
use crate::tools::db::Db;

/// So many sales fit into one document: about 440 bytes each, and 4 MiB are read at most.
pub const PER_DOCUMENT: u16 = 5000;

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

/// Registers the sale of a service that was paid at the counter, in the month in which it was paid, whenever that is.
/// None when it was registered before.
pub async fn register(work: &mut Work, service: ServiceId) -> Result<Option<Month>, Failure> {
    let paid = sqlx::query_scalar!("select pagado_en from servicios where id = $1", service.0);
    let paid = paid.fetch_optional(work.connection()).await?.flatten();
    let sold_at = paid.unwrap_or_else(|| work.now());
    let month = Month::of(sold_at);
    let registered = sqlx::query!(
        "insert into ventas_factura_global (servicio_id, folio, monto, moneda, metodo_pago, vendida_en, periodo)
         select id, 'V-' || upper(replace(id::text, '-', '')), coalesce(monto_pagado, monto), moneda,
                coalesce(metodo_pago, '01'), $2, $3
         from servicios where id = $1
         on conflict (servicio_id) do nothing",
        service.0,
        sold_at,
        month.to_string(),
    );
    let rows = registered.execute(work.connection()).await?.rows_affected();
    Ok((rows > 0).then_some(month))
}

/// Holds the service of a sale that may be taken out: before the sale, as [`claim`] does.
pub async fn hold_service(work: &mut Work, service: ServiceId) -> Result<(), Failure> {
    let held = sqlx::query!(
        "select id from servicios where id = $1 for no key update",
        service.0
    );
    held.fetch_optional(work.connection()).await?;
    Ok(())
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

/// The month whose global invoice has this sale, or was asked to have it.
pub async fn month_that_has(work: &mut Work, service: ServiceId) -> Result<Option<String>, Failure> {
    let month = sqlx::query_scalar!(
        "select periodo from ventas_factura_global where servicio_id = $1 and solicitud_id is not null",
        service.0,
    );
    Ok(month.fetch_optional(work.connection()).await?)
}

/// Claims open sales of a month for a request, each once and no more than fit into one document; whose they are.
///
/// Whoever changes the invoice of a service holds the service first. Held in another order, a client who wants an
/// invoice of their own at this moment and the month's invoice could wait for each other.
pub async fn claim(work: &mut Work, month: Month, request: Uuid) -> Result<Vec<ServiceId>, Failure> {
    let open = sqlx::query_scalar!(
        "select id from servicios
         where id in (select servicio_id from ventas_factura_global
                      where periodo = $1 and solicitud_id is null and moneda = 'MXN'
                      order by vendida_en, servicio_id limit $2)
         order by id for no key update",
        month.to_string(),
        i64::from(PER_DOCUMENT),
    );
    let open = open.fetch_all(work.connection()).await?;
    let claimed = sqlx::query_scalar!(
        "update ventas_factura_global set solicitud_id = $2
         where servicio_id = any($1) and solicitud_id is null returning servicio_id",
        &open,
        request,
    );
    let claimed = claimed.fetch_all(work.connection()).await?;
    Ok(claimed.into_iter().map(ServiceId).collect())
}

/// The sales that a request claimed.
pub async fn claimed(pool: &Db, request: Uuid) -> Result<Vec<Sale>, Failure> {
    let sales = sqlx::query_as!(
        Sale,
        "select servicio_id as service, folio, monto as amount, metodo_pago as payment_form
         from ventas_factura_global where solicitud_id = $1 order by vendida_en, servicio_id",
        request,
    );
    Ok(sales.fetch_all(pool).await?)
}

/// A sale that a global invoice names, or that its request claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The service.
    pub service: Uuid,
    /// `NoIdentificacion`.
    pub folio: String,
    /// What was paid.
    pub amount: Decimal,
    /// Whether the request claimed it.
    pub claimed: bool,
    /// The invoice that holds it already.
    pub invoice: Option<Uuid>,
}

/// The sales of ours that an invoice names, and those that its request claimed.
pub async fn look(work: &mut Work, request: Option<Uuid>, folios: &[String]) -> Result<Vec<Looked>, Failure> {
    let found = sqlx::query_as!(
        Looked,
        r#"select servicio_id as service, folio, monto as amount,
                  solicitud_id is not null and solicitud_id is not distinct from $1 as "claimed!",
                  factura_id as invoice
           from ventas_factura_global where solicitud_id = $1 or folio = any($2) order by folio"#,
        request,
        folios,
    );
    Ok(found.fetch_all(work.connection()).await?)
}

/// The stamped invoice holds these sales, and with their amounts those of `matching`.
pub async fn hold(work: &mut Work, invoice: Uuid, held: &[Uuid], matching: &[Uuid]) -> Result<(), Failure> {
    let marked = sqlx::query!(
        "update ventas_factura_global set factura_id = $1, conciliada = servicio_id = any($3)
         where servicio_id = any($2)",
        invoice,
        held,
        matching,
    );
    marked.execute(work.connection()).await?;
    Ok(())
}

/// The stamped invoice does not hold these sales of its request: they are open again.
pub async fn release(work: &mut Work, services: &[Uuid]) -> Result<(), Failure> {
    let released = sqlx::query!(
        "update ventas_factura_global set solicitud_id = null where servicio_id = any($1) and factura_id is null",
        services,
    );
    released.execute(work.connection()).await?;
    Ok(())
}

/// The invoice is cancelled: the sales that it held, or that only waited for it, are open again; whose they are.
pub async fn release_all(
    work: &mut Work,
    invoice: Uuid,
    request: Option<Uuid>,
) -> Result<Vec<ServiceId>, Failure> {
    let released = sqlx::query_scalar!(
        "update ventas_factura_global set solicitud_id = null, factura_id = null, conciliada = false
         where factura_id = $1 or solicitud_id = $2 and factura_id is null returning servicio_id",
        invoice,
        request,
    );
    let released = released.fetch_all(work.connection()).await?;
    Ok(released.into_iter().map(ServiceId).collect())
}

/// Months before this one with open sales that nobody ever asked a global invoice for.
pub async fn never_asked(work: &mut Work, before: Month) -> Result<Vec<Month>, Failure> {
    let months = sqlx::query_scalar!(
        "select distinct periodo from ventas_factura_global
         where solicitud_id is null and moneda = 'MXN' and periodo < $1
           and not exists (select from invoicing.requests where kind = 'global' and period = periodo)
         order by periodo",
        before.to_string(),
    );
    let months = months.fetch_all(work.connection()).await?;
    Ok(months.iter().filter_map(|month| month.parse().ok()).collect())
}

/// Sales of months before this one that no stamped global invoice holds: by month, how many. What was asked for after
/// `asked_before` is on its way.
pub async fn late(
    work: &mut Work,
    before: Month,
    asked_before: DateTime<Utc>,
) -> Result<Vec<(String, i64)>, Failure> {
    let late = sqlx::query!(
        r#"select periodo, count(*) as "sales!" from ventas_factura_global as sales
           left join invoicing.requests on requests.id = sales.solicitud_id
           where factura_id is null and periodo < $1
             and (solicitud_id is null or requests.created_at < $2)
           group by periodo order by periodo"#,
        before.to_string(),
        asked_before,
    );
    let late = late.fetch_all(work.connection()).await?;
    Ok(late.into_iter().map(|row| (row.periodo, row.sales)).collect())
}

/// Whether a stamped global invoice holds every sale of the month.
pub async fn all_held(work: &mut Work, month: &str) -> Result<bool, Failure> {
    let open = sqlx::query_scalar!(
        r#"select exists (select from ventas_factura_global where periodo = $1 and factura_id is null) as "open!""#,
        month,
    );
    Ok(!open.fetch_one(work.connection()).await?)
}

/// An open sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Open {
    /// `NoIdentificacion` in the global invoice.
    pub folio: String,
    /// The service.
    pub service: Uuid,
    /// When it was paid.
    pub sold_at: DateTime<Utc>,
    /// What was paid.
    pub amount: Decimal,
    /// In which currency.
    pub currency: String,
    /// SAT's code of how.
    pub payment_form: String,
}

/// The sales of a month that nobody claimed, in the order in which they would be.
pub async fn open(pool: &Db, month: Month) -> Result<Vec<Open>, Failure> {
    let open = sqlx::query_as!(
        Open,
        r#"select folio, servicio_id as service, vendida_en as sold_at, monto as amount, moneda::text as "currency!",
                  metodo_pago as payment_form
           from ventas_factura_global where periodo = $1 and solicitud_id is null order by vendida_en, servicio_id"#,
        month.to_string(),
    );
    Ok(open.fetch_all(pool).await?)
}

/// A part of a month that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Requested {
    /// Its request.
    pub request: Uuid,
    /// 1, 2, …
    pub part: i32,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// `requested` until its invoice is stored, then `completed`.
    pub state: String,
    /// Gigstack's id of the invoice.
    pub gigstack_id: Option<String>,
    /// How many sales it has.
    pub sales: i64,
    /// What was paid for them.
    pub amount: Decimal,
    /// How many of them its stamped invoice holds, with their amounts.
    pub reconciled: i64,
    /// SAT's UUID of the invoice.
    pub uuid_sat: Option<Uuid>,
    /// `vigente` or `cancelada`.
    pub invoice_state: Option<String>,
}

/// What was asked for a month.
pub async fn parts(pool: &Db, month: Month) -> Result<Vec<Requested>, Failure> {
    let parts = sqlx::query_as!(
        Requested,
        r#"select requests.id as request, part as "part!", created_at as asked_at, state, requests.gigstack_id,
                  sales.count as "sales!", sales.amount as "amount!", sales.reconciled as "reconciled!",
                  uuid_sat as "uuid_sat?", estado::text as "invoice_state?"
           from invoicing.requests
           cross join lateral (
               select count(*), coalesce(sum(monto), 0) as amount, count(*) filter (where conciliada) as reconciled
               from ventas_factura_global where solicitud_id = requests.id) as sales
           left join facturas_emitidas on facturas_emitidas.gigstack_id = requests.gigstack_id
           where kind = 'global' and period = $1 order by part"#,
        month.to_string(),
    );
    Ok(parts.fetch_all(pool).await?)
}

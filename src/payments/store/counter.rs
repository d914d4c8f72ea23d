//! `servicios` at the counter: what is shown of one, and what a payment there writes.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::ServiceId;
use crate::tools::db::Db;
use crate::tools::paging::Place;

/// A service that is held until the commit.
pub struct Held {
    /// `estado`.
    pub state: String,
    /// `estado_pago`.
    pub payment_state: String,
    /// `canal_pago`.
    pub channel: Option<String>,
    /// `metodo_pago`.
    pub method: Option<String>,
    /// What it costs.
    pub price: Decimal,
    /// In which currency.
    pub currency: String,
    /// What was paid.
    pub paid: Option<Decimal>,
    /// When.
    pub paid_at: Option<DateTime<Utc>>,
    /// Stripe's payment that it is credited with.
    pub stripe_payment: Option<String>,
    /// `requiere_factura`.
    pub requires_invoice: bool,
}

/// Holds a service until the commit: another confirmation, and a payment of Stripe's, wait for it and then see what was
/// written. With an operator, only one that is assigned to them.
pub async fn hold(
    work: &mut Work,
    service: ServiceId,
    operator: Option<Uuid>,
) -> Result<Option<Held>, Failure> {
    let held = sqlx::query_as!(
        Held,
        r#"select estado::text as "state!", estado_pago::text as "payment_state!", canal_pago::text as channel,
                  metodo_pago as method, monto as price, moneda::text as "currency!", monto_pagado as paid,
                  pagado_en as paid_at, stripe_payment_intent_id as stripe_payment,
                  requiere_factura as requires_invoice
           from servicios where id = $1 and ($2::uuid is null or operador_id = $2) for update"#,
        service.0,
        operator,
    );
    Ok(held.fetch_optional(work.connection()).await?)
}

/// It is paid at the counter, now, with its price.
pub async fn pay(
    work: &mut Work,
    service: ServiceId,
    method: &str,
    requires_invoice: bool,
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "update servicios set estado_pago = 'pagado', canal_pago = 'presencial', metodo_pago = $2, pagado_en = $3,
             monto_pagado = monto, requiere_factura = $4, ultimo_error_pago = null
         where id = $1",
        service.0,
        method,
        now,
        requires_invoice,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// Its client wants an invoice of their own after all.
pub async fn want_invoice(work: &mut Work, service: ServiceId) -> Result<(), Failure> {
    sqlx::query!(
        "update servicios set requiere_factura = true where id = $1",
        service.0
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// A sale that is for a global invoice and nothing else any more.
pub struct ClaimedSale {
    /// How the global invoice names it.
    pub folio: String,
    /// The month of that invoice.
    pub month: String,
}

/// Holds the sale of a service until the commit, so that no global invoice claims it meanwhile; tells whether one has.
pub async fn claimed_sale(work: &mut Work, service: ServiceId) -> Result<Option<ClaimedSale>, Failure> {
    let sale = sqlx::query!(
        r#"select folio, periodo, solicitud_id is not null as "claimed!"
           from ventas_factura_global where servicio_id = $1 for update"#,
        service.0,
    );
    let sale = sale.fetch_optional(work.connection()).await?;
    Ok(sale.filter(|sale| sale.claimed).map(|sale| ClaimedSale {
        folio: sale.folio,
        month: sale.periodo,
    }))
}

/// What is shown of a service.
pub struct Shown {
    /// Which.
    pub id: Uuid,
    /// What is done.
    pub description: String,
    /// `estado`.
    pub state: String,
    /// When.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// What it costs.
    pub price: Decimal,
    /// In which currency.
    pub currency: String,
    /// `estado_pago`.
    pub payment_state: String,
    /// `metodo_pago`.
    pub method: Option<String>,
    /// `canal_pago`.
    pub channel: Option<String>,
    /// What was paid.
    pub paid: Option<Decimal>,
    /// When.
    pub paid_at: Option<DateTime<Utc>>,
    /// `requiere_factura`.
    pub requires_invoice: bool,
    /// `estado_factura`.
    pub invoice_state: Option<String>,
    /// Where the client makes the own invoice.
    pub invoice_page: Option<String>,
    /// SAT's id of the invoice that it is in.
    pub uuid_sat: Option<Uuid>,
    /// The client's name.
    pub client: Option<String>,
}

/// Which services are shown. What is none restricts nothing.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// This one.
    pub service: Option<ServiceId>,
    /// Those assigned to this operator.
    pub operator: Option<Uuid>,
    /// Those in this `estado`.
    pub state: Option<String>,
    /// Those in this `estado_pago`.
    pub payment_state: Option<String>,
    /// Those for then or later.
    pub from: Option<DateTime<Utc>>,
    /// Those for before then.
    pub before: Option<DateTime<Utc>>,
    /// Those that come after this one in the list.
    pub after: Option<Place>,
}

/// Some of those services, in the order of the list.
pub async fn shown(pool: &Db, which: &Which, count: i64) -> Result<Vec<Shown>, Failure> {
    let rows = sqlx::query_as!(
        Shown,
        r#"select servicios.id, descripcion as description, servicios.estado::text as "state!",
                  agendado_para as scheduled_for, monto as price, servicios.moneda::text as "currency!",
                  estado_pago::text as "payment_state!", metodo_pago as method, canal_pago::text as channel,
                  monto_pagado as paid, pagado_en as paid_at, requiere_factura as requires_invoice,
                  estado_factura as invoice_state, requests.portal_url as "invoice_page?", nombre as "client?",
                  (select uuid_sat from facturas_emitidas
                   where servicio_id = servicios.id
                      or facturas_emitidas.id = (select factura_id from ventas_factura_global as sale
                                                 where sale.servicio_id = servicios.id)
                   order by facturas_emitidas.estado = 'vigente' desc, facturas_emitidas.servicio_id nulls last,
                       creada_en desc, facturas_emitidas.id desc
                   limit 1) as uuid_sat
           from servicios
           left join clientes on clientes.id = cliente_id
           left join invoicing.requests on requests.servicio_id = servicios.id
           where ($1::uuid is null or servicios.id = $1)
             and ($2::uuid is null or operador_id = $2)
             and ($3::text is null or servicios.estado = $3)
             and ($4::text is null or estado_pago = $4)
             and ($5::timestamptz is null or agendado_para >= $5)
             and ($6::timestamptz is null or agendado_para < $6)
             and ($8::uuid is null
                  or agendado_para > $7
                  or agendado_para is not distinct from $7 and servicios.id > $8
                  or agendado_para is null and $7::timestamptz is not null)
           order by agendado_para, servicios.id limit $9"#,
        which.service.map(|service| service.0),
        which.operator,
        which.state,
        which.payment_state,
        which.from,
        which.before,
        which.after.and_then(|place| place.at),
        which.after.map(|place| place.id),
        count,
    );
    Ok(rows.fetch_all(pool).await?)
}

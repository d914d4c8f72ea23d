//! The figures of the first page, for programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::Closed;
use super::super::figures::machine::Unfinished;
use super::super::figures::{payments, providers};
use super::super::home::{self, Business, Machine};
use super::super::period::{PERIODS, Period};
use crate::access::Admin;
use crate::engine::{Engine, Failure};
use crate::tools::extract::QueryParams;
use crate::tools::paging::one_of;
use crate::tools::problem::Problem;

/// De qué días.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `hoy`, `7d`, `mes`, `mes-anterior` o `anio`, en días de Nuevo Laredo. Si no se dice, `mes`.
    periodo: Option<String>,
}

/// Las cifras de la primera página del panel. Los importes van como texto, por moneda.
#[derive(Debug, Serialize, ToSchema)]
pub struct Figures {
    /// Cuándo se contaron, en UTC.
    at: DateTime<Utc>,
    /// Primer día del periodo.
    from: NaiveDate,
    /// Último día del periodo.
    until: NaiveDate,
    /// Facturas emitidas por método, vigentes y canceladas.
    invoices: Value,
    /// Autofacturas pedidas y qué fue de ellas.
    self_invoices: Value,
    /// Ventas registradas para la factura global, y las que todavía no están en ninguna.
    global_sales: Value,
    /// Errores de facturación por tipo.
    invoicing_errors: Value,
    /// Contratos que esperan firma, los que vencen en tres días y los ya vencidos.
    contracts_waiting: Value,
    /// Pagos de hoy.
    payments_today: Value,
    /// La bandeja: lo que llegó hoy, y lo que espera, falla, está apartado o muerto.
    inbox: Value,
    /// Los trabajos.
    jobs: Value,
    /// Alertas sin resolver.
    open_alerts: i64,
    /// Documentos guardados.
    documents: Value,
    /// Las últimas 24 horas de cada proveedor.
    providers: Value,
}

/// Las cifras del panel.
#[utoipa::path(
    get,
    path = "/api/admin/metrics",
    tag = "administración",
    security(("supabase" = [])),
    params(Asked),
    responses(
        (status = 200, body = Figures),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo administración", body = Problem),
        (status = 422, description = "No hay tal periodo; `errors` dice cuáles hay", body = Problem),
    )
)]
pub async fn metrics(
    _admin: Admin,
    State(engine): State<Arc<Engine>>,
    State(closed): State<Closed>,
    QueryParams(asked): QueryParams<Asked>,
) -> Result<Json<Figures>, Problem> {
    let mut errors = Vec::new();
    let key = one_of(
        "periodo",
        asked.periodo,
        &PERIODS.map(|(key, _)| key),
        &mut errors,
    );
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let figures = figures(&engine, &closed, key.as_deref().unwrap_or("mes")).await;
    Ok(Json(figures.map_err(Failure::from)?))
}

async fn figures(engine: &Engine, closed: &Closed, key: &str) -> Result<Figures, sqlx::Error> {
    let (db, at) = (&engine.pool, engine.clock.now());
    let known = |key| Period::named(key, at).ok_or_else(|| sqlx::Error::Protocol("no such day".to_owned()));
    let (period, today) = (known(key)?, known("hoy")?);
    let months = closed.months(engine).await?;
    let business = home::business(engine, &period, &months).await?;
    let machine = home::machine(engine, &today, &months).await?;
    let paid = payments::today(db, &today).await?;
    let providers = providers::providers(engine).await?;
    Ok(Figures {
        at,
        from: period.first,
        until: period.last,
        invoices: invoices(&business),
        self_invoices: self_invoices(&business),
        global_sales: global_sales(&business),
        invoicing_errors: invoicing_errors(&business),
        contracts_waiting: json!({
            "count": business.signatures.count,
            "ending": business.signatures.ending,
            "over": business.signatures.over,
        }),
        payments_today: json!({
            "count": paid.count(), "amounts": paid.amount().by_currency(),
            "refunded": paid.refunded(), "refunded_amounts": paid.refunded_amount().by_currency(),
            "failed": paid.failed,
        }),
        inbox: inbox(&machine),
        jobs: unfinished(&machine.jobs),
        open_alerts: machine.open_alerts,
        documents: json!({ "count": machine.stored.count, "bytes": machine.stored.bytes }),
        providers: providers.iter().map(|it| json!({
            "provider": it.name, "received": it.received(), "usual": it.usual(), "failed": it.failed(),
            "refused": it.refused(), "failed_in_row": it.failed_in_row, "hours": it.hours,
        })).collect(),
    })
}

fn invoices(business: &Business) -> Value {
    let methods = business.issued.iter().map(|of| {
        json!({
            "method": of.origin,
            "valid": of.valid, "valid_amounts": of.valid_amount.by_currency(),
            "cancelled": of.cancelled, "cancelled_amounts": of.cancelled_amount.by_currency(),
        })
    });
    methods.collect()
}

fn self_invoices(business: &Business) -> Value {
    let it = &business.self_invoices;
    json!({ "asked": it.asked, "completed": it.made, "open": it.open, "withdrawn": it.withdrawn })
}

fn global_sales(business: &Business) -> Value {
    let it = &business.sales;
    json!({
        "count": it.count, "amounts": it.amount.by_currency(),
        "waiting": it.waiting, "waiting_amounts": it.waiting_amount.by_currency(),
    })
}

fn invoicing_errors(business: &Business) -> Value {
    let types = business.errors.iter();
    types
        .map(|of| json!({ "type": of.key, "name": of.name, "count": of.count }))
        .collect()
}

fn inbox(machine: &Machine) -> Value {
    let mut inbox = unfinished(&machine.events);
    if let Some(inbox) = inbox.as_object_mut() {
        inbox.insert("received_today".to_owned(), machine.today.received.into());
        inbox.insert("processed_today".to_owned(), machine.today.processed.into());
    }
    inbox
}

fn unfinished(it: &Unfinished) -> Value {
    json!({
        "waiting": it.waiting, "failing": it.failing, "parked": it.parked, "dead": it.dead,
        "oldest_seconds": it.oldest,
    })
}

//! The services of an operator; all of them for an admin.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::store::counter::{self, Which};
use super::shown::Service;
use crate::access::Staff;
use crate::engine::Engine;
use crate::ground::clock::start_of_day;
use crate::ground::values::ServiceId;
use crate::tools::db::Db;
use crate::tools::extract::{PathId, QueryParams};
use crate::tools::paging::{self, Place, one_of};
use crate::tools::problem::{FieldError, Problem};

const STATES: [&str; 4] = ["agendado", "en_proceso", "completado", "cancelado"];
const PAYMENT_STATES: [&str; 6] = [
    "pendiente",
    "pagado",
    "fallido",
    "cancelado",
    "reembolsado",
    "parcialmente_reembolsado",
];

/// Qué servicios.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// `agendado`, `en_proceso`, `completado` o `cancelado`.
    estado: Option<String>,
    /// `pendiente`, `pagado`, `fallido`, `cancelado`, `reembolsado` o `parcialmente_reembolsado`.
    estado_pago: Option<String>,
    /// Agendados este día o después, en Nuevo Laredo.
    #[param(example = "2026-11-22")]
    desde: Option<String>,
    /// Agendados este día o antes.
    #[param(example = "2026-11-22")]
    hasta: Option<String>,
    /// Cuántos cuando mucho: 50 si no se dice, 200 como máximo.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// El `next` de la página anterior.
    cursor: Option<String>,
}

/// Una página de servicios, del más próximo al más lejano; los que no tienen fecha van al final.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServicePage)]
pub struct Page {
    services: Vec<Service>,
    /// Va como `cursor` para pedir la página siguiente; nulo en la última.
    next: Option<String>,
}

/// Los servicios asignados a quien pregunta; administración los ve todos.
///
/// Los importes van en unidades de la moneda (pesos, no centavos); las fechas, en UTC.
#[utoipa::path(
    get,
    path = "/api/services",
    tag = "servicios",
    security(("supabase" = [])),
    params(Filter),
    responses(
        (status = 200, body = Page),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo operadores y administración", body = Problem),
        (status = 422, description = "Un filtro no es válido; `errors` dice cuál", body = Problem),
    )
)]
pub async fn services(
    staff: Staff,
    State(engine): State<Arc<Engine>>,
    QueryParams(filter): QueryParams<Filter>,
) -> Result<Json<Page>, Problem> {
    let (mut which, count) = filter.check()?;
    which.operator = operator(staff);
    // One more than is shown tells whether there is another page.
    let mut rows = counter::shown(&engine.pool, &which, count + 1).await?;
    let more = paging::cut(&mut rows, count);
    let last = rows.last().filter(|_| more).map(|row| Place {
        at: row.scheduled_for,
        id: row.id,
    });
    let next = last.map(Place::cursor);
    Ok(Json(Page {
        services: rows.into_iter().map(Service::from).collect(),
        next,
    }))
}

/// Un servicio.
#[utoipa::path(
    get,
    path = "/api/services/{id}",
    tag = "servicios",
    security(("supabase" = [])),
    params(("id" = Uuid, Path, description = "El servicio")),
    responses(
        (status = 200, body = Service),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo operadores y administración", body = Problem),
        (status = 404, description = "No existe, o no está asignado a quien pregunta", body = Problem),
    )
)]
pub async fn service(
    staff: Staff,
    PathId(service): PathId<ServiceId>,
    State(engine): State<Arc<Engine>>,
) -> Result<Json<Service>, Problem> {
    one(&engine.pool, staff, service).await.map(Json)
}

/// One that this person may know of.
pub(super) async fn one(pool: &Db, staff: Staff, service: ServiceId) -> Result<Service, Problem> {
    let which = Which {
        service: Some(service),
        operator: operator(staff),
        ..Which::default()
    };
    let row = counter::shown(pool, &which, 1).await?.pop();
    row.map(Service::from).ok_or_else(Problem::unknown)
}

/// To whom a service has to be assigned; none for those who see all.
pub(super) fn operator(staff: Staff) -> Option<Uuid> {
    match staff {
        Staff::Operator(operator) => Some(operator.user()),
        Staff::Admin(_) => None,
    }
}

impl Filter {
    /// Everything that is wrong, at once.
    fn check(self) -> Result<(Which, i64), Problem> {
        let mut errors = Vec::new();
        let state = one_of("estado", self.estado, &STATES, &mut errors);
        let payment_state = one_of("estado_pago", self.estado_pago, &PAYMENT_STATES, &mut errors);
        let from = day("desde", self.desde.as_deref(), &mut errors).map(start_of_day);
        let until = day("hasta", self.hasta.as_deref(), &mut errors);
        let before = until
            .and_then(|day| day.checked_add_days(Days::new(1)))
            .map(start_of_day);
        let count = paging::limit(self.limit.as_deref(), &mut errors);
        let after = paging::cursor(self.cursor.as_deref(), &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let which = Which {
            state,
            payment_state,
            from,
            before,
            after,
            ..Which::default()
        };
        Ok((which, count))
    }
}

fn day(field: &'static str, text: Option<&str>, errors: &mut Vec<FieldError>) -> Option<NaiveDate> {
    let text = text?;
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let day = day.filter(|_| text.len() == 10);
    if day.is_none() {
        let detail = "Debe ser una fecha, como en 2026-11-22.";
        errors.push(FieldError::new(field, "fecha-no-valida", detail));
    }
    day
}

//! The services of an operator; all of them for an admin.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::store::counter::{self, Place, Which};
use super::shown::Service;
use crate::access::Staff;
use crate::engine::Engine;
use crate::ground::clock::start_of_day;
use crate::ground::values::ServiceId;
use crate::tools::extract::{PathId, QueryParams};
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

/// A page without a word about its length.
const USUAL: i64 = 50;
/// The longest page.
const LONGEST: i64 = 200;

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
    let length = usize::try_from(count).unwrap_or_default();
    let more = rows.len() > length;
    rows.truncate(length);
    let last = rows.last().filter(|_| more);
    let next = last.map(|row| {
        write(Place {
            scheduled_for: row.scheduled_for,
            service: row.id,
        })
    });
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
pub(super) async fn one(pool: &PgPool, staff: Staff, service: ServiceId) -> Result<Service, Problem> {
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
        let count = self.limit.map_or(Some(USUAL), |text| text.parse().ok());
        let count = count.filter(|count| (1..=LONGEST).contains(count));
        if count.is_none() {
            errors.push(FieldError::new(
                "limit",
                "valor-no-valido",
                "Debe ser un número de 1 a 200.",
            ));
        }
        let after = self.cursor.as_deref().map(read);
        if after == Some(None) {
            let detail = "Manda el `next` de la página anterior tal como llegó, o nada para empezar.";
            errors.push(FieldError::new("cursor", "valor-no-valido", detail));
        }
        match count {
            Some(count) if errors.is_empty() => Ok((
                Which {
                    state,
                    payment_state,
                    from,
                    before,
                    after: after.flatten(),
                    ..Which::default()
                },
                count,
            )),
            _ => Err(Problem::invalid(errors)),
        }
    }
}

fn one_of(
    field: &'static str,
    text: Option<String>,
    known: &[&str],
    errors: &mut Vec<FieldError>,
) -> Option<String> {
    let text = text?;
    if !known.contains(&text.as_str()) {
        let detail = format!("Debe ser uno de estos: {}.", known.join(", "));
        errors.push(FieldError::new(field, "valor-no-permitido", detail));
    }
    Some(text)
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

/// A place in the list as callers carry it: nobody but us reads it.
fn write(place: Place) -> String {
    let at = place.scheduled_for.map(|at| at.timestamp_micros().to_string());
    URL_SAFE_NO_PAD.encode(format!("{}/{}", at.unwrap_or_default(), place.service))
}

fn read(text: &str) -> Option<Place> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (at, service) = text.split_once('/')?;
    let scheduled_for: Option<DateTime<Utc>> = match at {
        "" => None,
        // PostgreSQL keeps no time before 4713 BC.
        micros => Some(DateTime::from_timestamp_micros(micros.parse().ok()?).filter(|at| at.year() >= 0)?),
    };
    let service = service.parse().ok()?;
    Some(Place {
        scheduled_for,
        service,
    })
}

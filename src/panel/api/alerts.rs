//! Incidents, and who sees to them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Admin;
use crate::engine::{Engine, Failure};
use crate::notifications::alerts::{self, Alert, Seen, State as Standing, Which};
use crate::tools::extract::{JsonBody, QueryParams};
use crate::tools::paging::{self, Place, one_of};
use crate::tools::problem::Problem;

/// Qué alertas.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `abierta`, `atendida` o `resuelta`.
    state: Option<String>,
    /// Como `proveedor-caido`.
    kind: Option<String>,
    /// Cuántas cuando mucho: 50 si no se dice, 200 como máximo.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// El `next` de la página anterior.
    cursor: Option<String>,
}

/// Una página de alertas: primero las que no se han resuelto.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertPage)]
pub struct Page {
    /// Las alertas.
    pub alerts: Vec<Alert>,
    /// Va como `cursor` para pedir la página siguiente; nulo en la última.
    pub next: Option<String>,
}

/// Las alertas: primero las que no se han resuelto, de la más nueva a la más vieja.
#[utoipa::path(
    get,
    path = "/api/admin/alerts",
    tag = "administración",
    security(("supabase" = [])),
    params(Asked),
    responses(
        (status = 200, body = Page),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo administración", body = Problem),
        (status = 422, description = "Un filtro no es válido; `errors` dice cuál", body = Problem),
    )
)]
pub async fn list(
    _admin: Admin,
    State(engine): State<Arc<Engine>>,
    QueryParams(asked): QueryParams<Asked>,
) -> Result<Json<Page>, Problem> {
    let mut errors = Vec::new();
    let state = one_of("state", asked.state, &Standing::WORDS, &mut errors);
    let count = paging::limit(asked.limit.as_deref(), &mut errors);
    let after = paging::cursor(asked.cursor.as_deref(), &mut errors);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let which = Which {
        state,
        kind: asked.kind,
        after,
    };
    let found = alerts::list(&engine.pool, &which, count + 1).await;
    let mut found = found.map_err(Failure::from)?;
    let more = paging::cut(&mut found, count);
    let next = found.last().filter(|_| more).map(Alert::place).map(Place::cursor);
    Ok(Json(Page { alerts: found, next }))
}

/// Lo que se anota al atender una alerta.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = AlertNote)]
pub struct Note {
    /// Opcional: qué se está haciendo. Sin datos personales.
    note: Option<String>,
}

/// Alguien se hace cargo: la alerta sigue abierta y ya no avisa otra vez.
#[utoipa::path(
    post,
    path = "/api/admin/alerts/{id}/acknowledge",
    tag = "administración",
    security(("supabase" = [])),
    params(("id" = uuid::Uuid, Path, description = "La alerta")),
    request_body = Note,
    responses(
        (status = 200, body = Alert),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo administración", body = Problem),
        (status = 404, description = "No existe", body = Problem),
        (status = 409, description = "Ya la atendió alguien, o ya se resolvió", body = Problem),
    )
)]
pub async fn acknowledge(
    admin: Admin,
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    JsonBody(Note { note }): JsonBody<Note>,
) -> Result<Json<Alert>, Problem> {
    let id = super::id(&id)?;
    let mut work = engine.begin(admin.unit()).await?;
    match alerts::acknowledge(&mut work, id, note.as_deref()).await? {
        Seen::Noted => {}
        Seen::Unknown => return Err(Problem::unknown()),
        Seen::TooLate => {
            let detail = "Alguien ya la atendió, o ya se resolvió.";
            return Err(Problem::new(StatusCode::CONFLICT, "alerta-ya-atendida", detail));
        }
    }
    work.commit().await?;
    let alert = alerts::one(&engine.pool, id).await.map_err(Failure::from)?;
    alert.map(Json).ok_or_else(Problem::unknown)
}

//! The inbox: which events came, the story of each, and handling one again.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::Admin;
use crate::engine::history::{self, Filter, Story, Summary};
use crate::engine::rehearsal::{Rehearsal, rehearse};
use crate::engine::{Engine, Failure, replay};
use crate::tools::extract::QueryParams;
use crate::tools::paging::{self, one_of};
use crate::tools::problem::{FieldError, Problem};

const STATES: [&str; 7] = [
    "pending",
    "processing",
    "processed",
    "ignored",
    "parked",
    "failed",
    "dead",
];
const PROVIDERS: [&str; 3] = ["stripe", "gigstack", "mifiel"];

/// Qué eventos.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `stripe`, `gigstack` o `mifiel`.
    provider: Option<String>,
    /// Como `payment_intent.succeeded`.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    event_type: Option<String>,
    /// `pending`, `processing`, `processed`, `ignored`, `parked`, `failed` o `dead`.
    state: Option<String>,
    /// Recibidos desde esta hora, como `2026-11-22T00:00:00Z`.
    since: Option<String>,
    /// Recibidos antes de esta hora.
    until: Option<String>,
    /// Cuántos cuando mucho: 50 si no se dice, 200 como máximo.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// El `next` de la página anterior.
    cursor: Option<String>,
}

/// Una página de eventos, del más nuevo al más viejo.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventPage)]
pub struct Page {
    /// Los eventos.
    pub events: Vec<Summary>,
    /// Va como `cursor` para pedir la página siguiente; nulo en la última.
    pub next: Option<Uuid>,
}

/// Los eventos que llegaron, del más nuevo al más viejo.
#[utoipa::path(
    get,
    path = "/api/admin/events",
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
pub async fn events(
    _admin: Admin,
    State(engine): State<Arc<Engine>>,
    QueryParams(asked): QueryParams<Asked>,
) -> Result<Json<Page>, Problem> {
    let (filter, count) = asked.check()?;
    let mut events = history::list(&engine.pool, &filter)
        .await
        .map_err(Failure::from)?;
    let more = paging::cut(&mut events, count);
    let next = events.last().filter(|_| more).map(|event| event.id);
    Ok(Json(Page { events, next }))
}

impl Asked {
    /// Everything that is wrong, at once.
    fn check(self) -> Result<(Filter, i64), Problem> {
        let mut errors = Vec::new();
        let provider = one_of("provider", self.provider, &PROVIDERS, &mut errors);
        let state = one_of("state", self.state, &STATES, &mut errors);
        let since = time("since", self.since.as_deref(), &mut errors);
        let until = time("until", self.until.as_deref(), &mut errors);
        let count = paging::limit(self.limit.as_deref(), &mut errors);
        let before = self.cursor.map(|cursor| cursor.parse::<Uuid>()).transpose();
        let before = before.unwrap_or_else(|_| {
            let detail = "Manda el `next` de la página anterior tal como llegó, o nada para empezar.";
            errors.push(FieldError::new("cursor", "valor-no-valido", detail));
            None
        });
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let filter = Filter {
            provider,
            event_type: self.event_type,
            state,
            since,
            until,
            before,
            limit: count + 1,
        };
        Ok((filter, count))
    }
}

fn time(field: &'static str, text: Option<&str>, errors: &mut Vec<FieldError>) -> Option<DateTime<Utc>> {
    let time = text.map(DateTime::parse_from_rfc3339).transpose();
    let time = time.unwrap_or_else(|_| {
        let detail = "Debe ser una hora como 2026-11-22T00:00:00Z.";
        errors.push(FieldError::new(field, "valor-no-valido", detail));
        None
    });
    time.map(|time| time.with_timezone(&Utc))
}

/// Un evento con todo lo que se sabe de él: sus intentos, lo que cambió y los trabajos que pidió. Su contenido no está aquí.
#[utoipa::path(
    get,
    path = "/api/admin/events/{id}",
    tag = "administración",
    security(("supabase" = [])),
    params(("id" = String, Path, description = "El id nuestro, o el del proveedor")),
    responses(
        (status = 200, body = Story),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo administración", body = Problem),
        (status = 404, description = "No existe", body = Problem),
    )
)]
pub async fn event(
    _admin: Admin,
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
) -> Result<Json<Story>, Problem> {
    let story = history::show(&engine.pool, &id).await.map_err(Failure::from)?;
    story.map(Json).ok_or_else(Problem::unknown)
}

/// Cómo se reprocesa.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct How {
    /// `true`: sólo se simula; nada cambia y se contesta qué cambiaría.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
}

/// Qué pasó, o qué pasaría.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Replayed {
    /// Volvió a la cola: se procesa en segundos.
    Queued {
        /// Siempre `true`.
        queued: bool,
        /// El id nuestro.
        id: Uuid,
    },
    /// Lo que cambiaría; nada cambió.
    Rehearsed {
        /// El id nuestro.
        id: Uuid,
        /// Cómo terminaría, y cada fila que cambiaría.
        #[schema(value_type = Object)]
        rehearsal: Rehearsal,
    },
}

/// Procesa un evento otra vez, o dice qué cambiaría. Lo que ya se hizo no se hace dos veces.
#[utoipa::path(
    post,
    path = "/api/admin/events/{id}/replay",
    tag = "administración",
    security(("supabase" = [])),
    params(("id" = String, Path, description = "El id nuestro"), How),
    responses(
        (status = 202, description = "Volvió a la cola", body = Replayed),
        (status = 200, description = "La simulación", body = Replayed),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo administración", body = Problem),
        (status = 404, description = "No existe", body = Problem),
        (status = 409, description = "No ha terminado, o su contenido ya se borró", body = Problem),
    )
)]
pub async fn again(
    admin: Admin,
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    QueryParams(how): QueryParams<How>,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let named = replay::named(&engine.pool, &[id]).await.map_err(Failure::from)?;
    let event = named.first().ok_or_else(Problem::unknown)?;
    let id = event.id;
    if how.dry_run.as_deref() == Some("true") {
        if !event.payload_kept {
            return Err(not_now());
        }
        let rehearsal = rehearse(&engine, id).await?;
        return Ok((StatusCode::OK, Json(Replayed::Rehearsed { id, rehearsal })));
    }
    if replay::put_back(&engine, &admin.unit(), &[id]).await?.is_empty() {
        return Err(not_now());
    }
    Ok((StatusCode::ACCEPTED, Json(Replayed::Queued { queued: true, id })))
}

fn not_now() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "no-se-puede-reprocesar",
        "El evento no ha terminado, y entonces se procesa solo; o su contenido ya se borró al vencer su plazo.",
    )
}

//! Signing in to the panel and out of it.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;

use super::{Sessions, SignedIn};
use crate::access::Admin;
use crate::tools::problem::Problem;

/// Abre una sesión del panel.
///
/// Cambia el token de Supabase de un administrador por una galleta (`HttpOnly`, `SameSite=Strict`) que sólo sirve para el
/// panel. Vence a las 12 horas, o tras 2 sin usarse.
#[utoipa::path(
    post,
    path = "/panel/session",
    tag = "panel",
    security(("supabase" = [])),
    responses(
        (status = 204, description = "La sesión está abierta; la galleta viene en `Set-Cookie`"),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo administración", body = Problem),
        (status = 503, description = "La base de datos no está; ver Retry-After", body = Problem),
    )
)]
pub async fn open(admin: Admin, State(sessions): State<Sessions>) -> Result<impl IntoResponse, Problem> {
    Ok(with_cookie(sessions.open(admin).await?))
}

/// Cierra la sesión del panel, de inmediato y en todas partes.
#[utoipa::path(
    delete,
    path = "/panel/session",
    tag = "panel",
    responses(
        (status = 204, description = "La sesión está cerrada"),
        (status = 401, description = "No hay sesión, o ya terminó", body = Problem),
        (status = 403, description = "La petición no viene de una página del panel", body = Problem),
        (status = 503, description = "La base de datos no está; ver Retry-After", body = Problem),
    )
)]
pub async fn close(
    signed_in: SignedIn,
    State(sessions): State<Sessions>,
) -> Result<impl IntoResponse, Problem> {
    Ok(with_cookie(sessions.close(signed_in).await?))
}

fn with_cookie(cookie: HeaderValue) -> impl IntoResponse {
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)])
}

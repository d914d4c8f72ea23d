//! A page as an answer, and who may see it.

use askama::Template;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use url::form_urlencoded;

use crate::access::Admin;
use crate::access::session::{Sessions, SignedIn};
use crate::engine::Failure;
use crate::tools::problem::Problem;

/// Where one signs in.
pub(super) const SIGN_IN: &str = "/panel/entrar";

/// An admin with a good session; anybody else is led to where one signs in, and from there to the page they wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Viewer(pub(super) Admin);

impl<S: Send + Sync> FromRequestParts<S> for Viewer
where
    Sessions: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match SignedIn::from_request_parts(parts, state).await {
            Ok(signed_in) => Ok(Self(signed_in.admin)),
            Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => Err(to_sign_in(parts)),
            Err(problem) => Err(Trouble::from(problem).into_response()),
        }
    }
}

/// A form that was sent after the session ended is not sent again by signing in: it leads to the start.
fn to_sign_in(parts: &Parts) -> Response {
    let wanted = parts.uri.path_and_query().filter(|_| parts.method.is_safe());
    let wanted = wanted.map(axum::http::uri::PathAndQuery::as_str);
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("a", wanted.unwrap_or("/panel"))
        .finish();
    Redirect::to(&format!("{SIGN_IN}?{query}")).into_response()
}

/// A page as an answer.
pub(super) fn page(page: &impl Template) -> Result<Response, Trouble> {
    with_status(StatusCode::OK, page)
}

/// The same with another status.
pub(super) fn with_status(status: StatusCode, page: &impl Template) -> Result<Response, Trouble> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page of the panel could not be rendered");
        Trouble::Broken
    })?;
    Ok((status, headers(), Html(html)).into_response())
}

/// Forms of our pages must say where they come from, and no page of another origin learns what was looked at.
fn headers() -> [(header::HeaderName, HeaderValue); 1] {
    [(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"))]
}

/// Why there is no page: told as one.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No such page, event, job, …
    Unknown,
    /// What was asked for cannot be read or done as it stands.
    Refused(String),
    /// The database does not answer.
    Away,
    /// A bug.
    Broken,
    /// What the layers and extractors below say.
    Other(StatusCode),
}

#[derive(Template)]
#[template(path = "panel/problema.html")]
struct Page<'a> {
    title: &'a str,
    detail: &'a str,
}

impl Trouble {
    fn told(&self) -> (StatusCode, &'static str, &str) {
        match self {
            Self::Unknown => (
                StatusCode::NOT_FOUND,
                "No existe",
                "Esta página no existe, o lo que buscas ya no está. Vuelve al inicio y búscalo desde ahí.",
            ),
            Self::Refused(detail) => (StatusCode::UNPROCESSABLE_ENTITY, "No se pudo hacer", detail),
            Self::Away => (
                StatusCode::SERVICE_UNAVAILABLE,
                "La base de datos no contesta",
                "No se perdió nada: los avisos de los proveedores se repiten solos. Recarga la página en unos segundos; \
                 si sigue así, ejecuta onlycar doctor.",
            ),
            Self::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Algo falló aquí",
                "Es un error del programa y quedó en el registro. Recarga la página; si se repite, avisa a quien lo \
                 mantiene con la hora en que pasó.",
            ),
            Self::Other(StatusCode::TOO_MANY_REQUESTS) => (
                StatusCode::TOO_MANY_REQUESTS,
                "Demasiadas peticiones",
                "Espera unos segundos y recarga la página.",
            ),
            Self::Other(status) => (
                *status,
                "No se puede",
                "La petición no viene de una página del panel, o tu usuario no puede hacer esto. Ábrelo de nuevo e \
                 inténtalo desde ahí.",
            ),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, title, detail) = self.told();
        with_status(status, &Page { title, detail }).unwrap_or_else(|_| status.into_response())
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        match problem.status() {
            StatusCode::NOT_FOUND => Self::Unknown,
            StatusCode::SERVICE_UNAVAILABLE => Self::Away,
            status => Self::Other(status),
        }
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        tracing::warn!(%error, "a page of the panel could not be read from the database");
        Self::Away
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        tracing::warn!(%failure, "the panel could not do it");
        Self::Away
    }
}

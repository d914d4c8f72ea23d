//! `GET /api/documents/{facturas|contratos}/{id}/url`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::kind::{Format, Kind};
use super::link::{Asked, Links, NoLink};
use crate::access::User;
use crate::tools::extract::{QueryParams, id_of};
use crate::tools::problem::{FieldError, Problem};

/// Qué archivo.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// De una factura: `pdf`, `xml` o `acuse` (de cancelación). De un contrato: `pdf`, `xml` y, para administración,
    /// `original` o `evidencia`. Si no se dice, `pdf`.
    #[param(example = "pdf")]
    format: Option<String>,
}

/// Un enlace a un solo archivo. Quien lo tenga puede descargarlo hasta que venza: no lo guardes ni lo reenvíes.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentLink)]
pub struct Answer {
    /// De dónde se descarga.
    url: String,
    /// Hasta cuándo sirve: 10 minutos como máximo.
    expires_at: DateTime<Utc>,
}

/// Nothing on the way may keep a link.
const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// Un enlace para descargar un documento.
///
/// Un cliente ve sus facturas y sus contratos; un operador, las facturas de los servicios que tiene asignados;
/// administración, todo. Lo que no existe y lo que tu usuario no puede ver se contestan igual. Cada enlace queda en la
/// bitácora.
#[utoipa::path(
    get,
    path = "/api/documents/{tipo}/{id}/url",
    tag = "documentos",
    security(("supabase" = [])),
    params(
        ("tipo" = String, Path, description = "`facturas` o `contratos`", example = "facturas"),
        ("id" = uuid::Uuid, Path, description = "La factura (o su UUID del SAT), el documento firmado, o su contrato"),
        Query,
    ),
    responses(
        (status = 200, description = "El enlace", body = Answer),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "El usuario no tiene ningún rol", body = Problem),
        (status = 404, description = "No existe, no es de este usuario, o el archivo no está todavía", body = Problem),
        (status = 422, description = "No hay tal formato; `errors` dice cuáles hay", body = Problem),
        (status = 503, description = "La base de datos o el almacén no está; ver Retry-After", body = Problem),
    )
)]
pub async fn url(
    user: User,
    State(links): State<Links>,
    path: Result<Path<(String, String)>, PathRejection>,
    QueryParams(query): QueryParams<Query>,
) -> ([(HeaderName, HeaderValue); 1], Result<Json<Answer>, Problem>) {
    (NO_STORE, answer(user, &links, path, &query).await)
}

async fn answer(
    user: User,
    links: &Links,
    path: Result<Path<(String, String)>, PathRejection>,
    query: &Query,
) -> Result<Json<Answer>, Problem> {
    let Path((kind, id)) = path.map_err(|_| Problem::unknown())?;
    let kind = Kind::of_path(&kind).ok_or_else(Problem::unknown)?;
    let format = format(kind, query)?;
    let id = id_of(&id).ok_or_else(Problem::unknown)?;
    let link = links.link(user, Asked { kind, id, format }).await;
    let outcome = link.as_ref().err().map_or("given", NoLink::outcome);
    metrics::counter!("document_links_total", "role" => user.role(), "outcome" => outcome).increment(1);
    let link = link?;
    Ok(Json(Answer {
        url: link.url,
        expires_at: link.expires_at,
    }))
}

fn format(kind: Kind, query: &Query) -> Result<Format, Problem> {
    let name = query.format.as_deref().unwrap_or(Format::Pdf.name());
    kind.format(name).ok_or_else(|| {
        let names: Vec<_> = kind.formats().iter().map(|format| format.name()).collect();
        let detail = format!("Debe ser uno de estos: {}.", names.join(", "));
        Problem::invalid(vec![FieldError::new("format", "valor-no-permitido", detail)])
    })
}

impl NoLink {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotThere(_) => "not_there",
            Self::Faulty => "faulty",
            Self::NoStore | Self::StoreAway(_) => "no_store",
            Self::Later(_) => "later",
        }
    }
}

impl From<NoLink> for Problem {
    fn from(why: NoLink) -> Self {
        let not_found = |detail| Self::new(StatusCode::NOT_FOUND, "no-encontrado", detail);
        match why {
            NoLink::Unknown => Self::unknown(),
            NoLink::NotThere(detail) => not_found(detail),
            NoLink::Faulty => not_found(
                "El archivo no se puede entregar en este momento. Ya avisamos al equipo para que lo revise.",
            ),
            NoLink::NoStore => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "almacen-no-configurado",
                "El almacén de documentos no está configurado (R2_*).",
            ),
            NoLink::StoreAway(error) => {
                tracing::error!(%error, "no link to a document was given");
                let detail = "El almacén de documentos no contesta. Inténtalo de nuevo en unos segundos.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "almacen-no-disponible", detail)
                    .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
            }
            NoLink::Later(failure) => failure.into(),
        }
    }
}

//! What handlers of the API take out of a request; what does not fit is answered with a problem.
//!
//! Let a handler ask for who calls first (`access`), then for these: who may not come in learns nothing about ids and
//! fields.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use uuid::Uuid;

use super::problem::{FieldError, Problem};

/// Bodies of the API are small forms; the largest is far below. Webhooks have a limit of their own.
pub const BODY_LIMIT: usize = 64 * 1024;

/// The JSON body. Fields that `T` does not know are ignored, so that a newer client can talk to an older server.
/// `LIMIT` is for the few that take more.
#[derive(Debug, Clone, Copy)]
pub struct JsonBody<T, const LIMIT: usize = BODY_LIMIT>(pub T);

impl<S, T, const LIMIT: usize> FromRequest<S> for JsonBody<T, LIMIT>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "tipo-no-soportado",
                "Manda los datos como JSON, con Content-Type: application/json y sin comprimir.",
            ));
        }
        let body = read(request.into_body(), LIMIT).await?;
        parse(&body).map(Self)
    }
}

/// One content type, JSON, as it stands: what is compressed could be far larger than the limit on bodies.
fn is_json(headers: &HeaderMap) -> bool {
    let compressed = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None, false) = (kinds.next(), kinds.next(), compressed) else {
        return false;
    };
    let essence = kind
        .as_bytes()
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    to_bytes(body, limit).await.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        if too_large {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "cuerpo-demasiado-grande",
                format!("Los datos pasan de {} KiB.", limit / 1024),
            )
        } else {
            let detail = "Los datos llegaron incompletos. Mándalos otra vez.";
            Problem::new(StatusCode::BAD_REQUEST, "cuerpo-incompleto", detail)
        }
    })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        problem(&path, error.inner())
    })?;
    json.end().map_err(|error| problem(".", &error))?;
    Ok(value)
}

fn problem(path: &str, error: &serde_json::Error) -> Problem {
    if error.classify() == Category::Data {
        return Problem::invalid(vec![field_error(path, &error.to_string())]);
    }
    let detail = "Los datos no son JSON bien formado. Revisa comillas, comas y llaves.";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "json-mal-formado", detail)
}

/// Says in Spanish what serde says in English. It gives no other way to tell its errors apart than their text; one that
/// is not known here gets the general words.
fn field_error(path: &str, message: &str) -> FieldError {
    let here = if path == "." { "" } else { path };
    let below = |name: &str| {
        if here.is_empty() {
            name.to_owned()
        } else {
            format!("{here}.{name}")
        }
    };
    if let Some(name) = quoted_after(message, "missing field `") {
        return FieldError::new(below(name), "falta", "Este dato es obligatorio.");
    }
    if let Some(name) = quoted_after(message, "duplicate field `") {
        return FieldError::new(below(name), "repetido", "Este dato viene dos veces.");
    }
    if message.starts_with("unknown variant `") {
        return FieldError::new(here, "valor-no-permitido", allowed(message));
    }
    if message.starts_with("invalid type: ") {
        return FieldError::new(here, "tipo-incorrecto", wanted(message));
    }
    FieldError::new(here, "valor-no-valido", "El valor no es válido.")
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split('`').next()
}

/// What serde lists after the last `expected` are names of ours; what stands before them is the caller's.
fn allowed(message: &str) -> String {
    let list = message.rsplit_once("`, expected ").map_or("", |(_, list)| list);
    let names: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    match names.as_slice() {
        [] => "El valor no es válido.".to_owned(),
        [one] => format!("Debe ser {one}."),
        several => format!("Debe ser uno de estos: {}.", several.join(", ")),
    }
}

fn wanted(message: &str) -> &'static str {
    let expected = message.rsplit_once(", expected ").map_or("", |(_, it)| it);
    let expected = expected.split(" at line ").next().unwrap_or_default();
    match expected {
        "a boolean" => "Debe ser true o false, sin comillas.",
        "a string" | "a borrowed string" => "Debe ser un texto entre comillas.",
        "a sequence" => "Debe ser una lista.",
        "a map" => "Debe ser un objeto.",
        it if it.starts_with("struct ") => "Debe ser un objeto.",
        "f32" | "f64" => "Debe ser un número, sin comillas.",
        it if INTEGERS.contains(&it) => "Debe ser un número entero, sin comillas.",
        _ => "El valor no es del tipo que se espera.",
    }
}

const INTEGERS: [&str; 8] = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"];

/// The id in the address, as in `/api/services/{id}`. What is no UUID names nothing: 404, as for one that does not exist.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<S, T> FromRequestParts<S> for PathId<T>
where
    S: Send + Sync,
    T: From<Uuid>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let text = text.map_err(|_| Problem::unknown())?;
        let id = id_of(&text).ok_or_else(Problem::unknown)?;
        Ok(Self(T::from(id)))
    }
}

/// The id that stands in an address. One row has one address: braces, `urn:uuid:` and other ways to write the same id are
/// none.
pub fn id_of(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

/// What stands after `?`. Let the fields of `T` be optional texts and judge them in the handler: there is no telling here
/// which one does not fit. Names that `T` does not know are ignored.
#[derive(Debug, Clone, Copy)]
pub struct QueryParams<T>(pub T);

impl<S, T> FromRequestParts<S> for QueryParams<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::try_from_uri(&parts.uri).map(|Query(values)| Self(values));
        query.map_err(|_| {
            let detail = "Lo que va después de ? no se entiende. Revisa que ningún filtro venga dos veces.";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "filtros-mal-formados", detail)
        })
    }
}

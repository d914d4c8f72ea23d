//! Where the link of the client's mail leads: it asks for a session, and says nothing of the contract.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

const PAGE: &str = "<!doctype html>\n<html lang=\"es-MX\">\n<head>\n  <meta charset=\"utf-8\">\n  \
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n  \
    <meta name=\"color-scheme\" content=\"light dark\">\n  <meta name=\"robots\" content=\"noindex\">\n  \
    <title>OnlyCar: inicia sesión</title>\n</head>\n<body>\n  <main>\n    <h1>Inicia sesión</h1>\n    \
    <p>Para ver tu contrato, entra con tu cuenta de OnlyCar.</p>\n    \
    <p>¿No tienes cuenta, o no lo encuentras? Responde al correo que recibiste y te ayudamos.</p>\n  </main>\n</body>\n</html>\n";

/// The same for every address: whether there is such a contract is not told.
pub async fn signed_contract() -> Response {
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (StatusCode::UNAUTHORIZED, [no_store], Html(PAGE)).into_response()
}

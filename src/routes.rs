//! Every URL on one page.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use axum::{Extension, Json, Router, middleware};
use serde::Serialize;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::access::session;
use crate::app::Shared;
use crate::contracts::{list, page, sending};
use crate::documents::endpoint;
use crate::engine::receive::{Bodies, Door, receive};
use crate::engine::source::Source;
use crate::ground::config;
use crate::panel;
use crate::panel::api::{alerts, events, metrics as figures};
use crate::payments::counter;
use crate::tools::limits::{self, Group, Limits};
use crate::tools::problem::Problem;
use crate::tools::{db, layers};

/// Title and texts of the OpenAPI document; the paths come from the handlers themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "OnlyCar Integraciones",
        description = "Recibe los avisos de Stripe, Gigstack y Mifiel y convierte cada uno en sus efectos, una sola vez. \
                       Los importes de Stripe van en centavos; las fechas, en UTC (ISO 8601). A quien pide demasiado se le \
                       contesta 429 `demasiadas-peticiones`, con los segundos que debe esperar en Retry-After."
    ),
    paths(stripe_webhook, gigstack_webhook, mifiel_webhook),
    modifiers(&Bearer)
)]
struct Document;

/// Handlers that ask for somebody of `access` name it: `security(("supabase" = []))`.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.bearer_format = Some("JWT".to_owned());
        scheme.description = Some("El access_token de la sesión de Supabase Auth.".to_owned());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("supabase", SecurityScheme::Http(scheme));
    }
}

/// All routes, without the layers that they have in common.
pub fn all(
    shared: Shared,
    webhooks: Vec<(&'static str, Arc<dyn Source>)>,
    limits: Limits,
    settings: &config::Http,
) -> Router {
    let bodies = Arc::new(Bodies::new(settings));
    let (documented, document) = documented().split_for_parts();
    let mut doors = Router::new();
    for (path, source) in webhooks {
        let door = Door::new(&shared.engine, source, &bodies, &limits);
        doors = doors.route(path, post(receive).with_state(door));
    }
    let docs = layers::around_docs(SwaggerUi::new("/docs").url("/api/openapi.json", document).into());
    doors
        .route("/documentos/contratos/{id}", public(get(page::signed_contract)))
        .merge(panel::routes().with_state(shared.clone()))
        .merge(documented.with_state(shared))
        .merge(docs.layer(middleware::from_fn_with_state(Group::Public, limits::enter)))
        .fallback_service(public(any(Problem::not_found)))
        .layer(Extension(limits))
}

/// For everybody, with the limit of that.
fn public(route: MethodRouter) -> MethodRouter {
    route.layer(middleware::from_fn_with_state(Group::Public, limits::enter))
}

/// The OpenAPI document, as `onlycar openapi` prints it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

fn documented() -> OpenApiRouter<Shared> {
    Documented(OpenApiRouter::with_openapi(Document::openapi()))
        .of_the_platform(routes!(healthz))
        .of_the_platform(routes!(readyz))
        .of_the_platform(routes!(metrics))
        .limited(Group::Reads, routes!(counter::services))
        .limited(Group::Reads, routes!(counter::service))
        .limited(Group::Writes, routes!(counter::confirm))
        .limited(Group::Reads, routes!(list::contracts))
        .limited(Group::Writes, routes!(sending::send))
        .limited(Group::Admin, routes!(session::open, session::close))
        .limited(Group::Links, routes!(endpoint::url))
        .limited(Group::Admin, routes!(events::events))
        .limited(Group::Admin, routes!(events::event))
        .limited(Group::Admin, routes!(events::again))
        .limited(Group::Admin, routes!(figures::metrics))
        .limited(Group::Admin, routes!(alerts::list))
        .limited(Group::Admin, routes!(alerts::acknowledge))
        .0
}

/// URLs with their OpenAPI description. None gets in without its group of `[limits]`.
struct Documented(OpenApiRouter<Shared>);

impl Documented {
    fn limited(self, group: Group, route: UtoipaMethodRouter<Shared>) -> Self {
        let route = route.layer(middleware::from_fn_with_state(group, limits::enter));
        Self(self.0.routes(route))
    }

    /// Asked by the machine that runs us, as often as it likes.
    fn of_the_platform(self, route: UtoipaMethodRouter<Shared>) -> Self {
        Self(self.0.routes(route))
    }
}

/// What a webhook's sender is told.
#[derive(Serialize, ToSchema)]
#[allow(dead_code)] // describes the answer; engine::receive writes its bytes
struct Received {
    received: bool,
    /// Present and true when the same event had come before.
    duplicate: Option<bool>,
}

/// Recibe un evento de Stripe. Se contesta 200 sólo después de guardarlo; el efecto llega segundos más tarde.
#[utoipa::path(
    post,
    path = "/api/webhooks/stripe",
    tag = "webhooks",
    params(("Stripe-Signature" = String, Header, description = "t=<segundos Unix>,v1=<HMAC-SHA256 en hexadecimal>")),
    request_body(content = serde_json::Value, description = "El evento tal como Stripe lo envía, 1 MiB como máximo"),
    responses(
        (status = 200, description = "Guardado, o ya se tenía", body = Received),
        (status = 400, description = "Firma ausente, incorrecta o vieja, o no es un evento: `Webhook Error: <razón>`"),
        (status = 413, description = "Más de 1 MiB"),
        (status = 429, description = "Demasiados a la vez; ver Retry-After"),
        (status = 503, description = "La base de datos no está; ver Retry-After"),
    )
)]
#[allow(dead_code)] // carries the documentation of engine::receive, which serves every provider
fn stripe_webhook() {}

/// Recibe un aviso de Gigstack. `aviso` es `invoice-created`, `cfdi-created`, `self-invoice-completed` o
/// `invoice-cancelled`; el cuerpo puede nombrar además el evento propio de Gigstack. El aviso es sólo una pista: nada
/// cambia hasta que la API de Gigstack lo confirma. Se guarda sin los datos fiscales del receptor.
#[utoipa::path(
    post,
    path = "/api/webhooks/gigstack/{aviso}",
    tag = "webhooks",
    params(
        ("aviso" = String, Path, description = "Uno de los cuatro avisos"),
        ("webhook-id" = Option<String>, Header, description = "Standard Webhooks, con `webhook-timestamp` y `webhook-signature`"),
        ("X-Gigstack-Signature" = Option<String>, Header, description = "O bien: HMAC-SHA256 del cuerpo, en hexadecimal"),
    ),
    request_body(content = serde_json::Value, description = "El aviso tal como Gigstack lo envía, 1 MiB como máximo"),
    responses(
        (status = 200, description = "Guardado, o ya se tenía", body = Received),
        (status = 400, description = "Firma ausente, incorrecta o vieja, o no es un aviso: `Webhook Error: <razón>`"),
        (status = 413, description = "Más de 1 MiB"),
        (status = 429, description = "Demasiados a la vez; ver Retry-After"),
        (status = 503, description = "La base de datos no está; ver Retry-After"),
    )
)]
#[allow(dead_code)] // as above
fn gigstack_webhook() {}

/// Recibe un aviso de Mifiel: `{event, data}` de una suscripción de la cuenta, `document.signed` o `document.rejected`, o
/// el documento mismo. El aviso es sólo una pista: nada cambia hasta que la API de Mifiel lo confirma.
#[utoipa::path(
    post,
    path = "/api/webhooks/mifiel",
    tag = "webhooks",
    params(
        ("token" = Option<String>, Query, description = "El de MIFIEL_WEBHOOK_URL"),
        ("X-Mifiel-Signature" = Option<String>, Header, description = "O bien: HMAC-SHA256 del cuerpo, en hexadecimal"),
    ),
    request_body(content = serde_json::Value, description = "El aviso tal como Mifiel lo envía, 1 MiB como máximo"),
    responses(
        (status = 200, description = "Guardado, o ya se tenía", body = Received),
        (status = 400, description = "Sin token ni firma válidos, o no es un aviso: `Webhook Error: <razón>`"),
        (status = 413, description = "Más de 1 MiB"),
        (status = 429, description = "Demasiados a la vez; ver Retry-After"),
        (status = 503, description = "La base de datos no está; ver Retry-After"),
    )
)]
#[allow(dead_code)] // as above
fn mifiel_webhook() {}

/// El proceso vive.
#[utoipa::path(get, path = "/healthz", tag = "plataforma", responses((status = 200, description = "ok")))]
async fn healthz() -> &'static str {
    "ok"
}

/// How ready the service is.
#[derive(Serialize, ToSchema)]
struct Ready {
    /// Events that wait for a worker, up to 10,000.
    waiting: i64,
    /// How long the oldest of them has been due, in seconds.
    oldest_seconds: i64,
}

/// Puede trabajar: la base de datos contesta y tiene todas las migraciones; dice además cuánto espera en la cola.
#[utoipa::path(get, path = "/readyz", tag = "plataforma",
    responses((status = 200, body = Ready), (status = 503, body = Problem)))]
async fn readyz(State(shared): State<Shared>) -> Result<Json<Ready>, Problem> {
    let away = |_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "base-no-disponible",
            "La base de datos no contesta.",
        )
    };
    let pending = db::pending(&shared.engine.pool).await.map_err(away)?;
    if !pending.is_empty() {
        let detail = "Faltan migraciones: ejecuta onlycar migrate.";
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "faltan-migraciones",
            detail,
        ));
    }
    let (waiting, oldest_seconds) = shared.engine.backlog().await.map_err(away)?;
    Ok(Json(Ready {
        waiting,
        oldest_seconds,
    }))
}

/// Métricas en el formato de texto de Prometheus. Donde METRICS_TOKEN está puesto, sólo con él.
#[utoipa::path(get, path = "/metrics", tag = "plataforma", responses(
    (status = 200, description = "texto de Prometheus"),
    (status = 401, description = "Falta METRICS_TOKEN en `Authorization: Bearer`, o es otro", body = Problem),
))]
async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let Some(text) = shared.metrics.render(&headers) else {
        let detail = "Las métricas piden METRICS_TOKEN: Authorization: Bearer …";
        return Problem::new(StatusCode::UNAUTHORIZED, "sin-acceso-a-metricas", detail).into_response();
    };
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

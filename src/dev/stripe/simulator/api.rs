//! The part of Stripe's API that our client uses.

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

use super::Simulator;
use super::answers::{Refused, answer, page};
use super::query::Query;

/// Stripe's path of each family, and the name its objects bear.
const FAMILIES: [(&str, &str); 11] = [
    ("payment_intents", "payment_intent"),
    ("charges", "charge"),
    ("refunds", "refund"),
    ("disputes", "dispute"),
    ("customers", "customer"),
    ("payment_methods", "payment_method"),
    ("subscriptions", "subscription"),
    ("invoices", "invoice"),
    ("invoice_payments", "invoice_payment"),
    ("checkout/sessions", "checkout.session"),
    ("webhook_endpoints", "webhook_endpoint"),
];

/// Stripe's own limit on `types[]`.
const TYPES_AT_ONCE: usize = 20;

pub(super) fn router(simulator: &Simulator) -> Router {
    let mut router = Router::new()
        .route("/v1/events", get(events))
        .route("/v1/events/{id}", get(event))
        .route("/v1/invoice_payments", get(invoice_payments))
        .route("/v1/checkout/sessions", get(checkout_sessions))
        .route("/v1/webhook_endpoints", get(webhook_endpoints));
    for (family, kind) in FAMILIES {
        let one = async move |State(simulator): State<Simulator>, Path(id): Path<String>| {
            one(&simulator, kind, &id)
        };
        router = router.route(&format!("/v1/{family}/{{id}}"), get(one));
    }
    router
        .fallback(unknown)
        .layer(from_fn_with_state(simulator.clone(), door))
        .with_state(simulator.clone())
}

/// Notes the question, checks the key, and lets a fault happen that was asked for.
async fn door(State(simulator): State<Simulator>, request: Request, next: Next) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    simulator.state().asked.push(path.clone());
    let fault = simulator.0.faults.meet(&path, ());
    let right = key(request.headers()) == Some(simulator.0.key.as_str());
    let answer = async {
        if right {
            next.run(request).await
        } else {
            let message = "Invalid API Key provided: sk_test_********";
            Refused::new(StatusCode::UNAUTHORIZED, "", message).into_response()
        }
    };
    match fault {
        Some(plan) => plan.around(answer).await,
        None => answer.await,
    }
}

fn key(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

async fn unknown(uri: Uri) -> Refused {
    let message = format!("Unrecognized request URL (GET: {}).", uri.path());
    Refused::new(StatusCode::NOT_FOUND, "", message)
}

fn one(simulator: &Simulator, kind: &str, id: &str) -> Result<Response, Refused> {
    let state = simulator.state();
    match state.object(id).filter(|object| object["object"] == kind) {
        Some(object) => Ok(answer(StatusCode::OK, object)),
        None => Err(Refused::missing(StatusCode::NOT_FOUND, kind, id).because_of("id")),
    }
}

async fn event(State(simulator): State<Simulator>, Path(id): Path<String>) -> Result<Response, Refused> {
    let state = simulator.state();
    match state.event(&id) {
        Some(event) => Ok(answer(StatusCode::OK, &state.render(event, state.version))),
        None => Err(Refused::missing(StatusCode::NOT_FOUND, "event", &id).because_of("id")),
    }
}

async fn events(State(simulator): State<Simulator>, RawQuery(raw): RawQuery) -> Result<Response, Refused> {
    let known = [
        "types",
        "type",
        "created[gte]",
        "created[gt]",
        "created[lte]",
        "created[lt]",
        "delivery_success",
    ];
    let query = Query::read(raw.as_deref(), &known)?;
    if query.all("types").count() > TYPES_AT_ONCE {
        let message = "Invalid array: a maximum of 20 types may be given";
        return Err(Refused::new(StatusCode::BAD_REQUEST, "", message).because_of("types"));
    }
    let state = simulator.state();
    let wanted = state.events().into_iter().filter(|event| query.wants(event));
    let rendered: Vec<Value> = wanted.map(|event| state.render(event, state.version)).collect();
    page("/v1/events", &rendered.iter().collect::<Vec<_>>(), &query)
}

async fn invoice_payments(
    State(simulator): State<Simulator>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Refused> {
    let filters = [
        ("invoice", "/invoice"),
        ("payment[type]", "/payment/type"),
        ("payment[payment_intent]", "/payment/payment_intent"),
        ("status", "/status"),
    ];
    list(&simulator, raw.as_deref(), "invoice_payments", &filters)
}

async fn checkout_sessions(
    State(simulator): State<Simulator>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Refused> {
    let filters = [
        ("payment_intent", "/payment_intent"),
        ("subscription", "/subscription"),
        ("customer", "/customer"),
    ];
    list(&simulator, raw.as_deref(), "checkout/sessions", &filters)
}

async fn webhook_endpoints(
    State(simulator): State<Simulator>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Refused> {
    list(&simulator, raw.as_deref(), "webhook_endpoints", &[])
}

/// A list whose filters each name the field that must be equal.
fn list(
    simulator: &Simulator,
    raw: Option<&str>,
    family: &str,
    filters: &[(&str, &str)],
) -> Result<Response, Refused> {
    let known: Vec<&str> = filters.iter().map(|(name, _)| *name).collect();
    let query = Query::read(raw, &known)?;
    let fits = |object: &&Value| {
        filters.iter().all(|(name, path)| {
            query
                .one(name)
                .is_none_or(|wanted| object.pointer(path).and_then(Value::as_str) == Some(wanted))
        })
    };
    let kind = FAMILIES
        .iter()
        .find(|(path, _)| *path == family)
        .map_or("", |(_, kind)| kind);
    let state = simulator.state();
    let found: Vec<&Value> = state.objects(kind).into_iter().filter(fits).collect();
    page(&format!("/v1/{family}"), &found, &query)
}

//! The part of Cloudflare's API that our client uses, and reading a key, below `/client/v4`.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answers::{Refused, done};
use super::d1::Query;
use super::faults::At;
use super::kv::Pair;
use super::{Asked, Cloudflare};

/// The largest question there is.
const LARGEST: usize = 100 * 1024 * 1024;

pub(super) fn router(cloudflare: &Cloudflare) -> Router {
    let d1 = "/client/v4/accounts/{account}/d1/database/{database}/query";
    let kv = "/client/v4/accounts/{account}/storage/kv/namespaces/{namespace}";
    Router::new()
        .route(d1, post(query))
        .route(
            "/client/v4/accounts/{account}/d1/database/{database}",
            get(database),
        )
        .route(kv, get(namespace))
        .route(&format!("{kv}/bulk"), put(set))
        .route(&format!("{kv}/bulk/delete"), post(remove))
        .route(&format!("{kv}/values/{{key}}"), get(value))
        .fallback(unknown)
        .layer(from_fn_with_state(cloudflare.clone(), door))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(cloudflare.clone())
}

/// Notes the question, checks who asks and how often, and lets a fault happen that was asked for.
async fn door(State(cloudflare): State<Cloudflare>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return Refused::new(StatusCode::PAYLOAD_TOO_LARGE, 10413, "too large").into_response();
    };
    let counted = {
        let mut state = cloudflare.state();
        state.asked.push(Asked {
            line: format!("{} {path}", head.method),
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        state.window.count(cloudflare.0.clock.now())
    };
    if let Err(seconds) = counted {
        return Refused::too_many(seconds).into_response();
    }
    let fault = cloudflare.0.faults.meet(&path, At::Door);
    let answer = async {
        if !knows_token(&cloudflare, &head.headers) {
            return Refused::token().into_response();
        }
        next.run(Request::from_parts(head, Body::from(body))).await
    };
    match fault {
        Some(plan) => plan.around(answer).await,
        None => answer.await,
    }
}

fn knows_token(cloudflare: &Cloudflare, headers: &HeaderMap) -> bool {
    let expected = format!("Bearer {}", cloudflare.0.account.token);
    let given = headers.get(header::AUTHORIZATION);
    given.is_some_and(|given| given.as_bytes() == expected.as_bytes())
}

async fn unknown(uri: Uri) -> Refused {
    Refused::new(
        StatusCode::NOT_FOUND,
        7000,
        format!("No route for {}", uri.path()),
    )
}

/// That there is such a database.
async fn database(
    State(cloudflare): State<Cloudflare>,
    Path((account, database)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let known = &cloudflare.0.account;
    if account != known.id || database != known.database {
        let said = "The database could not be found";
        return Err(Refused::new(StatusCode::NOT_FOUND, 7404, said));
    }
    Ok(done(&json!({ "uuid": database })))
}

/// That there is such a namespace.
async fn namespace(
    State(cloudflare): State<Cloudflare>,
    Path((account, namespace)): Path<(String, String)>,
) -> Result<Response, Refused> {
    is_ours(&cloudflare, &account, &namespace)?;
    Ok(done(&json!({ "id": namespace })))
}

async fn query(
    State(cloudflare): State<Cloudflare>,
    Path((account, database)): Path<(String, String)>,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Refused> {
    let known = &cloudflare.0.account;
    if account != known.id || database != known.database {
        return Err(Refused::new(
            StatusCode::NOT_FOUND,
            7404,
            "The database could not be found",
        ));
    }
    let query: Query = read(&body)?;
    if cloudflare.0.faults.meet(uri.path(), At::Parts).is_some() {
        return Ok(done(&json!([{ "success": false, "results": [], "meta": {} }])));
    }
    let result = cloudflare.state().d1.query(query)?;
    Ok(done(&result))
}

async fn set(
    State(cloudflare): State<Cloudflare>,
    Path((account, namespace)): Path<(String, String)>,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Refused> {
    is_ours(&cloudflare, &account, &namespace)?;
    if cloudflare.0.faults.meet(uri.path(), At::Parts).is_some() {
        let pairs: Vec<Value> = read(&body)?;
        let keys: Vec<&Value> = pairs.iter().filter_map(|pair| pair.get("key")).collect();
        return Ok(done(
            &json!({ "successful_key_count": 0, "unsuccessful_keys": keys }),
        ));
    }
    let pairs: Vec<Pair> = read(&body)?;
    let now = cloudflare.0.clock.now();
    let result = cloudflare.state().kv.put(pairs, now)?;
    Ok(done(&result))
}

async fn remove(
    State(cloudflare): State<Cloudflare>,
    Path((account, namespace)): Path<(String, String)>,
    Json(keys): Json<Vec<String>>,
) -> Result<Response, Refused> {
    is_ours(&cloudflare, &account, &namespace)?;
    let now = cloudflare.0.clock.now();
    let result = cloudflare.state().kv.delete(keys, now)?;
    Ok(done(&result))
}

async fn value(
    State(cloudflare): State<Cloudflare>,
    Path((account, namespace, key)): Path<(String, String, String)>,
) -> Result<String, Refused> {
    is_ours(&cloudflare, &account, &namespace)?;
    let now = cloudflare.0.clock.now();
    let value = cloudflare.state().kv.get(&key, now);
    value.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, 10009, "get: 'key not found'"))
}

fn is_ours(cloudflare: &Cloudflare, account: &str, namespace: &str) -> Result<(), Refused> {
    let known = &cloudflare.0.account;
    if account == known.id && namespace == known.namespace {
        return Ok(());
    }
    Err(Refused::new(StatusCode::NOT_FOUND, 10013, "namespace not found"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let read = serde_json::from_slice(body);
    read.map_err(|_| Refused::new(StatusCode::BAD_REQUEST, 7400, "The request body is not right"))
}

//! The part of Gigstack's API that our client uses: the customer's dialect (v1) and the vendor's own (v2), side by side.

mod body;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State as Team};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Gigstack;
use super::answers::{Refused, data};
use super::documents::{Kind, token};
use super::envelope::Event;
use super::faults::At;
use super::happenings::{receipt, stamp};
use super::order::Order;
use super::state::{Given, Invoice, State};
use body::Asked;

/// How many a page of a list holds, and at most.
const PAGE: usize = 100;

pub(super) fn router(gigstack: &Gigstack) -> Router {
    Router::new()
        .route("/v1/invoices/self-service", post(make_receipt))
        .route("/v1/invoices/public", post(make_public))
        .route("/v1/invoices", get(list))
        .route("/v1/invoices/{id}", get(invoice).delete(cancel))
        .route("/v1/invoices/{id}/pdf", get(pdf))
        .route("/v1/invoices/{id}/xml", get(xml))
        .route("/v1/invoices/{id}/acuse", get(acuse))
        .route("/v1/receipts/{id}", get(one_receipt).delete(withdraw))
        .route("/v2/receipts", post(make_receipt))
        .route("/v2/receipts/{id}", get(one_receipt).delete(withdraw))
        .route("/v2/invoices/income", post(make_income).get(list))
        .route("/v2/invoices/income/{id}", get(invoice))
        .route("/v2/invoices/{id}", delete(cancel))
        .route("/v2/invoices/{id}/files", get(files))
        .route("/v2/invoices/{id}/acuse", get(acuse))
        .fallback(unknown)
        .layer(from_fn_with_state(gigstack.clone(), door))
        .with_state(gigstack.clone())
}

/// Notes the question, checks the key, and lets a fault happen that was asked for.
async fn door(Team(gigstack): Team<Gigstack>, request: Request, next: Next) -> Response {
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str()).to_owned();
    let asked = format!("{} {path}", request.method());
    gigstack.state().asked.push(asked);
    let fault = gigstack.0.faults.meet(&path, At::Door);
    let right = token(request.headers()) == Some(gigstack.0.account.key.as_str());
    let answer = async {
        if right {
            next.run(request).await
        } else {
            Refused::token("The token is missing or not valid").into_response()
        }
    };
    match fault {
        Some(plan) => plan.around(answer).await,
        None => answer.await,
    }
}

async fn unknown(method: Method, uri: Uri) -> Refused {
    let message = format!("Cannot {method} {}", uri.path());
    Refused::new(StatusCode::NOT_FOUND, "route_not_found", message)
}

/// What a question that makes something leads to: the answer, and what is told of it.
type Made = (Value, Vec<(Event, String)>);

/// Answers once per idempotency key: the same question gets the same answer, another one is refused.
fn once(
    gigstack: &Gigstack,
    path: &str,
    headers: &HeaderMap,
    bytes: &Bytes,
    make: impl FnOnce(&mut State, &Asked) -> Result<Made, Refused>,
) -> Result<Response, Refused> {
    let no_json = |error| Refused::invalid(format!("The body is no JSON: {error}"));
    let json: Value = serde_json::from_slice(bytes).map_err(no_json)?;
    let asked = Asked::read(&json)?;
    let key = body::idempotency_key(headers, &asked)?;
    let key = key.map(|key| format!("{path} {key}"));
    let mut state = gigstack.state();
    if let Some(given) = key.as_ref().and_then(|key| state.given.get(key)) {
        if given.asked != json {
            let message = "The idempotency key was used for another request";
            return Err(Refused::new(
                StatusCode::CONFLICT,
                "idempotency_conflict",
                message,
            ));
        }
        let replayed = [("idempotent-replayed", "true")];
        return Ok((replayed, Json(given.answer.clone())).into_response());
    }
    let (answer, news) = make(&mut state, &asked)?;
    if let Some(key) = key {
        let answer = answer.clone();
        state.given.insert(key, Given { asked: json, answer });
    }
    drop(state);
    gigstack.announce(news);
    Ok(Json(answer).into_response())
}

async fn make_receipt(
    Team(gigstack): Team<Gigstack>,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Refused> {
    let now = gigstack.0.clock.now();
    let tell = gigstack.habits().tell_receipts;
    once(&gigstack, uri.path(), &headers, &bytes, |state, asked| {
        let receipt = receipt(state, asked.order(None)?, now);
        let answer = data(&gigstack.receipt_json(state, &receipt));
        let news = tell.then_some((Event::InvoiceCreated, receipt.id));
        Ok((answer, news.into_iter().collect()))
    })
}

async fn make_public(
    Team(gigstack): Team<Gigstack>,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Refused> {
    once(&gigstack, uri.path(), &headers, &bytes, |state, asked| {
        Ok(make_invoice(&gigstack, state, asked.global_order()?))
    })
}

/// With `global` an invoice for the public, else one for the `client` named.
async fn make_income(
    Team(gigstack): Team<Gigstack>,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Refused> {
    once(&gigstack, uri.path(), &headers, &bytes, |state, asked| {
        let order = if asked.is_global() {
            asked.global_order()?
        } else {
            asked.order(Some(asked.receiver()?))?
        };
        Ok(make_invoice(&gigstack, state, order))
    })
}

fn make_invoice(gigstack: &Gigstack, state: &mut State, order: Order) -> Made {
    let invoice = stamp(state, &gigstack.0.account, order, gigstack.0.clock.now());
    let answer = data(&gigstack.invoice_json(&invoice));
    (answer, vec![(Event::InvoiceCreated, invoice.id)])
}

fn found(gigstack: &Gigstack, id: &str) -> Result<Invoice, Refused> {
    gigstack.invoice(id).ok_or_else(|| Refused::missing("invoice"))
}

async fn invoice(Team(gigstack): Team<Gigstack>, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    let invoice = found(&gigstack, &id)?;
    Ok(Json(data(&gigstack.invoice_json(&invoice))))
}

async fn one_receipt(Team(gigstack): Team<Gigstack>, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    let state = gigstack.state();
    let receipt = state.receipt(&id).ok_or_else(|| Refused::missing("receipt"))?;
    Ok(Json(data(&gigstack.receipt_json(&state, receipt))))
}

async fn withdraw(Team(gigstack): Team<Gigstack>, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    if gigstack.state().receipt(&id).is_none() {
        return Err(Refused::missing("receipt"));
    }
    let conflict =
        |error: anyhow::Error| Refused::new(StatusCode::CONFLICT, "receipt_not_open", format!("{error:#}"));
    gigstack.withdraw(&id).map_err(conflict)?;
    Ok(Json(data(&json!({ "id": id, "status": "cancelled" }))))
}

fn file(gigstack: &Gigstack, uri: &Uri, id: &str, kind: Kind) -> Result<Response, Refused> {
    let invoice = found(gigstack, id)?;
    gigstack.file(uri.path(), &invoice, kind)
}

async fn pdf(Team(gigstack): Team<Gigstack>, uri: Uri, Path(id): Path<String>) -> Result<Response, Refused> {
    file(&gigstack, &uri, &id, Kind::Pdf)
}

async fn xml(Team(gigstack): Team<Gigstack>, uri: Uri, Path(id): Path<String>) -> Result<Response, Refused> {
    file(&gigstack, &uri, &id, Kind::Xml)
}

async fn acuse(
    Team(gigstack): Team<Gigstack>,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    file(&gigstack, &uri, &id, Kind::Acuse)
}

async fn files(
    Team(gigstack): Team<Gigstack>,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refused> {
    let invoice = found(&gigstack, &id)?;
    Ok(Json(data(&gigstack.files_json(uri.path(), &invoice)?)))
}

/// SAT's motives; 01 needs the UUID of the invoice that replaces it.
async fn cancel(
    Team(gigstack): Team<Gigstack>,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, Refused> {
    let id = found(&gigstack, &id)?.id;
    let asked: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let motive = asked.get("motive").and_then(Value::as_str).unwrap_or_default();
    match motive {
        "01" if asked.get("replacement").is_none_or(Value::is_null) => {
            return Err(Refused::invalid("The motive 01 needs a replacement"));
        }
        "01" | "02" | "03" | "04" => {}
        _ => return Err(Refused::invalid("The motive must be 01, 02, 03 or 04")),
    }
    let before = gigstack
        .invoice(&id)
        .is_some_and(|invoice| invoice.status == "cancelled");
    let cancelled = gigstack.cancel(&id, motive);
    let cancelled = cancelled.map_err(|error| Refused::invalid(format!("{error:#}")))?;
    if cancelled && !before {
        gigstack.announce(vec![(Event::InvoiceCancelled, id.clone())]);
    }
    Ok(Json(data(&gigstack.invoice_json(&found(&gigstack, &id)?))))
}

/// Invoices, the newest first.
async fn list(Team(gigstack): Team<Gigstack>, RawQuery(raw): RawQuery) -> Result<Json<Value>, Refused> {
    let mut after = None;
    let mut limit = PAGE;
    let mut cursor = None;
    for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
        let wrong = || Refused::invalid(format!("{name} is not right"));
        match &*name {
            "created_after" => after = Some(value.parse::<i64>().map_err(|_| wrong())?),
            "limit" => limit = value.parse::<usize>().map_err(|_| wrong())?.clamp(1, PAGE),
            "starting_after" => cursor = Some(value.into_owned()),
            _ => {}
        }
    }
    let invoices = gigstack.invoices();
    let listed = invoices.iter().rev();
    let mut listed: Vec<&Invoice> = listed
        .filter(|invoice| after.is_none_or(|after| invoice.created_at.timestamp() >= after))
        .collect();
    let total = listed.len();
    if let Some(cursor) = cursor {
        let place = listed.iter().position(|invoice| invoice.id == cursor);
        let place = place.ok_or_else(|| Refused::invalid("starting_after names no invoice of the list"))?;
        listed.drain(..=place);
    }
    let more = listed.len() > limit;
    listed.truncate(limit);
    let next = listed.last().filter(|_| more).map(|invoice| invoice.id.clone());
    let page: Vec<Value> = listed
        .iter()
        .map(|invoice| gigstack.invoice_json(invoice))
        .collect();
    Ok(Json(json!({
        "message": "OK", "data": page, "has_more": more, "next": next, "total_results": total,
    })))
}

//! The page where a signer signs a document, or says why not. It works without scripts.

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::Mifiel;
use super::answers::Refused;
use super::delivery::News;
use super::envelope::Event;
use super::files::Kind;
use super::state::{Document, Signer};
use crate::dev::simulator::page::{headers, page, style};

/// Why somebody does not sign, as Mifiel asks.
const REASONS: [&str; 6] = [
    "No tengo e.firma",
    "Tengo dudas sobre el documento",
    "El documento tiene un error",
    "No me corresponde firmarlo",
    "El RFC no es el mío",
    "Otro motivo",
];

pub(super) fn router(mifiel: &Mifiel) -> Router {
    Router::new()
        .route("/firmar.css", get(style))
        .route("/firmar/{widget}", get(show).post(submit))
        .route("/firmar/{widget}/documento", get(original))
        .route("/firmar/{widget}/firmado", get(signed))
        .with_state(mifiel.clone())
}

#[derive(Template)]
#[template(path = "dev/mifiel/sign.html")]
struct SignPage<'p> {
    document: &'p Document,
    signer: &'p Signer,
    owner: &'p str,
    reasons: &'p [&'p str],
    error: Option<&'p str>,
}

#[derive(Template)]
#[template(path = "dev/mifiel/done.html")]
struct DonePage<'p> {
    document: &'p Document,
    signer: &'p Signer,
    all: bool,
}

#[derive(Template)]
#[template(path = "dev/mifiel/closed.html")]
struct ClosedPage {
    why: &'static str,
}

async fn show(State(mifiel): State<Mifiel>, Path(widget): Path<String>) -> Response {
    match asked_for(&mifiel, &widget) {
        Ok((document, signer)) => form(&mifiel, &document, &signer, None),
        Err(closed) => *closed,
    }
}

/// The form's answer is a redirect to the page as it is then: reloading it sends nothing again.
async fn submit(State(mifiel): State<Mifiel>, Path(widget): Path<String>, body: Bytes) -> Response {
    let (document, signer) = match asked_for(&mifiel, &widget) {
        Ok(found) => found,
        Err(closed) => return *closed,
    };
    let field = |wanted: &str| {
        let mut fields = url::form_urlencoded::parse(&body);
        let found = fields.find(|(name, _)| name == wanted);
        found
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let acted = match field("accion").as_str() {
        "firmar" => mifiel
            .sign(&document.id, &widget)
            .map(|document| signed_news(document, &widget)),
        "rechazar" => {
            let reason = field("motivo");
            if !REASONS.contains(&reason.as_str()) {
                return form(&mifiel, &document, &signer, Some("Elija por qué no firma."));
            }
            let detail = field("detalle");
            let reason = if detail.is_empty() {
                reason
            } else {
                format!("{reason}: {detail}")
            };
            let rejected = mifiel.reject(&document.id, &widget, &reason);
            rejected.map(|document| vec![about(Event::SignerRejected, document, &widget)])
        }
        _ => return form(&mifiel, &document, &signer, Some("Elija si firma o rechaza.")),
    };
    // Whoever sends it twice at once signs once.
    if let Ok(news) = acted {
        mifiel.announce(&news);
    }
    (headers(), Redirect::to(&format!("/firmar/{widget}"))).into_response()
}

/// What a signature leads to: the last of all closes the document.
pub(super) fn signed_news(document: Document, signer: &str) -> Vec<News> {
    let closed = document.signed_at().is_some();
    let mut news = vec![about(Event::SignerCompleted, document.clone(), signer)];
    if closed {
        news.push(about(Event::DocumentClosed, document, signer));
    }
    news
}

fn about(event: Event, document: Document, signer: &str) -> News {
    News {
        event,
        signer: document.signer(signer).cloned(),
        document,
    }
}

async fn original(
    State(mifiel): State<Mifiel>,
    uri: Uri,
    Path(widget): Path<String>,
) -> Result<Response, Refused> {
    file(&mifiel, &uri, &widget, Kind::Original)
}

async fn signed(
    State(mifiel): State<Mifiel>,
    uri: Uri,
    Path(widget): Path<String>,
) -> Result<Response, Refused> {
    file(&mifiel, &uri, &widget, Kind::Signed)
}

fn file(mifiel: &Mifiel, uri: &Uri, widget: &str, kind: Kind) -> Result<Response, Refused> {
    let document = mifiel.state().document_of_page(widget).cloned();
    let document = document.ok_or_else(|| Refused::missing("Document"))?;
    mifiel.file(uri.path(), &document, kind)
}

/// The document and its signer, if it can be signed there; else the page that says why not.
fn asked_for(mifiel: &Mifiel, widget: &str) -> Result<(Document, Signer), Box<Response>> {
    let closed = |status, why| Err(Box::new(page(status, &ClosedPage { why })));
    let document = mifiel.state().document_of_page(widget).cloned();
    let found = document.and_then(|document| Some((document.signer(widget)?.clone(), document)));
    let Some((signer, document)) = found else {
        return closed(
            StatusCode::NOT_FOUND,
            "No encontramos este documento. Revise que la liga esté completa.",
        );
    };
    if document.deleted_at.is_some() {
        return closed(StatusCode::GONE, "Quien le envió este documento lo eliminó.");
    }
    if signer.signed_at.is_some() {
        let done = DonePage {
            all: document.signed_at().is_some(),
            document: &document,
            signer: &signer,
        };
        return Err(Box::new(page(StatusCode::OK, &done)));
    }
    if document.has_expired(mifiel.now()) {
        return closed(StatusCode::GONE, "El plazo para firmar este documento terminó.");
    }
    Ok((document, signer))
}

fn form(mifiel: &Mifiel, document: &Document, signer: &Signer, error: Option<&str>) -> Response {
    let form = SignPage {
        document,
        signer,
        owner: &mifiel.0.account.owner,
        reasons: &REASONS,
        error,
    };
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    page(status, &form)
}

//! What the buttons do. Each leaves an audit row that names who pressed it, and leads back to the page it was on.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::event::NO_PAYLOAD;
use super::page::{Trouble, Viewer};
use crate::access::User;
use crate::documents::{Asked, Kind, Links};
use crate::engine::{Engine, by_hand, replay};
use crate::tools::extract::id_of;
use crate::tools::problem::Problem;

/// The shortest and the longest reason that says something.
const REASON: std::ops::RangeInclusive<usize> = 5..=300;

/// Why an event is let be.
#[derive(Deserialize)]
pub(super) struct Reason {
    motivo: String,
}

/// Where the button was.
#[derive(Deserialize)]
pub(super) struct From {
    evento: Option<Uuid>,
}

fn id(text: &str) -> Result<Uuid, Trouble> {
    id_of(text).ok_or(Trouble::Unknown)
}

/// Puts an event back into the queue.
pub(super) async fn replay(
    Viewer(admin): Viewer,
    State(engine): State<Arc<Engine>>,
    Path(event): Path<String>,
) -> Result<Response, Trouble> {
    let event = id(&event)?;
    let put_back = replay::put_back(&engine, &admin.unit(), &[event]).await?;
    if put_back.is_empty() {
        return Err(not_replayed(&engine, event).await?);
    }
    Ok(Redirect::to(&format!("/panel/eventos/{event}?hecho=reprocesar")).into_response())
}

async fn not_replayed(engine: &Engine, event: Uuid) -> Result<Trouble, Trouble> {
    let standing = replay::standing(&engine.pool, &[event]).await?;
    Ok(match standing.first() {
        None => Trouble::Unknown,
        Some(event) if !event.payload_kept => Trouble::Refused(NO_PAYLOAD.to_owned()),
        Some(_) => Trouble::Refused(
            "Este evento no ha terminado: un trabajador lo tiene o lo intentará solo. Espera y recarga su página."
                .to_owned(),
        ),
    })
}

/// Lets an event be.
pub(super) async fn ignore(
    Viewer(admin): Viewer,
    State(engine): State<Arc<Engine>>,
    Path(event): Path<String>,
    reason: Result<Form<Reason>, FormRejection>,
) -> Result<Response, Trouble> {
    let event = id(&event)?;
    let reason = reason.map(|Form(reason)| reason.motivo.trim().replace('\0', ""));
    let reason = reason
        .ok()
        .filter(|reason| REASON.contains(&reason.chars().count()));
    let reason = reason.ok_or_else(|| {
        Trouble::Refused("Escribe por qué se ignora, de 5 a 300 letras: queda en la bitácora.".to_owned())
    })?;
    if !by_hand::ignore(&engine, admin.unit(), event, &reason).await? {
        return Err(Trouble::Refused(
            "Sólo se ignora lo que está apartado, muerto o fallando. Recarga la página del evento."
                .to_owned(),
        ));
    }
    Ok(Redirect::to(&format!("/panel/eventos/{event}?hecho=ignorar")).into_response())
}

/// Tries a job again, now.
pub(super) async fn retry(
    Viewer(admin): Viewer,
    State(engine): State<Arc<Engine>>,
    Path(job): Path<String>,
    from: Result<Form<From>, FormRejection>,
) -> Result<Response, Trouble> {
    let job = id(&job)?;
    if !by_hand::retry_job(&engine, admin.unit(), job).await? {
        return Err(Trouble::Refused(
            "Sólo se reintenta lo que está apartado, muerto o fallando. Recarga la página.".to_owned(),
        ));
    }
    let event = from.ok().and_then(|Form(from)| from.evento);
    let back = event.map_or_else(
        || format!("/panel/trabajos/{job}?hecho=reintentar"),
        |event| format!("/panel/eventos/{event}?hecho=reintentar"),
    );
    Ok(Redirect::to(&back).into_response())
}

/// Leads to a file, by a link for a few minutes; that it was asked for is written down first.
pub(super) async fn document(
    Viewer(admin): Viewer,
    State(links): State<Links>,
    Path((kind, document, part)): Path<(String, String, String)>,
) -> Result<Response, Trouble> {
    let kind = Kind::of_path(&kind).ok_or(Trouble::Unknown)?;
    let format = kind.format(&part).ok_or(Trouble::Unknown)?;
    let asked = Asked {
        kind,
        id: id(&document)?,
        format,
    };
    let link = links
        .link(User::Admin(admin), asked)
        .await
        .map_err(Problem::from)?;
    Ok(Redirect::to(&link.url).into_response())
}

//! One incident: what happened, why, what to do, and who sees to it.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::page::{self, Trouble, Viewer};
use super::shell::Shell;
use super::words;
use crate::access::Admin;
use crate::engine::work::Work;
use crate::engine::{Engine, Failure};
use crate::notifications::alerts::{self, Alert, LONGEST_NOTE, Seen, State as Standing};
use crate::notifications::incidents::Kind;
use crate::tools::extract::id_of;

#[derive(Template)]
#[template(path = "panel/alerta.html")]
struct Page {
    shell: Shell,
    alert: Alert,
    kind: Option<&'static Kind>,
}

impl Page {
    fn is(&self, word: &str) -> bool {
        self.alert.state().word() == word
    }

    fn tone(&self) -> &'static str {
        match self.alert.state() {
            Standing::Open => "bad",
            Standing::Acknowledged => "warn",
            Standing::Resolved => "good",
        }
    }
}

/// What is noted with it.
#[derive(Deserialize)]
pub(super) struct Note {
    nota: Option<String>,
}

/// The incident's page.
pub(super) async fn show(
    _viewer: Viewer,
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let id = id_of(&id).ok_or(Trouble::Unknown)?;
    let alert = alerts::one(&engine.pool, id).await?.ok_or(Trouble::Unknown)?;
    page::page(&Page {
        shell: Shell::around("/panel/alertas", &engine.pool).await?,
        kind: Kind::of(alert.cause.trim_start_matches(alerts::DRILL)),
        alert,
    })
}

/// Somebody sees to it.
pub(super) async fn acknowledge(
    Viewer(admin): Viewer,
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    note: Result<Form<Note>, FormRejection>,
) -> Result<Response, Trouble> {
    noted(&engine, admin, &id, note, alerts::acknowledge).await
}

/// Somebody says that it is over.
pub(super) async fn close(
    Viewer(admin): Viewer,
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    note: Result<Form<Note>, FormRejection>,
) -> Result<Response, Trouble> {
    noted(&engine, admin, &id, note, alerts::close).await
}

/// Writes down what somebody does about it, and shows it again.
async fn noted(
    engine: &Engine,
    admin: Admin,
    id: &str,
    note: Result<Form<Note>, FormRejection>,
    what: impl AsyncFnOnce(&mut Work, Uuid, Option<&str>) -> Result<Seen, Failure>,
) -> Result<Response, Trouble> {
    let (id, note) = read(id, note)?;
    let mut work = engine.begin(admin.unit()).await?;
    match what(&mut work, id, note.as_deref()).await? {
        Seen::Noted => {}
        Seen::Unknown => return Err(Trouble::Unknown),
        Seen::TooLate => {
            return Err(Trouble::Refused(
                "Alguien ya la atendió, o ya se resolvió. Recarga la página de la alerta.".to_owned(),
            ));
        }
    }
    work.commit().await?;
    Ok(Redirect::to(&format!("/panel/alertas/{id}")).into_response())
}

fn read(id: &str, note: Result<Form<Note>, FormRejection>) -> Result<(Uuid, Option<String>), Trouble> {
    let id = id_of(id).ok_or(Trouble::Unknown)?;
    let note = note.ok().and_then(|Form(note)| note.nota);
    let note = note
        .map(|note| note.trim().to_owned())
        .filter(|note| !note.is_empty());
    if note
        .as_ref()
        .is_some_and(|note| note.chars().count() > LONGEST_NOTE)
    {
        return Err(Trouble::Refused(format!(
            "La nota pasa de {LONGEST_NOTE} letras."
        )));
    }
    Ok((id, note))
}

//! One event: how it came, what was tried, what it changed, what followed, and what one can do about it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use super::page::{self, Trouble, Viewer};
use super::shell::Shell;
use super::{masking, words};
use crate::engine::Engine;
use crate::engine::by_hand::RETRIED;
use crate::engine::history::{self, Effect, Followup, Story};
use crate::engine::rehearsal::{Change, Rehearsal, rehearse};
use crate::engine::replay::FINISHED;
use crate::tools::extract::QueryParams;

/// What was done a moment ago.
#[derive(Deserialize)]
pub(super) struct Done {
    pub(super) hecho: Option<String>,
}

#[derive(Template)]
#[template(path = "panel/evento.html")]
struct Page {
    shell: Shell,
    story: Story,
    payload: String,
    notice: Option<&'static str>,
    rehearsal: Option<Rehearsal>,
}

impl Page {
    /// Handled again when a worker is done with it and its bytes are there.
    fn can_replay(&self) -> bool {
        self.story.event.payload_kept && FINISHED.contains(&self.story.event.state.as_str())
    }

    fn can_ignore(&self) -> bool {
        RETRIED.contains(&self.story.event.state.as_str())
    }

    #[allow(clippy::unused_self)] // a template calls methods
    fn can_retry(&self, job: &Followup) -> bool {
        RETRIED.contains(&job.state.as_str())
    }

    #[allow(clippy::unused_self)] // as above
    fn change(&self, change: Change) -> &'static str {
        match change {
            Change::Insert => "nueva",
            Change::Update => "cambia",
            Change::Delete => "se borra",
        }
    }

    /// The files that were stored because of it: kind and id as addresses have them, and which file.
    fn documents(&self) -> Vec<(&'static str, &str, &str)> {
        let files = self.story.effects.iter().filter_map(stored_file);
        files.collect()
    }
}

fn stored_file(effect: &Effect) -> Option<(&'static str, &str, &str)> {
    if effect.action != "documento.guardado" {
        return None;
    }
    let kind = match effect.resource_type.as_str() {
        "facturas_emitidas" => "facturas",
        "contratos_firmados" => "contratos",
        _ => return None,
    };
    let part = effect.detail.get("archivo")?.as_str()?;
    Some((kind, &effect.resource_id, part))
}

/// The event's page.
pub(super) async fn show(
    _viewer: Viewer,
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    QueryParams(done): QueryParams<Done>,
) -> Result<Response, Trouble> {
    let notice = match done.hecho.as_deref() {
        Some("reprocesar") => {
            Some("Se volvió a poner en la cola; en unos segundos termina. Recarga para ver cómo quedó.")
        }
        Some("ignorar") => Some("Quedó como ignorado, con tu motivo en la bitácora."),
        Some("reintentar") => Some("El trabajo se volvió a poner en la cola."),
        _ => None,
    };
    render(&engine, &id, notice, None).await
}

/// The same with what handling it again would change. Nothing is changed.
pub(super) async fn dry_run(
    _viewer: Viewer,
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let story = history::show(&engine.pool, &id).await?.ok_or(Trouble::Unknown)?;
    if !story.event.payload_kept {
        return Err(Trouble::Refused(NO_PAYLOAD.to_owned()));
    }
    let rehearsal = rehearse(&engine, story.event.id).await?;
    render(&engine, &id, None, Some(rehearsal)).await
}

/// Why an event cannot be handled again.
pub(super) const NO_PAYLOAD: &str = "Su contenido ya se borró al vencer su plazo. El proveedor quizá lo tenga todavía: \
                                     onlycar reconcile lo pide de nuevo.";

async fn render(
    engine: &Engine,
    id: &str,
    notice: Option<&'static str>,
    rehearsal: Option<Rehearsal>,
) -> Result<Response, Trouble> {
    let story = history::show(&engine.pool, id).await?.ok_or(Trouble::Unknown)?;
    let payload = history::payload(&engine.pool, story.event.id).await?;
    page::page(&Page {
        shell: Shell::around("/panel/eventos", &engine.pool).await?,
        payload: payload.as_deref().map_or_else(String::new, masking::shown),
        story,
        notice,
        rehearsal,
    })
}

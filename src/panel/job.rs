//! One job: what it is about, what was tried, and trying it again.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::event::Done;
use super::page::{self, Trouble, Viewer};
use super::shell::Shell;
use super::{masking, words};
use crate::engine::Engine;
use crate::engine::by_hand::RETRIED;
use crate::engine::history::{self, JobStory};
use crate::tools::extract::{QueryParams, id_of};

#[derive(Template)]
#[template(path = "panel/trabajo.html")]
struct Page {
    shell: Shell,
    job: JobStory,
    payload: String,
    again: bool,
}

impl Page {
    fn can_retry(&self) -> bool {
        RETRIED.contains(&self.job.state.as_str())
    }
}

/// The job's page.
pub(super) async fn show(
    _viewer: Viewer,
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    QueryParams(done): QueryParams<Done>,
) -> Result<Response, Trouble> {
    let id = id_of(&id).ok_or(Trouble::Unknown)?;
    let job = history::job(&engine.pool, id).await?.ok_or(Trouble::Unknown)?;
    page::page(&Page {
        shell: Shell::around("/panel/trabajos", &engine.pool).await?,
        payload: masking::shown(job.payload.to_string().as_bytes()),
        again: done.hecho.as_deref() == Some("reintentar"),
        job,
    })
}

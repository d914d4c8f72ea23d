//! The dashboard, for admins with a session: pages made here, in Spanish, with no script but for a reload; nothing of
//! another origin. It reads what every slice wrote and changes nothing itself: buttons go through the machine's own doors.

mod assets;
mod page;
mod shell;

use axum::Router;
use axum::routing::get;

use crate::app::Shared;

/// Everything below `/panel`.
pub fn routes() -> Router<Shared> {
    Router::new().route("/panel/estilo.css", get(assets::style))
}

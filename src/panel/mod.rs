//! The dashboard, for admins with a session: pages made here, in Spanish, with no script but for a reload; nothing of
//! another origin. It reads what every slice wrote and changes nothing itself: buttons go through the machine's own doors.

mod assets;
mod page;
mod shell;
mod sign_in;

use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};

use crate::app::Shared;
use crate::tools::limits::{self, Group};

/// Everything below `/panel`, but for the session's own address, which is described with the API.
pub fn routes() -> Router<Shared> {
    let in_group = |group: Group, route: MethodRouter<Shared>| {
        route.layer(middleware::from_fn_with_state(group, limits::enter))
    };
    let admin = |route| in_group(Group::Admin, route);
    let public = |route| in_group(Group::Public, route);
    Router::new()
        .route("/panel/estilo.css", public(get(assets::style)))
        .route("/panel/icono.svg", public(get(assets::icon)))
        .route(
            "/panel/entrar",
            public(get(sign_in::form)).merge(in_group(Group::SignIn, post(sign_in::enter))),
        )
        .route("/panel/salir", admin(post(sign_in::leave)))
}

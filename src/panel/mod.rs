//! The dashboard, for admins with a session: pages made here, in Spanish, with no script but for a reload; nothing of
//! another origin. It reads what every slice wrote and changes nothing itself: buttons go through the machine's own doors.

mod actions;
mod alert;
mod amounts;
pub mod api;
mod assets;
mod chart;
mod event;
mod figures;
mod home;
mod job;
mod lists;
mod masking;
mod page;
mod period;
mod providers;
mod shell;
mod sign_in;
mod words;

use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};

pub use figures::closed::Closed;

use crate::app::Shared;
use crate::tools::limits::{self, Group};

/// Everything below `/panel`, but for the session's own address, which is described with the API.
pub fn routes() -> Router<Shared> {
    let in_group = |group: Group, route: MethodRouter<Shared>| {
        route.layer(middleware::from_fn_with_state(group, limits::enter))
    };
    let admin = |route| in_group(Group::Admin, route);
    let public = |route| in_group(Group::Public, route);
    lists::routes(admin)
        .route("/panel/estilo.css", public(get(assets::style)))
        .route("/panel/icono.svg", public(get(assets::icon)))
        .route(
            "/panel/entrar",
            public(get(sign_in::form)).merge(in_group(Group::SignIn, post(sign_in::enter))),
        )
        .route("/panel", admin(get(home::home)))
        .route("/panel/proveedores", admin(get(providers::all)))
        .route("/panel/proveedores/{name}", admin(get(providers::one)))
        .route("/panel/salir", admin(post(sign_in::leave)))
        .route("/panel/eventos/{id}", admin(get(event::show)))
        .route("/panel/eventos/{id}/simular", admin(post(event::dry_run)))
        .route("/panel/eventos/{id}/reprocesar", admin(post(actions::replay)))
        .route("/panel/eventos/{id}/ignorar", admin(post(actions::ignore)))
        .route("/panel/alertas/{id}", admin(get(alert::show)))
        .route("/panel/alertas/{id}/atender", admin(post(alert::acknowledge)))
        .route("/panel/alertas/{id}/cerrar", admin(post(alert::close)))
        .route("/panel/trabajos/{id}", admin(get(job::show)))
        .route("/panel/trabajos/{id}/reintentar", admin(post(actions::retry)))
        .route(
            "/panel/documentos/{kind}/{id}/{part}",
            admin(get(actions::document)),
        )
}

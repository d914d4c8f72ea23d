//! What the people at the counter see and do: the services, and the payments that they take there.

mod confirm;
mod decision;
mod form;
mod list;
mod shown;

pub use confirm::{__path_confirm, confirm};
pub use list::{__path_service, __path_services, service, services};

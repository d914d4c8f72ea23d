//! The audit log as a whole: who is in it, from where, and what never is.

mod denied;
mod from_where;
mod personal;
pub mod recipe;
mod routes;

//! Documents once they are stored: who may have which, for how long, whether they are still what was stored, and what
//! proves it. The slices that make documents say so as a fact; their rows are read here and never written.

pub mod compare;
pub mod endpoint;
pub mod evidence;
mod find;
mod kind;
mod link;
mod permission;
mod store;

pub use find::{Document, named};
pub use kind::{Format, Kind};
pub use link::{Asked, Links};
pub use store::{erased, stored};

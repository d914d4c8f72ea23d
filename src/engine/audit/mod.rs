//! The audit log's hash chain. Rows come with the commit of what they tell ([`super::work`]); the chain over them
//! is sealed seconds later by a batch, because a chain inside every commit would make all commits wait in line.

mod chain;
mod rows;
mod seal;
mod verify;

pub use chain::Link;
pub use rows::{Head, head, rows_about};
pub use seal::{keep_sealing, seal};
pub use verify::{Broken, Intact, verify};

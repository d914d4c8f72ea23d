//! The audit log's hash chain. Rows come with the commit of what they tell ([`super::work`]); the chain over them
//! is sealed seconds later by a batch, because a chain inside every commit would make all commits wait in line.

mod chain;
mod seal;
mod verify;

pub use seal::{keep_sealing, seal};
pub use verify::{Broken, Intact, verify};

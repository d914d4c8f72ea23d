//! The audit log's hash chain. Rows come with the commit of what they tell ([`super::work`]); the chain over them
//! is sealed seconds later by a batch, because a chain inside every commit would make all commits wait in line. Once a day
//! its head is signed and leaves the database.

mod chain;
mod export;
mod head;
mod prove;
mod rows;
mod seal;
mod sign;
mod verify;

pub use chain::Link;
pub use export::{Filter, Page, page};
pub use prove::{Fault, Proof, prove};
pub use rows::{Head, head, rows_about};
pub use seal::{keep_sealing, seal};
pub use sign::Sign;
pub use verify::{Broken, Intact, verify};

//! Ground floor: the words everybody uses. No I/O; imports nothing of ours.

mod actor;
pub mod clock;
pub mod config;
pub mod erasure;
pub mod facts;
pub mod values;

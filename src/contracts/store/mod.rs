//! The only writers of `contratos_b2b`, `contratos_firmados` and `contracts.*`. Spanish columns become English here.

pub mod contracts;
pub mod documents;
pub mod erasure;
pub mod list;
pub mod looks;
pub mod reminders;

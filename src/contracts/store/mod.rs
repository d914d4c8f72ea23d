//! The only writers of `contratos_b2b` and `contratos_firmados`. Spanish columns become English here.

pub mod contracts;
pub mod documents;

//! The stories, by what they are about.

pub mod billing;
pub mod money_back;
pub mod payments;
pub mod people;

//! What the simulators of providers have in common: faults on demand, webhooks on their way, pages for people, and what
//! they answer to whoever tells them what happens.

pub mod control;
pub mod delivery;
pub mod faults;
pub mod page;

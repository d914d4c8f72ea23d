//! Payments: what Stripe tells, `stripe.*`, and the payment of `servicios`.

pub mod api;
mod ask;
mod events;
mod objects;
mod order;
mod read;
pub mod signature;
mod store;
mod stripe;
mod told;

pub use ask::Ask;
pub use stripe::Stripe;

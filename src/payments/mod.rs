//! Payments: what Stripe tells, `stripe.*`, and the payment of `servicios`.

pub mod api;
mod events;
mod read;
mod shapes;
pub mod signature;
mod store;
mod stripe;

pub use stripe::Stripe;

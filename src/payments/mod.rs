//! Payments: what Stripe tells, `stripe.*`, and the payment of `servicios`.

pub mod api;
mod ask;
mod events;
mod objects;
mod order;
mod read;
pub mod reconcile;
pub mod signature;
mod store;
mod stripe;
mod told;
mod watch;

pub use ask::Ask;
pub use events::handled;
pub use reconcile::Reconcile;
pub use stripe::Stripe;
pub use watch::Watch;

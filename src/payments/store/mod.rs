//! The only writers of `stripe.*`, of the payment columns of `servicios` and of the Stripe customer of `clientes`.
//! Spanish columns become English here.

pub mod compare;
pub mod counter;
pub mod customers;
pub mod erasure;
pub mod payments;
pub mod rows;
pub mod services;
pub mod subscriptions;

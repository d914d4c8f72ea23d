//! Monitoring: whether the providers bring what they usually bring, whether they answer, and whether we keep up. It reads the
//! inbox, asks the services, keeps figures by the hour, and says what is not as it should be.

pub mod availability;
mod counting;
mod store;
pub mod traffic;

pub use counting::Count;

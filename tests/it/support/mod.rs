//! What the tests stand on: one PostgreSQL for all, a database per test, the real program over real HTTP.

pub mod app;
pub mod database;
pub mod events;
pub mod wait;

pub use app::TestApp;
pub use events::Story;

//! What the tests stand on: one PostgreSQL for all, a database per test, the real program over real HTTP.

pub mod app;
pub mod browser;
pub mod bucket;
pub mod cloudflare;
pub mod database;
pub mod dev;
pub mod doors;
pub mod events;
pub mod gate;
pub mod gigstack;
pub mod mifiel;
pub mod npm;
pub mod pgbouncer;
pub mod program;
pub mod redis;
pub mod signing;
pub mod wait;
pub mod wire;

pub use app::TestApp;
pub use events::Story;

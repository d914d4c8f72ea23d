//! Tools: hands to the outside. No business.

pub mod authenticity;
pub mod client_ip;
pub mod db;
pub mod extract;
pub mod layers;
pub mod limits;
pub mod objects;
pub mod outbound;
pub mod paging;
pub mod pdf;
pub mod probe;
pub mod problem;
pub mod redis;
pub mod signing;
pub mod telemetry;
pub mod traces;

//! Logs, metrics and traces: what is said, by the names that the documents give, and what never is.

mod collector;
mod names;
mod ops;
mod program;
mod traces;

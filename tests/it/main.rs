//! All integration tests in one binary: one PostgreSQL server serves them all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs
)]

mod access;
mod audit;
mod authenticity;
mod browser;
mod cfdi;
mod cli;
mod config;
mod contracts;
mod contracts_link;
mod contracts_list;
mod contracts_reconcile;
mod contracts_reminders;
mod convergence;
mod counter;
mod crash;
mod dev;
mod documents;
mod edge;
mod engine;
mod extract;
mod floors;
mod fuzz;
mod gigstack_api;
mod gigstack_reconcile;
mod global_invoice;
mod invoicing;
mod limits;
mod monitoring;
mod museum;
mod objects;
mod observability;
mod outbound;
mod panel;
mod panel_actions;
mod pooler;
mod privacy;
mod receive;
mod redis;
mod safety;
mod security;
mod serve;
mod signature;
mod stripe_api;
mod stripe_events;
mod stripe_heart;
mod stripe_reconcile;
mod support;

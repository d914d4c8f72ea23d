//! The real server process under load, killed, frozen, stopped, and robbed of its database.

mod chaos;
mod contracts;
mod database;
mod documents;
mod forwarder;
mod frozen;
mod kills;
mod load;
mod site;
mod stopping;

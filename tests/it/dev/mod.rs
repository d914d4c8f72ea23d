//! What `onlycar dev` brings along.

mod mail;
mod objects;
mod postgres;
mod stripe;

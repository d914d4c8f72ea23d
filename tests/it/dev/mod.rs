//! What `onlycar dev` brings along.

mod gigstack;
mod mail;
mod objects;
mod postgres;
mod stripe;

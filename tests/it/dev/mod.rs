//! What `onlycar dev` brings along.

mod gigstack;
mod mail;
mod mifiel;
mod objects;
mod postgres;
mod stripe;

//! What docs/threat-model.md says of abuse, tried.

mod headers;
mod inputs;
mod mail;
mod terminal;
mod threat_model;

//! What docs/threat-model.md says of abuse, tried.

mod headers;

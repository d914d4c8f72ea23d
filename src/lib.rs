//! OnlyCar Integraciones: webhooks in, effects out, exactly once. The floor plan, from the ground up; a file
//! imports from its own floor or from a lower one, and `tests/it/floors.rs` holds the plan to it.

pub mod access; // tokens of Supabase Auth into people: the extractor is the permission
pub mod app; // the composition root
pub mod checklist; // slice: the company's checklist before production, and its steps by hand
pub mod cli; // one file per command
pub mod contracts; // slice: contratos_b2b
#[cfg(feature = "dev")]
pub mod dev; // everything `onlycar dev` brings along; not in the release image
pub mod documents; // slice: links to documents, and what proves them
pub mod edge; // slice: what Cloudflare's D1 and KV are told
pub mod engine; // the webhook machine; names no provider and no business
pub mod ground; // the words everybody uses: values, facts, clock, settings
pub mod invoicing; // slice: CFDI, the invoices of Mexico
pub mod monitoring; // slice: how the providers do, hour by hour
pub mod notifications; // mail and team channel; incidents
pub mod panel; // the dashboard
pub mod payments; // slice: Stripe
pub mod privacy; // a person's data are erased, slice by slice
pub mod routes; // every URL
pub mod story; // what follows from what
pub mod tools; // hands to the outside: database, HTTP client, problems, layers, telemetry

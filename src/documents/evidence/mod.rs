//! The chain of evidence of a document, as one file that is checked without us: what came from the provider and how it
//! was trusted, what was fetched from where and stored as what, who asked for it since, and the files themselves.
//!
//! The file is a ZIP without compression. `evidencia.json` names every other file with its digest and holds the rows of
//! the audit log exactly as they are hashed; `firma.json` signs its bytes.

mod archive;
mod bundle;
mod check;
mod gather;
mod manifest;

pub use bundle::{Exported, NotExported, export};
pub use check::{Checked, NoBundle, check};
pub use manifest::{Entry, Manifest, Signature};

/// What `evidencia.json` says it is, first of all: a signature over it can be shown for nothing else.
const FORMAT: &str = "onlycar-evidencia-1";

const MANIFEST: &str = "evidencia.json";
const SIGNATURE: &str = "firma.json";
const README: &str = "LEEME.txt";
/// The folder of the document's files.
const FILES: &str = "archivos/";

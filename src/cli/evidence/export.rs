//! `onlycar evidence export`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use uuid::Uuid;

use crate::cli::console::console;
use crate::cli::database::DevFolder;
use crate::cli::{NO_STORE, Outcome, Usage, say};
use crate::documents::evidence::{self, Exported};
use crate::documents::{self, Document};
use crate::tools::signing::Signer;

/// Put everything that proves a document into one signed file
///
/// The bundle holds the document's files, what its row and the audit log say of it, the provider's events that it came by,
/// and who asked for it since. That carries a document out of the house: it is written into the audit log. Whoever gets the
/// bundle checks it with `onlycar evidence verify`, or by hand as LEEME.txt in it says.
///
/// Example: onlycar evidence export 0197c2a4-7d2f-7c2e-9a57-3f8f6d0b1c11 --out evidencia.zip
#[derive(Args)]
pub struct Export {
    /// An invoice (its id, or its UUID at SAT), a signed document, or a contract
    id: Uuid,
    /// Where to write it; by default evidencia-ID.zip in this folder. A file that is there stays as it is
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let machine = self.dev.machine().await?;
        let signer = Signer::of(&self.dev.settings()?);
        let (objects, signer) = machine.objects.as_ref().zip(signer).context(NO_STORE)?;
        let found = documents::named(&machine.engine.pool, self.id).await;
        let document = self.one(found.context("the document could not be looked up")?)?;
        let default = || PathBuf::from(format!("evidencia-{}.zip", document.id));
        let out = self.out.clone().unwrap_or_else(default);
        if out.exists() {
            let text = format!(
                "{} is there already\nhint: name another file with --out",
                out.display()
            );
            return Err(Usage(text).into());
        }
        let (kind, id) = (document.kind.table(), document.id);
        let exported = evidence::export(&machine.engine, objects, &signer, document, &out, console()).await;
        let exported = exported.context("there is no bundle")?;
        let Exported { files, rows } = exported;
        let key = signer.public();
        say(if self.json {
            let file = out.display().to_string();
            serde_json::to_string(&json!({
                "file": file, "kind": kind, "document": id, "files": files, "audit_rows": rows, "key_id": key.id(),
                "public_key": key.to_string(),
            }))?
        } else {
            format!(
                "{}: {kind} {id}, {files} files, {rows} rows of the audit log, signed with key {}\n\
                 check it with: onlycar evidence verify {} --key {key}",
                out.display(),
                key.id(),
                out.display(),
            )
        })?;
        Ok(Outcome::Done)
    }

    fn one(&self, found: Vec<Document>) -> anyhow::Result<Document> {
        let mut found = found.into_iter();
        match (found.next(), found.len()) {
            (None, _) => {
                let text = format!(
                    "no document has the id {}\nhint: an invoice's id or UUID at SAT, a signed document's, or a contract's",
                    self.id
                );
                Err(anyhow::anyhow!(text))
            }
            (Some(document), 0) => Ok(document),
            (Some(first), _) => {
                let all = std::iter::once(first).chain(found);
                let line = |it: Document| format!("\n  {}  {} {}", it.id, it.kind.table(), it.state);
                let list: String = all.map(line).collect();
                Err(Usage(format!(
                    "{} names several documents:{list}\nhint: name one of them",
                    self.id
                ))
                .into())
            }
        }
    }
}

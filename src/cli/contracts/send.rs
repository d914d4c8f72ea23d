//! `onlycar contracts send`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use uuid::Uuid;

use crate::cli::console::console;
use crate::cli::database::DevFolder;
use crate::cli::{Outcome, Usage, say};
use crate::contracts::mifiel::api::Signer;
use crate::contracts::sending::{LARGEST_PDF, NotSent, Order};
use crate::engine::work::Unit;
use crate::ground::values::ContractId;

/// Send a contract to Mifiel for signature
///
/// Keeps the PDF and the list of its signers in the store (R2), and notes the document; a running server sends it to Mifiel
/// within seconds, as soon as Mifiel answers, and once. Mifiel then writes to each signer. Who signs is kept in the store
/// and at Mifiel, never in the database.
///
/// A signer is a name and a mail address; with an RFC behind them, only the e.firma of that RFC is taken. A contract that
/// waits for its signature, or is signed or over, is not sent (exit code 1).
///
/// Example: onlycar contracts send --contract 0b000000-0000-4000-8000-000000000000 --pdf contrato.pdf --signer "Ana López <ana@example.com>"
///
/// With an RFC: --signer "Ingrid Xodar <ingrid@example.com> XOJI740919U48"
#[derive(Args)]
pub struct Send {
    /// The contract: `onlycar contracts list` shows them
    #[arg(long, value_name = "ID")]
    contract: Uuid,
    /// What is to be signed, up to 20 MiB
    #[arg(long, value_name = "FILE")]
    pdf: PathBuf,
    /// Who has to sign: "Name <address>", or "Name <address> RFC"; once for each
    #[arg(long = "signer", value_name = "SIGNER", required = true, value_parser = signer)]
    signers: Vec<Signer>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Send {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let pdf = self.pdf()?;
        let machine = self.dev.machine().await?;
        let missing = |what, variables| {
            Usage(format!(
                "{what} is not configured\nhint: set {variables}, as for the server"
            ))
        };
        if machine.mifiel.is_none() {
            let variables = "MIFIEL_APP_ID, MIFIEL_APP_SECRET, MIFIEL_ENV and MIFIEL_WEBHOOK_URL";
            return Err(missing("Mifiel", variables).into());
        }
        let Some(objects) = &machine.objects else {
            let variables = "R2_ACCOUNT_ID, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY and R2_BUCKET_NAME";
            return Err(missing("the store of documents", variables).into());
        };
        let order = Order {
            contract: ContractId(self.contract),
            pdf: pdf.into(),
            signers: self.signers,
        };
        let placed = order.place(&machine.engine, objects, Unit::by(console())).await;
        let document = placed.map_err(refused)?;
        say(if self.json {
            let told = json!({ "contract_id": self.contract, "document_id": document, "state": "pendiente" });
            serde_json::to_string_pretty(&told)?
        } else {
            format!(
                "{document}  kept; a running server sends it to Mifiel within seconds\n\
                 watch it with: onlycar contracts list --waiting"
            )
        })?;
        Ok(Outcome::Done)
    }

    /// Reads the file; one that is far too large is not.
    fn pdf(&self) -> anyhow::Result<Vec<u8>> {
        let shown = self.pdf.display();
        let cannot = || format!("{shown} cannot be read\nhint: --pdf names a file");
        let length = std::fs::metadata(&self.pdf).with_context(cannot)?.len();
        if length > LARGEST_PDF as u64 {
            return Err(Usage(format!(
                "{shown} is larger than 20 MiB\nhint: make its images smaller"
            ))
            .into());
        }
        std::fs::read(&self.pdf).with_context(cannot)
    }
}

/// What cannot be meant is wrong usage; the rest failed.
fn refused(why: NotSent) -> anyhow::Error {
    match why {
        NotSent::Wrong(_) => Usage(format!("the contract was not sent: {why}")).into(),
        why => anyhow::Error::new(why).context("the contract was not sent"),
    }
}

/// `Name <address>`, or `Name <address> RFC`.
fn signer(text: &str) -> Result<Signer, String> {
    let wrong = || {
        "it is not a name and an address\nhint: \"Ana López <ana@example.com>\", with the RFC behind it where only its \
         e.firma counts"
            .to_owned()
    };
    let (name, rest) = text.split_once('<').ok_or_else(wrong)?;
    let (email, tax_id) = rest.split_once('>').ok_or_else(wrong)?;
    let (name, email, tax_id) = (name.trim(), email.trim(), tax_id.trim());
    if name.is_empty() || email.is_empty() {
        return Err(wrong());
    }
    Ok(Signer {
        name: name.trim_matches('"').to_owned(),
        email: email.to_owned(),
        tax_id: (!tax_id.is_empty()).then(|| tax_id.to_uppercase()),
    })
}

#[cfg(test)]
mod tests {
    use super::signer;

    #[test]
    fn a_signer_is_a_name_an_address_and_perhaps_an_rfc() {
        let read = |text| signer(text).map(|it| (it.name, it.email, it.tax_id)).ok();
        let ana = |tax_id: Option<&str>| {
            Some((
                "Ana López".to_owned(),
                "ana@example.com".to_owned(),
                tax_id.map(str::to_owned),
            ))
        };
        assert_eq!(read("Ana López <ana@example.com>"), ana(None));
        assert_eq!(read("\"Ana López\"  < ana@example.com > "), ana(None));
        assert_eq!(
            read("Ana López <ana@example.com> xoji740919u48"),
            ana(Some("XOJI740919U48"))
        );
        for text in [
            "",
            "Ana",
            "ana@example.com",
            "<ana@example.com>",
            "Ana <>",
            "Ana <a",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

//! Sending a contract for signature: its PDF and whom it is for go into the store, and a job sends both to Mifiel. Names
//! and addresses of signers are in no table.

mod endpoint;
mod job;

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

pub use endpoint::{__path_send, send};
pub use job::Send;

use super::mifiel::api::Signer;
use super::settle;
use super::store::documents::{self, Draft};
use crate::engine::job::NewJob;
use crate::engine::work::{Unit, Work};
use crate::engine::{Engine, Failure, history};
use crate::ground::facts::{Actor, Fact};
use crate::ground::values::ContractId;
use crate::tools::objects::{FIVE_YEARS, Meta, Objects};

const KIND: &str = "enviar_contrato";
/// The largest contract that is sent.
pub const LARGEST_PDF: usize = 20 * 1024 * 1024;
const MOST_SIGNERS: usize = 20;

/// What is to be signed, and by whom.
pub struct Order {
    /// The contract.
    pub contract: ContractId,
    /// Its PDF.
    pub pdf: Bytes,
    /// Who has to sign.
    pub signers: Vec<Signer>,
}

/// Why a contract is not sent. The texts are Spanish: people of the team read them.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// The order cannot be meant.
    #[error("{0}")]
    Wrong(&'static str, &'static str),
    /// There is no such contract.
    #[error("No hay un contrato con ese id.")]
    NoContract,
    /// It is over.
    #[error("El contrato está inactivo: ya no se firma.")]
    Inactive,
    /// It waits for its signature already.
    #[error(
        "El contrato ya se envió y espera firmas (documento {0}). Elimínalo en Mifiel antes de enviar otro."
    )]
    Waiting(Uuid),
    /// It is signed.
    #[error("El contrato ya está firmado (documento {0}).")]
    Signed(Uuid),
    /// Not now.
    #[error("No se pudo guardar: {0}. Inténtalo otra vez.")]
    Later(#[from] Failure),
}

impl Order {
    /// Whether it can be meant. Says which field is wrong, and how.
    fn check(&self) -> Result<(), NotSent> {
        let head = self.pdf.starts_with(b"%PDF-");
        if !head {
            return Err(NotSent::Wrong("pdf", "El archivo no es un PDF."));
        }
        if self.pdf.len() > LARGEST_PDF {
            return Err(NotSent::Wrong("pdf", "El PDF pasa de 20 MiB."));
        }
        if self.signers.is_empty() || self.signers.len() > MOST_SIGNERS {
            return Err(NotSent::Wrong("signers", "Hacen falta de 1 a 20 firmantes."));
        }
        for signer in &self.signers {
            if signer.name.trim().is_empty() {
                return Err(NotSent::Wrong("signers", "Un firmante no tiene nombre."));
            }
            if signer.email.parse::<lettre::Address>().is_err() {
                return Err(NotSent::Wrong(
                    "signers",
                    "El correo de un firmante no es válido.",
                ));
            }
            if signer.tax_id.as_deref().is_some_and(|id| !looks_like_rfc(id)) {
                let detail =
                    "El RFC de un firmante no es válido: son 13 letras y números, o 12 de una empresa.";
                return Err(NotSent::Wrong("signers", detail));
            }
        }
        Ok(())
    }

    /// Notes it; the job after the commit sends it. Returns the row of `contratos_firmados`.
    pub async fn place(self, engine: &Engine, objects: &Objects, actor: Actor) -> Result<Uuid, NotSent> {
        self.check()?;
        // Before the store: what cannot be sent leaves nothing there.
        documents::may_be_sent(&engine.pool, self.contract, engine.clock.now())
            .await?
            .into_result()?;
        let id = engine.clock.new_id();
        let draft = self.store(id, objects).await?;
        let unit = Unit {
            claim: None,
            cause: None,
            actor,
            context: Vec::new(),
        };
        let mut work = engine.begin(unit).await?;
        documents::hold(&mut work, self.contract).await?.into_result()?;
        note(&draft, &mut work).await?;
        work.commit().await?;
        Ok(id)
    }

    async fn store(&self, id: Uuid, objects: &Objects) -> Result<Draft, Failure> {
        let (pdf, signers) = keys(self.contract, id);
        let meta = |content_type, file_name| Meta {
            content_type,
            file_name,
            cache_control: FIVE_YEARS,
            metadata: vec![("contrato-id", self.contract.to_string())],
        };
        let list = Bytes::from(serde_json::to_vec(&self.signers).map_err(Failure::retry)?);
        objects
            .put_bytes(&signers, &meta("application/json", "firmantes.json"), list)
            .await?;
        let stored = objects
            .put_bytes(&pdf, &meta("application/pdf", "contrato.pdf"), self.pdf.clone())
            .await?;
        Ok(Draft {
            id,
            contract: self.contract,
            url_original: pdf,
            sha256_original: stored.sha256,
        })
    }
}

/// A name's letters, a date, three more: Mifiel takes an e.firma of exactly this one, so with a slip nobody could sign.
fn looks_like_rfc(id: &str) -> bool {
    let letters: Vec<char> = id.chars().collect();
    let date = letters.len().saturating_sub(9);
    let fits = |(at, letter): (usize, &char)| match letter {
        '0'..='9' => at >= date,
        'A'..='Z' => at < date || at >= date + 6,
        'Ñ' | '&' => at < date,
        _ => false,
    };
    matches!(letters.len(), 12 | 13) && letters.iter().enumerate().all(fits)
}

async fn note(draft: &Draft, work: &mut Work) -> Result<(), Failure> {
    let replaced = documents::of_contract(work, draft.contract).await?;
    work.say(Fact::ContractSubmitted {
        contract: draft.contract,
        replaced,
    });
    documents::draft(work, draft).await?;
    let detail = json!({ "contrato": draft.contract, "sha256_original": draft.sha256_original });
    work.audit("contrato.por_enviar", "contratos_firmados", draft.id, detail);
    settle(draft.contract, work).await?;
    let job = NewJob::once(
        work,
        KIND,
        draft.id.to_string(),
        &job::Ordered { document: draft.id },
    )?;
    work.enqueue(job);
    Ok(())
}

/// Where the jobs stand that have not sent their document, by the document.
pub async fn underway(pool: &PgPool) -> Result<HashMap<Uuid, String>, Failure> {
    let mut underway = HashMap::new();
    for (payload, state) in history::unfinished_jobs(pool, KIND).await? {
        if let Ok(ordered) = serde_json::from_value::<job::Ordered>(payload) {
            underway.entry(ordered.document).or_insert(state);
        }
    }
    Ok(underway)
}

/// Where the PDF and the list of its signers lie.
fn keys(contract: ContractId, id: Uuid) -> (String, String) {
    let key = |ending: &str| format!("contratos_firmados/{contract}/{id}.{ending}");
    (key("original.pdf"), key("firmantes.json"))
}

impl documents::MayBeSent {
    fn into_result(self) -> Result<(), NotSent> {
        match self {
            Self::Yes => Ok(()),
            Self::NoContract => Err(NotSent::NoContract),
            Self::Inactive => Err(NotSent::Inactive),
            Self::Waiting(id) => Err(NotSent::Waiting(id)),
            Self::Signed(id) => Err(NotSent::Signed(id)),
        }
    }
}

//! Sending a contract for signature: its PDF and whom it is for go into the store, and a job sends both to Mifiel. Names
//! and addresses of signers are in no table.

mod check;
mod endpoint;
mod job;

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

pub use check::Wrong;
pub use endpoint::{__path_send, send};
pub use job::Send;
pub(super) use job::{PAGES, newest_first_and_older};

use super::mifiel::api::Signer;
use super::settle;
use super::store::documents::{self, Draft};
use crate::engine::job::NewJob;
use crate::engine::work::{Unit, Work};
use crate::engine::{Engine, Failure, history};
use crate::ground::facts::{Fact, StoredFile};
use crate::ground::values::ContractId;
use crate::tools::db::Db;
use crate::tools::objects::{FIVE_YEARS, Meta, Objects};

const KIND: &str = "enviar_contrato";
/// The largest contract that is sent.
pub const LARGEST_PDF: usize = 20 * 1024 * 1024;

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
    #[error("{}", told(.0))]
    Wrong(Vec<Wrong>),
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
    /// Notes it; the job after the commit sends it. Returns the row of `contratos_firmados`.
    pub async fn place(self, engine: &Engine, objects: &Objects, unit: Unit) -> Result<Uuid, NotSent> {
        self.check()?;
        // Before the store: what cannot be sent leaves nothing there.
        let now = engine.clock.now();
        documents::may_be_sent(&engine.pool, self.contract, now)
            .await?
            .into_result()?;
        let (draft, original) = self.store(engine.clock.new_id(), now, objects).await?;
        let mut work = engine.begin(unit).await?;
        documents::hold(&mut work, self.contract).await?.into_result()?;
        note(&draft, &mut work).await?;
        work.say(Fact::FileStored(original));
        work.commit().await?;
        Ok(draft.id)
    }

    async fn store(
        &self,
        id: Uuid,
        now: DateTime<Utc>,
        objects: &Objects,
    ) -> Result<(Draft, StoredFile), Failure> {
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
        let draft = Draft {
            id,
            contract: self.contract,
            url_original: pdf.clone(),
            sha256_original: stored.sha256.clone(),
            noted_at: now,
        };
        Ok((draft, documents::stored_file(id, "original", pdf, stored, None)))
    }
}

async fn note(draft: &Draft, work: &mut Work) -> Result<(), Failure> {
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

fn told(wrong: &[Wrong]) -> String {
    let each = wrong
        .iter()
        .map(|wrong| format!("{}: {}", wrong.field, wrong.detail));
    each.collect::<Vec<_>>().join(" ")
}

/// Where the jobs stand that have not sent their document, by the document.
pub async fn underway(pool: &Db) -> Result<HashMap<Uuid, String>, Failure> {
    let mut underway = HashMap::new();
    for (payload, state) in history::unfinished_jobs(pool, KIND).await? {
        if let Ok(ordered) = serde_json::from_value::<job::Ordered>(payload) {
            underway.entry(ordered.document).or_insert(state);
        }
    }
    Ok(underway)
}

/// Where the PDF and the list of its signers lie.
pub(super) fn keys(contract: ContractId, id: Uuid) -> (String, String) {
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

//! The job that sends a document to Mifiel, once.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::KIND;
use crate::contracts::mifiel::api::{ApiError, MifielApi, NewDocument, Signer};
use crate::contracts::mifiel::shapes::Document;
use crate::contracts::settle;
use crate::contracts::store::documents::{self, Draft};
use crate::engine::Failure;
use crate::engine::job::{Job, Task};
use crate::engine::work::Work;
use crate::ground::config;
use crate::ground::facts::Fact;
use crate::tools::db::Db;
use crate::tools::objects::Objects;

/// At most so many pages of the account's documents are looked through for one that was sent and not recorded.
pub(in crate::contracts) const PAGES: u32 = 40;
/// How far Mifiel's clock may be from ours.
const SKEW: TimeDelta = TimeDelta::hours(1);

/// What the job is about.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ordered {
    /// Row of `contratos_firmados`.
    pub(super) document: Uuid,
}

/// The job.
pub struct Send {
    pool: Db,
    api: MifielApi,
    objects: Objects,
    callback_url: SecretString,
    days_to_expire: u16,
    remind_every: u16,
}

impl Send {
    /// With Mifiel and the store.
    pub fn new(
        pool: Db,
        api: MifielApi,
        objects: Objects,
        settings: &config::Mifiel,
        file: &config::MifielFile,
    ) -> Self {
        Self {
            pool,
            api,
            objects,
            callback_url: settings.webhook_url.clone(),
            days_to_expire: file.days_to_expire,
            remind_every: file.remind_every_days,
        }
    }

    /// Mifiel knows no idempotency key: an answer that was lost is found by the id that we gave.
    async fn find(&self, draft: &Draft) -> Result<Option<Value>, Failure> {
        let ours = draft.id.to_string();
        for page in 1..=PAGES {
            let documents = self.api.documents(page).await.map_err(|error| match error {
                // It says nothing about the document: only its own answer refuses it.
                ApiError::Refused(_) => Failure::retry(error),
                error => error.into(),
            })?;
            let older = documents.is_empty() || newest_first_and_older(&documents, draft.noted_at - SKEW);
            let is_ours =
                |document: &Value| document.get("external_id").and_then(Value::as_str) == Some(&ours);
            if let Some(found) = documents.into_iter().find(is_ours) {
                return Ok(Some(found));
            }
            if older {
                break;
            }
        }
        Ok(None)
    }

    /// The inner error: Mifiel will not take it.
    async fn create(&self, draft: &Draft) -> Result<Result<Value, ApiError>, Failure> {
        let (pdf, signers) = super::keys(draft.contract, draft.id);
        let signers: Vec<Signer> = serde_json::from_slice(&self.read(&signers).await?)
            .map_err(|_| Failure::Park("the list of signers cannot be read".to_owned()))?;
        let new = NewDocument {
            external_id: draft.id,
            file_name: format!("contrato-{}.pdf", draft.contract),
            pdf: self.read(&pdf).await?,
            signers,
            callback_url: self.callback_url.clone(),
            days_to_expire: self.days_to_expire,
            remind_every: self.remind_every,
        };
        match self.api.create(&new).await {
            Err(refusal @ ApiError::Refused(_)) => Ok(Err(refusal)),
            answer => Ok(Ok(answer?)),
        }
    }

    async fn read(&self, key: &str) -> Result<Bytes, Failure> {
        let object = self.objects.get(key).await?;
        let object = object.ok_or_else(|| Failure::Park(format!("{key} is not in the store")))?;
        Ok(object.bytes().await?)
    }
}

/// Whether this page ends before `then`, and so do those after it. Nobody documents in which order Mifiel lists.
pub(in crate::contracts) fn newest_first_and_older(documents: &[Value], then: DateTime<Utc>) -> bool {
    let time = |document: Option<&Value>| -> Option<DateTime<Utc>> {
        document?.get("created_at")?.as_str()?.parse().ok()
    };
    let (first, last) = (time(documents.first()), time(documents.last()));
    matches!((first, last), (Some(first), Some(last)) if last < then && (first > last || documents.len() == 1))
}

/// What came of sending.
pub enum Outcome {
    /// Mifiel has it.
    There(Document),
    /// Mifiel will not take it, whenever it is asked.
    Refused(Draft, String),
    /// It waits to be sent no more.
    Nothing,
}

impl Job for Send {
    type Done = Outcome;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, task: &Task) -> Result<Self::Done, Failure> {
        let Some(draft) = documents::sending(&self.pool, ordered(task)?.document).await? else {
            return Ok(Outcome::Nothing);
        };
        let answer = match self.find(&draft).await? {
            Some(found) => found,
            None => match self.create(&draft).await? {
                Ok(created) => created,
                Err(refusal) => return Ok(Outcome::Refused(draft, refusal.to_string())),
            },
        };
        let document = Document::of(&answer).ok_or(ApiError::Unreadable("un documento sin id"))?;
        Ok(Outcome::There(document))
    }

    async fn record(&self, task: &Task, outcome: Outcome, work: &mut Work) -> Result<(), Failure> {
        let id = ordered(task)?.document;
        match outcome {
            Outcome::Nothing => Ok(()),
            Outcome::There(document) => record_sent(id, &document, work).await,
            Outcome::Refused(draft, reason) => record_refused(&draft, reason, work).await,
        }
    }
}

async fn record_sent(id: Uuid, document: &Document, work: &mut Work) -> Result<(), Failure> {
    let Some(contract) = documents::sent(work, id, document).await? else {
        return Ok(());
    };
    let detail = json!({ "mifiel": document.id, "vence": document.expires_at });
    work.audit("contrato.enviado", "contratos_firmados", id, detail);
    work.say(Fact::ContractSent { contract });
    Ok(())
}

/// The draft is in nobody's way any more: corrected, the contract can be sent again.
async fn record_refused(draft: &Draft, reason: String, work: &mut Work) -> Result<(), Failure> {
    if !documents::refused(work, draft.id).await? {
        return Ok(());
    }
    let detail = json!({ "contrato": draft.contract, "motivo": reason });
    work.audit("contrato.no_enviado", "contratos_firmados", draft.id, detail);
    settle(draft.contract, work).await?;
    work.park(reason.clone());
    work.say(Fact::ContractNotSent {
        contract: draft.contract,
        document: draft.id,
        reason,
    });
    Ok(())
}

fn ordered(task: &Task) -> Result<Ordered, Failure> {
    serde_json::from_value(task.payload.clone())
        .map_err(|error| Failure::Park(format!("what is to be sent cannot be read: {error}")))
}

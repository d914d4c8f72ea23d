//! The job that sends a document to Mifiel, once.

use bytes::Bytes;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::KIND;
use crate::contracts::mifiel::api::{ApiError, MifielApi, NewDocument, PAGES, Signer};
use crate::contracts::mifiel::shapes::Document;
use crate::contracts::store::documents::{self, Draft};
use crate::engine::Failure;
use crate::engine::job::{Job, Task};
use crate::engine::work::{Verdict, Work};
use crate::ground::config;
use crate::ground::facts::Fact;
use crate::tools::objects::Objects;

/// What the job is about.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ordered {
    /// Row of `contratos_firmados`.
    pub(super) document: Uuid,
}

/// The job.
pub struct Send {
    pool: PgPool,
    api: MifielApi,
    objects: Objects,
    callback_url: SecretString,
    days_to_expire: u16,
    remind_every: u16,
}

impl Send {
    /// With Mifiel and the store.
    pub fn new(
        pool: PgPool,
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
            let documents = self.api.documents(page).await?;
            if documents.is_empty() {
                break;
            }
            let is_ours =
                |document: &Value| document.get("external_id").and_then(Value::as_str) == Some(&ours);
            if let Some(found) = documents.into_iter().find(is_ours) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn new_document(&self, draft: &Draft) -> Result<NewDocument, Failure> {
        let (pdf, signers) = super::keys(draft.contract, draft.id);
        let signers: Vec<Signer> = serde_json::from_slice(&self.read(&signers).await?)
            .map_err(|_| Failure::Park("the list of signers cannot be read".to_owned()))?;
        Ok(NewDocument {
            external_id: draft.id,
            file_name: format!("contrato-{}.pdf", draft.contract),
            pdf: self.read(&pdf).await?,
            signers,
            callback_url: self.callback_url.clone(),
            days_to_expire: self.days_to_expire,
            remind_every: self.remind_every,
        })
    }

    async fn read(&self, key: &str) -> Result<Bytes, Failure> {
        let object = self.objects.get(key).await?;
        let object = object.ok_or_else(|| Failure::Park(format!("{key} is not in the store")))?;
        Ok(object.bytes().await?)
    }
}

/// What came of sending.
pub enum Sent {
    /// Mifiel has it.
    Taken(Document),
    /// Mifiel does not want it, and would not the next time.
    Refused(String),
    /// That it has it was known.
    Before,
}

impl Job for Send {
    type Done = Sent;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, task: &Task) -> Result<Self::Done, Failure> {
        let (draft, sent) = documents::sending(&self.pool, ordered(task)?.document).await?;
        if sent.is_some() {
            return Ok(Sent::Before);
        }
        let answer = match self.find(&draft).await? {
            Some(found) => found,
            None => match self.api.create(&self.new_document(&draft).await?).await {
                Err(refused @ ApiError::Refused(_)) => return Ok(Sent::Refused(refused.to_string())),
                answer => answer?,
            },
        };
        let document = Document::of(&answer).ok_or(ApiError::Unreadable("un documento sin id"))?;
        Ok(Sent::Taken(document))
    }

    async fn record(&self, task: &Task, sent: Sent, work: &mut Work) -> Result<(), Failure> {
        let id = ordered(task)?.document;
        match sent {
            Sent::Taken(document) => {
                if documents::sent(work, id, &document).await? {
                    let detail = json!({ "mifiel": document.id, "vence": document.expires_at });
                    work.audit("contrato.enviado", "contratos_firmados", id, detail);
                }
            }
            Sent::Refused(reason) => {
                if let Some(contract) = documents::refused(work, id).await? {
                    let detail = json!({ "contrato": contract, "motivo": reason });
                    work.audit("contrato.no_enviado", "contratos_firmados", id, detail);
                    work.say(Fact::ContractRefused {
                        contract,
                        document: id,
                        reason: reason.clone(),
                    });
                }
                work.end(Verdict::Ignored(reason));
            }
            Sent::Before => {}
        }
        Ok(())
    }
}

fn ordered(task: &Task) -> Result<Ordered, Failure> {
    serde_json::from_value(task.payload.clone())
        .map_err(|error| Failure::Park(format!("what is to be sent cannot be read: {error}")))
}

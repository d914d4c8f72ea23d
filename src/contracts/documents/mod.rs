//! The way of a signed contract: confirmed at Mifiel, fetched, stored with its evidence, recorded. What a webhook said is
//! a hint; only Mifiel's own answer is acted on.

mod evidence;
mod fetch;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::mifiel::api::{ApiError, MifielApi};
use super::mifiel::shapes::Document;
use super::settle;
use super::store::documents::{self, Known, MayBeSent, Noted, Stored};
use crate::engine::job::{Job, NewJob, Task};
use crate::engine::work::{Verdict, Work};
use crate::engine::{Engine, Failure, history};
use crate::ground::clock::Clock;
use crate::ground::facts::Fact;
use crate::tools::db::Db;
use crate::tools::objects::Objects;

const KIND: &str = "guardar_contrato";

/// A webhook may come before Mifiel's own API knows of it; later than this it is somebody else's.
const CONFIRMED_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// What we were told of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Nothing in particular: how it stands is to be seen.
    Something,
    /// Everybody has signed.
    Signed,
    /// A signer declined: Mifiel's document does not show it.
    Declined,
    /// It was deleted.
    Deleted,
}

/// What to ask Mifiel about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wanted {
    /// Mifiel's id.
    pub document: String,
    /// What we were told of it.
    pub told: Told,
    /// Why a signer declined, in the signer's words.
    pub reason: Option<String>,
}

impl Wanted {
    /// How the document stands.
    pub fn standing_of(document: &str) -> Self {
        Self {
            document: document.to_owned(),
            told: Told::Something,
            reason: None,
        }
    }

    /// Asks after the commit.
    pub fn ask(&self, work: &mut Work) -> Result<(), Failure> {
        let job = NewJob::now(work, KIND, self)?;
        work.enqueue(job);
        Ok(())
    }

    /// Asks from outside of a unit of work, as a command does.
    pub async fn ask_now(&self, engine: &Engine) -> Result<(), Failure> {
        engine.request(KIND, self).await
    }
}

/// Where the jobs stand that are not done, by the document that each is about. One that will go on by itself goes before
/// one that waits for a person.
pub async fn underway(pool: &Db) -> Result<HashMap<String, String>, Failure> {
    let mut underway = HashMap::new();
    for (payload, state) in history::unfinished_jobs(pool, KIND).await? {
        if let Ok(wanted) = serde_json::from_value::<Wanted>(payload) {
            underway.entry(wanted.document).or_insert(state);
        }
    }
    Ok(underway)
}

/// The job that confirms, fetches, stores and records.
pub struct Keep {
    pool: Db,
    clock: Clock,
    api: MifielApi,
    objects: Objects,
}

/// What came of asking.
pub enum Found {
    /// Everybody has signed, and the documents are stored.
    Signed {
        /// Ours.
        known: Known,
        /// Mifiel's.
        document: Document,
        /// When the last one signed.
        at: DateTime<Utc>,
        /// Where the documents are.
        stored: Box<Stored>,
    },
    /// A signer declined.
    Declined(Known, Document),
    /// It is gone from Mifiel.
    Deleted(Known),
    /// Somebody has not signed yet.
    Waiting(Known, Document),
    /// All of it is recorded already.
    Nothing,
    /// Mifiel does not know it, nor do we.
    Missing,
    /// We were told that everybody has signed, and Mifiel's own answer says otherwise.
    Unsigned,
    /// It is none of ours, or not what it should be: nothing is changed.
    Unconfirmed(String),
}

impl Keep {
    /// With Mifiel and the store.
    pub fn new(pool: Db, clock: Clock, api: MifielApi, objects: Objects) -> Self {
        Self {
            pool,
            clock,
            api,
            objects,
        }
    }

    async fn find(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let answer = match self.api.document(&wanted.document).await {
            Err(ApiError::Missing) => {
                let known = documents::find(&self.pool, &wanted.document, None).await?;
                return Ok(known.map_or(Found::Missing, Found::Deleted));
            }
            answer => answer?,
        };
        let document = Document::of(&answer).ok_or(ApiError::Unreadable("un documento sin id"))?;
        if document.id != wanted.document {
            return Ok(Found::Unconfirmed(
                "Mifiel contestó con otro documento que el pedido".to_owned(),
            ));
        }
        let Some(known) = documents::find(&self.pool, &document.id, document.external).await? else {
            return Ok(Found::Unconfirmed("no es de ningún contrato nuestro".to_owned()));
        };
        let other = |ours: &String| {
            document
                .original_hash
                .as_ref()
                .is_some_and(|theirs| theirs != ours)
        };
        if known.sha256_original.as_ref().is_some_and(other) {
            return Ok(Found::Unconfirmed(
                "no es el documento que se envió a firmar (su SHA-256 es otro)".to_owned(),
            ));
        }
        match (document.signed, wanted.told) {
            (true, _) if known.state == "firmado" && known.complete => Ok(Found::Nothing),
            (true, _) => self.signed(known, document).await,
            (false, _) if known.state == "firmado" => Ok(Found::Nothing),
            (false, Told::Declined) => Ok(Found::Declined(known, document)),
            (false, Told::Signed) => Ok(Found::Unsigned),
            (false, _) => Ok(Found::Waiting(known, document)),
        }
    }
}

impl Job for Keep {
    type Done = Found;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, task: &Task) -> Result<Found, Failure> {
        let young = self.clock.now() - task.created_at < CONFIRMED_WITHIN;
        let wanted = wanted(task)?;
        match self.find(&wanted).await {
            Ok(Found::Missing) if young => Err(Failure::retry("Mifiel no conoce todavía el documento")),
            Ok(Found::Missing) => Ok(Found::Unconfirmed("Mifiel no lo conoce".to_owned())),
            // Nobody told us: perhaps the question went astray, and is answered better next time.
            Ok(Found::Deleted(_)) if young && wanted.told != Told::Deleted => {
                Err(Failure::retry("Mifiel no encuentra un documento nuestro"))
            }
            Ok(Found::Unsigned) if young => Err(Failure::retry("según Mifiel todavía faltan firmas")),
            Ok(Found::Unsigned) => Ok(Found::Unconfirmed(
                "según Mifiel todavía faltan firmas".to_owned(),
            )),
            Err(Failure::Park(reason)) => Ok(Found::Unconfirmed(reason)),
            found => found,
        }
    }

    async fn record(&self, task: &Task, found: Found, work: &mut Work) -> Result<(), Failure> {
        let wanted = wanted(task)?;
        match found {
            Found::Signed {
                known,
                document,
                at,
                stored,
            } => record_signed(&known, &document, at, &stored, work).await,
            Found::Declined(known, document) => record_declined(&known, &document, wanted.reason, work).await,
            Found::Deleted(known) => record_deleted(&known, work).await,
            Found::Waiting(known, document) => record_progress(&known, &document, work).await,
            Found::Nothing => Ok(()),
            Found::Missing | Found::Unsigned => Err(Failure::retry("Mifiel no lo confirma todavía")),
            Found::Unconfirmed(reason) => {
                work.park_cause(&format!("unconfirmed: {reason}")).await?;
                work.end(Verdict::Parked(reason.clone()));
                work.say(Fact::DocumentUnconfirmed {
                    document: wanted.document,
                    reason,
                });
                Ok(())
            }
        }
    }
}

async fn record_signed(
    known: &Known,
    document: &Document,
    at: DateTime<Utc>,
    stored: &Stored,
    work: &mut Work,
) -> Result<(), Failure> {
    let noted = documents::signed(work, known, document, at, stored).await?;
    let action = match noted {
        Noted::Known => return Ok(()),
        Noted::Signed => "contrato.firmado",
        Noted::Completed => "contrato.documentos_completados",
    };
    let detail = json!({
        "contrato": known.contract, "mifiel": document.id, "confianza": "refetch", "antes": known.state,
        "sha256_pdf": stored.pdf.sha256, "sha256_xml": stored.xml.sha256, "evidencia": stored.evidence.file.key,
    });
    work.audit(action, "contratos_firmados", known.id, detail);
    for file in [&stored.pdf, &stored.xml, &stored.evidence] {
        work.say(Fact::FileStored(file.clone()));
    }
    if noted == Noted::Completed {
        return Ok(());
    }
    settle(known.contract, work).await?;
    work.say(Fact::ContractSigned {
        contract: known.contract,
        document: known.id,
    });
    work.say(Fact::DocumentConfirmed {
        document: document.id.clone(),
    });
    Ok(())
}

async fn record_progress(known: &Known, document: &Document, work: &mut Work) -> Result<(), Failure> {
    if documents::progressed(work, known, document).await? {
        let detail = json!({ "mifiel": document.id, "vence": document.expires_at, "confianza": "refetch" });
        work.audit(
            "contrato.documento_actualizado",
            "contratos_firmados",
            known.id,
            detail,
        );
        // Nobody answered when it was sent, or not in time.
        if known.mifiel.is_none() {
            work.say(Fact::ContractSent {
                contract: known.contract,
            });
        }
    }
    Ok(())
}

async fn record_declined(
    known: &Known,
    document: &Document,
    reason: Option<String>,
    work: &mut Work,
) -> Result<(), Failure> {
    if !documents::declined(work, known, document).await? {
        return Ok(());
    }
    let detail = json!({ "contrato": known.contract, "mifiel": document.id, "confianza": "refetch" });
    work.audit("contrato.rechazado", "contratos_firmados", known.id, detail);
    settle(known.contract, work).await?;
    work.say(Fact::ContractDeclined {
        contract: known.contract,
        document: known.id,
        reason,
    });
    Ok(())
}

async fn record_deleted(known: &Known, work: &mut Work) -> Result<(), Failure> {
    if !documents::deleted(work, known).await? {
        return Ok(());
    }
    let detail = json!({ "contrato": known.contract, "mifiel": known.mifiel, "confianza": "refetch" });
    work.audit(
        "contrato.documento_eliminado",
        "contratos_firmados",
        known.id,
        detail,
    );
    settle(known.contract, work).await?;
    let now = work.now();
    // Otherwise another document of it is signed, or waits.
    if documents::may_be_sent(work.connection(), known.contract, now).await? == MayBeSent::Yes {
        work.say(Fact::ContractWithdrawn {
            contract: known.contract,
            document: known.id,
        });
    }
    Ok(())
}

fn wanted(task: &Task) -> Result<Wanted, Failure> {
    serde_json::from_value(task.payload.clone())
        .map_err(|error| Failure::Park(format!("what is wanted cannot be read: {error}")))
}

/// The keys of a contract's documents, `contratos_firmados/{contrato_id}/{mifiel_document_id}.…`.
fn key(contract: Uuid, document: &str, ending: &str) -> String {
    format!("contratos_firmados/{contract}/{document}.{ending}")
}

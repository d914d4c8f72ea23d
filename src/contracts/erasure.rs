//! A client is erased, as far as contracts know them: their documents, and the lists of who was to sign them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::sending;
use super::store::erasure;
use crate::engine::Failure;
use crate::engine::job::{Job, NewJob, Task};
use crate::engine::work::Work;
use crate::ground::clock::{BUSINESS_ZONE, Clock};
use crate::ground::erasure::{Erasure, Law, Open};
use crate::ground::facts::{Document, Fact};
use crate::ground::values::{ClientId, ContractId};
use crate::tools::db::Db;
use crate::tools::objects::Objects;

const KIND: &str = "suprimir_documento";

/// What needs the person still. A contract for one service needs nobody once its service is done and paid.
pub async fn open(work: &mut Work, client: ClientId) -> Result<Vec<Open>, Failure> {
    let contracts = erasure::in_force(work, client).await?.into_iter();
    let contracts = contracts.map(|contract| Open {
        what: format!("the contract {contract}"),
        hint: "it is in force: cancel its subscription at Stripe",
    });
    let documents = erasure::signable(work, client).await?.into_iter();
    let documents = documents.map(|document| Open {
        what: format!("the signature of {document}"),
        hint: "it can be signed still: have it signed, or delete it at Mifiel",
    });
    Ok(contracts.chain(documents).collect())
}

/// What is theirs.
pub struct Theirs {
    /// Their contracts.
    pub contracts: Vec<ContractId>,
    /// What Mifiel calls their documents.
    pub mifiel: Vec<String>,
}

/// What an event about the client's contracts names.
pub async fn theirs(work: &mut Work, client: ClientId) -> Result<Theirs, Failure> {
    let (contracts, mifiel) = erasure::theirs(work, client).await?;
    let contracts = contracts.into_iter().map(ContractId).collect();
    Ok(Theirs { contracts, mifiel })
}

/// Asks for the jobs that remove what may go.
pub async fn erase(work: &mut Work, client: ClientId) -> Result<Erasure, Failure> {
    let mut done = Erasure::default();
    let documents = erasure::documents(work, client, day(work.now())).await?;
    for document in &documents.over {
        let job = NewJob::now(work, KIND, &Removal { document: *document })?;
        work.enqueue(job);
    }
    done.removed(
        "documents of contracts, and lists of signers, that were never signed or whose time is over",
        documents.over.len() as u64,
    );
    done.kept(
        "signed contracts with their evidence",
        documents.kept,
        Law::Commerce,
        documents.until,
    );
    Ok(done)
}

fn day(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&BUSINESS_ZONE).date_naive()
}

/// Which document: row of `contratos_firmados`.
#[derive(Debug, Serialize, Deserialize)]
struct Removal {
    document: Uuid,
}

/// The job that removes the objects of a document that may go.
pub struct Remove {
    pool: Db,
    objects: Objects,
    clock: Clock,
}

impl Remove {
    /// From this store.
    pub fn new(pool: Db, objects: Objects, clock: Clock) -> Self {
        Self { pool, objects, clock }
    }
}

impl Job for Remove {
    /// Whether it may go.
    type Done = bool;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, task: &Task) -> Result<bool, Failure> {
        let (document, now) = (removal(task)?.document, self.clock.now());
        let Some(going) = erasure::going(&self.pool, document, day(now), now).await? else {
            return Ok(false);
        };
        let (pdf, signers) = sending::keys(ContractId(going.contract), document);
        for key in going.keys.into_iter().chain([pdf, signers]) {
            self.objects.remove(&key).await?;
        }
        Ok(true)
    }

    async fn record(&self, task: &Task, gone: bool, work: &mut Work) -> Result<(), Failure> {
        let Removal { document } = removal(task)?;
        if gone && erasure::removed(work, document).await? {
            work.audit(
                "contrato.documentos_suprimidos",
                "contratos_firmados",
                document,
                json!({}),
            );
            work.say(Fact::DocumentErased { document });
            work.say(Fact::DocumentMoved(Document::Contract(document)));
        }
        Ok(())
    }
}

fn removal(task: &Task) -> Result<Removal, Failure> {
    serde_json::from_value(task.payload.clone())
        .map_err(|error| Failure::Park(format!("the removal cannot be read: {error}")))
}

//! The way of a document: asked of Gigstack, checked, stored, recorded. What a webhook said is a hint; only Gigstack's
//! own answer is acted on, and only a document that is what it should be is kept.

mod about;
mod fetch;
mod underway;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use underway::{Underway, underway};

use super::cfdi::Accept;
use super::gigstack::api::{ApiError, GigstackApi};
use super::gigstack::shapes::{Invoice, Receipt, Status};
use super::store::erasure;
use super::store::invoices::Kept;
use crate::engine::job::{Job, NewJob, Task};
use crate::engine::work::{Verdict, Work};
use crate::engine::{Engine, Failure};
use crate::ground::clock::Clock;
use crate::ground::facts::Fact;
use crate::tools::db::Db;
use crate::tools::objects::Objects;

const KIND: &str = "guardar_factura";

/// A webhook may come before Gigstack's own API knows of its invoice; later than this it is somebody else's.
const CONFIRMED_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// What to ask Gigstack for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "wanted", rename_all = "snake_case")]
pub enum Wanted {
    /// An invoice with its documents.
    Invoice {
        /// Gigstack's id, or the UUID.
        id: String,
        /// Whether we were told that Gigstack's app in Stripe made it.
        by_stripe: bool,
    },
    /// The invoice that was made from this receipt.
    Receipt {
        /// Gigstack's id.
        id: String,
        /// Whether we were told that there is one.
        completed: bool,
    },
    /// The documents that were not there yet when the invoice was recorded: its PDF, the receipt of its cancellation.
    Rest {
        /// The invoice, by its UUID.
        uuid: Uuid,
    },
}

impl Wanted {
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

    fn subject(&self) -> String {
        match self {
            Self::Invoice { id, .. } | Self::Receipt { id, .. } => id.clone(),
            Self::Rest { uuid } => uuid.to_string(),
        }
    }
}

/// The job that fetches, checks, stores and records.
pub struct Keep {
    pool: Db,
    clock: Clock,
    api: GigstackApi,
    objects: Objects,
    rules: Rules,
}

/// What a document has to be.
#[derive(Debug, Clone)]
pub struct Rules {
    /// `EMISOR_RFC`, who has to have issued it.
    pub issuer: String,
    /// `EMISOR_CP`, where.
    pub postal_code: String,
    /// Whether it is a real one.
    pub live: bool,
    /// Which versions are read.
    pub accept: Accept,
    /// Whether the client is told.
    pub tell_client: bool,
}

/// What came of asking.
pub enum Found {
    /// An invoice with its documents.
    Invoice(Box<Kept>),
    /// A receipt that nobody has made an invoice from yet.
    OpenReceipt,
    /// Its time is over, and its documents were removed.
    Erased,
    /// Gigstack knows no such thing, or not yet.
    Missing,
    /// Gigstack does not confirm it, or it is not what it should be: nothing is changed.
    Unconfirmed(String),
}

impl Keep {
    /// With the store and the rules.
    pub fn new(pool: Db, clock: Clock, api: GigstackApi, objects: Objects, rules: Rules) -> Self {
        Self {
            pool,
            clock,
            api,
            objects,
            rules,
        }
    }

    async fn find(&self, wanted: &Wanted) -> Result<Found, Failure> {
        match wanted {
            Wanted::Invoice { id, by_stripe } => self.invoice(id).await.map(|found| match found {
                Found::Invoice(mut kept) => {
                    kept.invoice.by_stripe |= by_stripe;
                    Found::Invoice(kept)
                }
                found => found,
            }),
            Wanted::Receipt { id, completed } => self.receipt(id, *completed).await,
            Wanted::Rest { uuid } => match self.invoice(&uuid.to_string()).await? {
                Found::Invoice(kept) => complete(kept),
                found => Ok(found),
            },
        }
    }

    async fn receipt(&self, id: &str, completed: bool) -> Result<Found, Failure> {
        let answer = match self.api.receipt(id).await {
            Err(ApiError::Missing) => return Ok(Found::Missing),
            answer => answer?,
        };
        let receipt = Receipt::of(&answer).ok_or(ApiError::Unreadable("un recibo sin id"))?;
        match receipt.invoice {
            Some(invoice) => self.invoice(&invoice).await,
            None if completed => Ok(Found::Missing),
            None => Ok(Found::OpenReceipt),
        }
    }

    async fn invoice(&self, id: &str) -> Result<Found, Failure> {
        let answer = match self.api.invoice(id).await {
            Err(ApiError::Missing) => return Ok(Found::Missing),
            answer => answer?,
        };
        let invoice = Invoice::of(&answer).ok_or(ApiError::Unreadable("una factura sin id"))?;
        let unconfirmed = |reason: &str| Ok(Found::Unconfirmed(reason.to_owned()));
        if invoice.livemode.is_some_and(|live| live != self.rules.live) {
            return unconfirmed("es del otro modo (pruebas o producción) que GIGSTACK_ENV");
        }
        let asked: Option<Uuid> = id.parse().ok();
        if asked.is_some() && invoice.uuid.is_some() && asked != invoice.uuid {
            return unconfirmed("Gigstack contestó con otra factura que la pedida");
        }
        if let Some(uuid) = invoice.uuid
            && erasure::is_removed(&self.pool, uuid).await?
        {
            return Ok(Found::Erased);
        }
        match invoice.status {
            Status::Failed => unconfirmed("Gigstack no pudo timbrarla; revisa en su panel por qué"),
            Status::Pending => Err(Failure::retry("Gigstack no la ha timbrado todavía")),
            Status::Stamped | Status::Cancelled => self.documents(invoice).await,
        }
    }
}

/// The rest of the documents is asked for until all of it is there.
fn complete(kept: Box<Kept>) -> Result<Found, Failure> {
    let missing = if kept.files.pdf.is_none() {
        Some("el PDF")
    } else {
        let cancelled = kept.invoice.status == Status::Cancelled;
        (cancelled && kept.files.acuse.is_none()).then_some("el acuse de cancelación")
    };
    match missing {
        Some(document) => Err(Failure::retry(format!("Gigstack no entrega todavía {document}"))),
        None => Ok(Found::Invoice(kept)),
    }
}

impl Job for Keep {
    type Done = Found;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, task: &Task) -> Result<Found, Failure> {
        let young = self.clock.now() - task.created_at < CONFIRMED_WITHIN;
        match self.find(&wanted(task)?).await {
            Ok(Found::Missing) if young => Err(ApiError::Missing.into()),
            Ok(Found::Missing) => Ok(Found::Unconfirmed(ApiError::Missing.to_string())),
            Err(Failure::Park(reason)) => Ok(Found::Unconfirmed(reason)),
            found => found,
        }
    }

    async fn record(&self, task: &Task, found: Found, work: &mut Work) -> Result<(), Failure> {
        match found {
            Found::Invoice(kept) => {
                counted("stored");
                super::record(&kept, self.rules.tell_client, work).await
            }
            Found::OpenReceipt => {
                work.end(Verdict::Ignored(
                    "nobody has made an invoice from it yet".to_owned(),
                ));
                Ok(())
            }
            Found::Erased => {
                work.end(Verdict::Ignored(
                    "its time is over and its documents were removed".to_owned(),
                ));
                Ok(())
            }
            Found::Missing => Err(ApiError::Missing.into()),
            Found::Unconfirmed(reason) => {
                counted("refused");
                work.park_cause(&format!("unconfirmed: {reason}")).await?;
                work.park(reason.clone());
                work.say(Fact::InvoiceUnconfirmed {
                    subject: wanted(task)?.subject(),
                    reason,
                });
                Ok(())
            }
        }
    }
}

/// Shows to whoever watches what became of the documents of an invoice.
fn counted(outcome: &'static str) {
    metrics::counter!("documents_total", "outcome" => outcome).increment(1);
}

fn wanted(task: &Task) -> Result<Wanted, Failure> {
    serde_json::from_value(task.payload.clone())
        .map_err(|error| Failure::Park(format!("what is wanted cannot be read: {error}")))
}

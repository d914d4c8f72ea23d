//! A client is erased, as far as invoices know them: the contact of their requests, and documents whose time is over.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::store::erasure;
use crate::engine::Failure;
use crate::engine::job::{Job, NewJob, Task};
use crate::engine::work::Work;
use crate::ground::clock::{BUSINESS_ZONE, Clock};
use crate::ground::erasure::{Erasure, Law, Open};
use crate::ground::facts::{Document, Fact};
use crate::ground::values::ClientId;
use crate::tools::db::Db;
use crate::tools::objects::Objects;

const KIND: &str = "suprimir_factura";

/// What needs the person still.
pub async fn open(work: &mut Work, client: ClientId) -> Result<Vec<Open>, Failure> {
    let requests = erasure::open(work, client).await?.into_iter();
    let open = requests.map(|request| Open {
        what: format!("the self-invoice {request}"),
        hint: "the client can make it until the end of the year of the sale; have it made, or wait",
    });
    Ok(open.collect())
}

/// What an event about the client's invoices names.
pub async fn ids(work: &mut Work, client: ClientId, payments: &[String]) -> Result<Vec<String>, Failure> {
    erasure::ids(work, client, payments).await
}

/// Addresses and numbers that the client gave at the counter.
pub async fn contacts(work: &mut Work, client: ClientId) -> Result<Vec<String>, Failure> {
    erasure::contacts(work, client).await
}

/// Erases contacts now, and asks for the job that removes documents.
pub async fn erase(work: &mut Work, client: ClientId, payments: &[String]) -> Result<Erasure, Failure> {
    let mut done = Erasure::default();
    let forgotten = erasure::forget_contacts(work, client).await?;
    for service in &forgotten {
        work.audit("autofactura.contacto_suprimido", "servicios", service, json!({}));
    }
    done.removed("contacts and pages of self-invoices", forgotten.len() as u64);
    let invoices = erasure::invoices(work, client, payments, day(work.now())).await?;
    for invoice in &invoices.over {
        let job = NewJob::now(work, KIND, &Removal { invoice: *invoice })?;
        work.enqueue(job);
    }
    done.removed(
        "documents of invoices whose time is over (XML, PDF, receipt)",
        invoices.over.len() as u64,
    );
    done.kept(
        "invoices with their documents",
        invoices.kept,
        Law::Fiscal,
        invoices.until,
    );
    Ok(done)
}

fn day(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&BUSINESS_ZONE).date_naive()
}

/// Which invoice.
#[derive(Debug, Serialize, Deserialize)]
struct Removal {
    invoice: Uuid,
}

/// The job that removes the objects of an invoice whose time is over.
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
    /// The day on which it was found that its time is over.
    type Done = NaiveDate;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, task: &Task) -> Result<NaiveDate, Failure> {
        let today = day(self.clock.now());
        for key in erasure::keys_to_remove(&self.pool, removal(task)?.invoice, today).await? {
            self.objects.remove(&key).await?;
        }
        Ok(today)
    }

    async fn record(&self, task: &Task, today: NaiveDate, work: &mut Work) -> Result<(), Failure> {
        let Removal { invoice } = removal(task)?;
        if erasure::removed(work, invoice, today).await? {
            work.audit(
                "factura.documentos_suprimidos",
                "facturas_emitidas",
                invoice,
                json!({}),
            );
            work.say(Fact::DocumentErased { document: invoice });
            work.say(Fact::DocumentMoved(Document::Invoice(invoice)));
        }
        Ok(())
    }
}

fn removal(task: &Task) -> Result<Removal, Failure> {
    serde_json::from_value(task.payload.clone())
        .map_err(|error| Failure::Park(format!("the removal cannot be read: {error}")))
}

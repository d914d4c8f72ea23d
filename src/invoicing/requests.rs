//! What is asked of Gigstack: a page where a client makes the own invoice, and the global invoice of a month. The id of
//! the request is the idempotency key: asked twice, it is made once.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::documents::Wanted;
use super::gigstack::api::{ApiError, GigstackApi};
use super::gigstack::shapes::{Invoice, Receipt};
use super::store::requests::{self, Purpose, Wished};
use super::store::sales;
use crate::engine::Failure;
use crate::engine::job::{Job, NewJob, Task};
use crate::engine::work::{Verdict, Work};
use crate::ground::facts::{Contact, CounterInvoice, Fact};
use crate::ground::values::{Month, ServiceId};
use crate::tools::db::Db;

const KIND: &str = "solicitar_a_gigstack";

/// Which request to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Made {
    request: Uuid,
}

/// A service was paid at the counter: its client gets a page to make the own invoice, or the month's global invoice will
/// hold the sale.
pub async fn invoice_counter_sale(
    service: ServiceId,
    invoice: &CounterInvoice,
    work: &mut Work,
) -> Result<(), Failure> {
    match invoice {
        CounterInvoice::SelfService(contact) => self_invoice(service, contact, work).await?,
        CounterInvoice::Global => {
            if let Some(month) = sales::register(work, service).await? {
                let detail = json!({ "periodo": month.to_string() });
                work.audit("venta.registrada_para_global", "servicios", service, detail);
            }
        }
    }
    work.say(Fact::InvoiceMoved { service });
    Ok(())
}

/// Gigstack is asked for the page after the commit.
async fn self_invoice(service: ServiceId, contact: &Contact, work: &mut Work) -> Result<(), Failure> {
    sales::hold_service(work, service).await?;
    if sales::unregister(work, service).await? {
        work.audit("venta.retirada_de_global", "servicios", service, json!({}));
    } else if let Some(month) = sales::month_that_has(work, service).await? {
        // Two invoices for one sale would be two incomes: what to do is for a person.
        work.say(Fact::InvoiceWantedAfterGlobal { service, month });
        return Ok(());
    }
    match requests::wish(work, service, contact).await? {
        Wished::Noted(request) => {
            let detail = json!({ "solicitud": request });
            work.audit("autofactura.solicitada", "servicios", service, detail);
            ask(request, work)?;
        }
        Wished::Reachable {
            request,
            offered_to_nobody,
        } => {
            let detail = json!({ "solicitud": request });
            work.audit("autofactura.contacto_agregado", "servicios", service, detail);
            if offered_to_nobody {
                work.say(Fact::SelfInvoiceOffered { request, again: true });
            }
        }
        Wished::Known => {}
    }
    Ok(())
}

/// Asks after the commit.
pub(super) fn ask(request: Uuid, work: &mut Work) -> Result<(), Failure> {
    let job = NewJob::now(work, KIND, &Made { request })?;
    work.enqueue(job);
    Ok(())
}

/// The job that makes requests.
pub struct Ask {
    pool: Db,
    api: GigstackApi,
}

/// What Gigstack made of it.
pub enum Answer {
    /// The page for the client.
    Page(Receipt, ServiceId),
    /// An invoice.
    Invoice(Invoice),
    /// Nothing: its invoice came by another way meanwhile.
    Known,
}

impl Ask {
    /// Asks with our key.
    pub fn new(pool: Db, api: GigstackApi) -> Self {
        Self { pool, api }
    }

    async fn page(&self, request: Uuid, service: ServiceId) -> Result<Answer, Failure> {
        let asked = requests::self_invoice(&self.pool, request).await?;
        // Nothing in it that may be another the next time: under the same key, another body is refused. Nor whom the
        // link is for: that is not Gigstack's to know before the client says so there.
        let body = json!({
            "external_id": service,
            "currency": asked.currency,
            "payment_form": asked.payment_form,
            "payment_method": "PUE",
            "items": [item(&service.to_string(), &asked.description, asked.amount)],
            "metadata": { "servicio_id": service, "solicitud_id": request },
        });
        let answer = self.api.self_service(request, &body).await?;
        let receipt = Receipt::of(&answer).filter(|receipt| receipt.url.is_some());
        let receipt = receipt.ok_or(ApiError::Unreadable("la autofactura sin dirección"))?;
        Ok(Answer::Page(receipt, service))
    }

    async fn global(&self, request: Uuid, month: Month) -> Result<Answer, Failure> {
        let sales = sales::claimed(&self.pool, request).await?;
        // The form of payment is that of the largest sale (SAT, Guía de llenado del CFDI global, FormaPago).
        let largest = sales.iter().max_by_key(|sale| (sale.amount, sale.service));
        let largest = largest.ok_or_else(|| Failure::Park("the global invoice has no sales".to_owned()))?;
        let number = format!("{:02}", month.number());
        let body = json!({
            "currency": "MXN",
            "payment_form": largest.payment_form,
            "payment_method": "PUE",
            "global": { "periodicity": "04", "months": number, "year": month.year() },
            "items": sales.iter().map(|sale| item(&sale.folio, "Venta", sale.amount)).collect::<Vec<_>>(),
            "metadata": { "periodo": month.to_string(), "solicitud_id": request },
        });
        let answer = self.api.public(request, &body).await?;
        let invoice = Invoice::of(&answer).ok_or(ApiError::Unreadable("la factura global sin id"))?;
        Ok(Answer::Invoice(invoice))
    }
}

/// What was sold, taxes included: how much of it is tax is for Gigstack, where the products are configured.
fn item(id: &str, description: &str, amount: Decimal) -> Value {
    // Digits as they are, not through a float.
    let amount: Value = serde_json::from_str(&amount.to_string()).unwrap_or_default();
    json!({
        "id": id,
        "description": description,
        "quantity": 1,
        "unit_price": amount,
        "total": amount,
        "taxes_included": true,
    })
}

impl Job for Ask {
    type Done = Answer;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, task: &Task) -> Result<Answer, Failure> {
        let Made { request } = made(task)?;
        match requests::purpose(&self.pool, request).await? {
            Purpose::SelfInvoice(service) => self.page(request, service).await,
            Purpose::Global(month) => self.global(request, month).await,
            Purpose::Stamped => Ok(Answer::Known),
        }
    }

    async fn record(&self, task: &Task, answer: Answer, work: &mut Work) -> Result<(), Failure> {
        let Made { request } = made(task)?;
        match answer {
            Answer::Page(receipt, service) => {
                if requests::open(work, request, &receipt).await? {
                    work.audit(
                        "autofactura.ofrecida",
                        "servicios",
                        service,
                        json!({ "recibo": receipt.id }),
                    );
                    work.say(Fact::InvoiceMoved { service });
                    work.say(Fact::SelfInvoiceOffered {
                        request,
                        again: false,
                    });
                }
                Ok(())
            }
            Answer::Invoice(invoice) => {
                requests::made(work, request, &invoice.id).await?;
                let id = invoice.id;
                Wanted::Invoice { id, by_stripe: false }.ask(work)
            }
            Answer::Known => {
                work.end(Verdict::Ignored("its invoice is stored already".to_owned()));
                Ok(())
            }
        }
    }
}

fn made(task: &Task) -> Result<Made, Failure> {
    serde_json::from_value(task.payload.clone())
        .map_err(|error| Failure::Park(format!("the request cannot be read: {error}")))
}

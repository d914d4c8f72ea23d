//! Invoicing: what Gigstack stamps, `facturas_emitidas`, self-invoices and the global invoice. What the law calls an
//! invoice in Mexico is an XML document, the CFDI.

pub mod cfdi;
pub mod documents;
pub mod erasure;
pub mod gigstack;
pub mod global;
pub mod reconcile;
mod requests;
mod store;

use serde_json::json;

pub use documents::{Keep, Rules};
pub use gigstack::{Door, Gigstack};
pub use reconcile::Reconcile;
pub use requests::{Ask, invoice_counter_sale};

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::Fact;
use crate::ground::values::ServiceId;
use documents::Wanted;
use store::invoices::{self, Files, Kept, Recorded};

/// Records an invoice whose documents are stored, and says what changed.
async fn record(kept: &Kept, tell_client: bool, work: &mut Work) -> Result<(), Failure> {
    let recorded = invoices::record(work, kept).await?;
    let Files { xml, pdf, acuse } = &kept.files;
    for (part, file) in [("xml", xml), ("pdf", pdf), ("acuse", acuse)] {
        if let Some(fact) = file.as_ref().and_then(|file| file.fact(recorded.id, part)) {
            work.say(fact);
        }
    }
    let cancelled = recorded.now == "cancelada";
    if !recorded.has_pdf || (cancelled && !recorded.has_acuse) {
        Wanted::Rest { uuid: kept.cfdi.uuid }.ask(work)?;
    }
    let same = recorded.before.as_ref() == Some(&recorded.now);
    // Its request may have become known after the invoice.
    let completed = match recorded.request {
        Some(request) => store::requests::complete(work, request).await?,
        None => false,
    };
    if completed || !same {
        global::recorded(kept, &recorded, work).await?;
    }
    if let Some(service) = recorded.service.filter(|_| completed || !same) {
        moved(service, work).await?;
    }
    if same {
        return Ok(());
    }
    audit(kept, &recorded, work);
    if cancelled {
        work.say(Fact::InvoiceCancelled {
            invoice: recorded.id,
            service: recorded.service,
        });
    } else if let Some(service) = recorded.service.filter(|_| tell_client) {
        work.say(Fact::InvoiceReady {
            invoice: recorded.id,
            service,
        });
    }
    Ok(())
}

/// Another invoice of a service counts now, or one less.
async fn moved(service: ServiceId, work: &mut Work) -> Result<(), Failure> {
    let valid = invoices::valid(work, service).await?;
    work.say(Fact::InvoiceMoved { service });
    work.say(if valid.len() > 1 {
        Fact::InvoicedTwice {
            service,
            invoices: valid,
        }
    } else {
        Fact::InvoicedOnce { service }
    });
    Ok(())
}

fn audit(kept: &Kept, recorded: &Recorded, work: &mut Work) {
    let action = if recorded.now == "cancelada" {
        "factura.cancelada"
    } else {
        "factura.emitida"
    };
    let sha256 = |file: &Option<invoices::File>| file.as_ref().map(|file| file.sha256.clone());
    let detail = json!({
        "uuid_sat": kept.cfdi.uuid,
        "confianza": "refetch",
        "origen": recorded.origin,
        "antes": recorded.before,
        "sha256_xml": sha256(&kept.files.xml),
        "sha256_pdf": sha256(&kept.files.pdf),
        "sha256_acuse": sha256(&kept.files.acuse),
    });
    work.audit(action, "facturas_emitidas", recorded.id, detail);
}

/// A payment of Stripe's pays a service: its invoice, if that came first, is for that service.
pub async fn link(service: ServiceId, payment: &str, work: &mut Work) -> Result<(), Failure> {
    for invoice in invoices::link(work, payment, service).await? {
        let detail = json!({ "pago": payment, "servicio": service });
        work.audit("factura.vinculada", "facturas_emitidas", invoice, detail);
        moved(service, work).await?;
    }
    Ok(())
}

/// A subscription moved on: invoices of its payments are for its contract.
pub async fn link_contract(subscription: &str, work: &mut Work) -> Result<(), Failure> {
    for invoice in invoices::link_contract(work, subscription).await? {
        let detail = json!({ "suscripcion": subscription });
        work.audit("factura.vinculada", "facturas_emitidas", invoice, detail);
    }
    Ok(())
}

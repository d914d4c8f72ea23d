//! What follows when a global invoice is recorded, or its cancellation.

use serde_json::json;
use uuid::Uuid;

use super::compare::{Comparison, compare};
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::Fact;
use crate::ground::values::{Month, ServiceId};
use crate::invoicing::cfdi::InformacionGlobal;
use crate::invoicing::store::invoices::{Kept, Recorded};
use crate::invoicing::store::{requests, sales};

/// Compares a new global invoice with the sales, or gives the sales of a cancelled one back.
pub async fn recorded(kept: &Kept, recorded: &Recorded, work: &mut Work) -> Result<(), Failure> {
    if recorded.origin != "global" && recorded.asked.is_none() {
        return Ok(());
    }
    let lines = &kept.cfdi.conceptos;
    let folios: Vec<String> = lines
        .iter()
        .filter_map(|line| line.no_identificacion.clone())
        .collect();
    let asked = answered(kept, recorded, &folios, work).await?;
    let request = asked.map(|(request, _)| request);
    let month = asked.map(|(_, month)| month).or_else(|| kept.month());
    let month = month.map_or_else(|| "un mes desconocido".to_owned(), |month| month.to_string());
    if recorded.now == "cancelada" {
        return give_back(recorded.id, request, month, work).await;
    }
    let found = sales::look(work, request, &folios).await?;
    let mut comparison = compare(recorded.id, lines, &found, request.is_some());
    let stated = kept.cfdi.informacion_global;
    let another = asked.and_then(|(_, month)| another_month(month, stated));
    comparison.differences.splice(0..0, another);
    settle(recorded.id, &comparison, work).await?;
    if let Some(difference) = comparison.told() {
        work.say(Fact::GlobalInvoiceDiffers {
            invoice: recorded.id,
            month: month.clone(),
            difference,
        });
    }
    if request.is_some() && sales::all_held(work, &month).await? {
        work.say(Fact::GlobalInvoiceComplete { month });
    }
    Ok(())
}

/// The request that the document answers. A webhook may come before Gigstack's answer to the request, and need not repeat
/// what the request noted; the folios are ours all the same.
async fn answered(
    kept: &Kept,
    recorded: &Recorded,
    folios: &[String],
    work: &mut Work,
) -> Result<Option<(Uuid, Month)>, Failure> {
    if recorded.asked.is_some() {
        return Ok(recorded.request.zip(recorded.asked));
    }
    let found = requests::of_folios(work, folios).await?;
    if let Some((request, _)) = found {
        requests::made(work, request, &kept.invoice.id).await?;
        requests::complete(work, request).await?;
    }
    Ok(found)
}

/// Without the period in Gigstack's answer, the check of the document did not know it.
fn another_month(asked: Month, stated: Option<InformacionGlobal>) -> Option<String> {
    match stated {
        Some(stated) if stated == InformacionGlobal::monthly(asked.year(), asked.number()) => None,
        Some(stated) => Some(format!(
            "es del periodo {:02} de {} (periodicidad {:02})",
            stated.meses, stated.anio, stated.periodicidad
        )),
        None => Some("no es una factura global".to_owned()),
    }
}

async fn settle(invoice: Uuid, comparison: &Comparison, work: &mut Work) -> Result<(), Failure> {
    let Comparison {
        held,
        matching,
        missing,
        differences,
    } = comparison;
    if held.is_empty() && missing.is_empty() {
        return Ok(());
    }
    sales::hold(work, invoice, held, matching).await?;
    sales::release(work, missing).await?;
    let detail = json!({
        "ventas": held.len(),
        "conciliadas": matching.len(),
        "faltan": missing.len(),
        "diferencias": differences.len(),
    });
    work.audit("factura_global.conciliada", "facturas_emitidas", invoice, detail);
    let services = held.iter().chain(missing).copied().map(ServiceId).collect();
    work.say(Fact::InvoicesMoved { services });
    Ok(())
}

async fn give_back(
    invoice: Uuid,
    request: Option<Uuid>,
    month: String,
    work: &mut Work,
) -> Result<(), Failure> {
    let services = sales::release_all(work, invoice, request).await?;
    // Those of an invoice that Gigstack made by itself are not ours.
    if services.is_empty() {
        return Ok(());
    }
    let detail = json!({ "ventas": services.len(), "periodo": month });
    work.audit(
        "factura_global.ventas_liberadas",
        "facturas_emitidas",
        invoice,
        detail,
    );
    work.say(Fact::InvoicesMoved { services });
    work.say(Fact::GlobalInvoiceCancelled { month });
    Ok(())
}

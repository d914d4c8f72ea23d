//! Payments: what Stripe tells, `stripe.*`, and the payment of `servicios`.

pub mod api;
mod ask;
pub mod counter;
pub mod erasure;
mod events;
mod objects;
mod order;
mod read;
pub mod reconcile;
pub mod signature;
mod store;
mod stripe;
mod told;
mod watch;

pub use ask::Ask;
pub use events::handled;
pub use reconcile::Reconcile;
pub use stripe::Stripe;
pub use watch::{Endpoint, Trouble, Watch};

use serde_json::json;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::ServiceId;

/// Shows on the service where its invoice stands.
pub async fn show_invoice(service: ServiceId, work: &mut Work) -> Result<(), Failure> {
    show_invoices(&[service], work).await
}

/// The same for many services.
pub async fn show_invoices(services: &[ServiceId], work: &mut Work) -> Result<(), Failure> {
    for shown in store::services::show_invoices(work, services).await? {
        let detail = json!({ "antes": shown.before, "ahora": shown.now });
        work.audit("servicio.estado_factura", "servicios", shown.service, detail);
    }
    Ok(())
}

//! Contracts: `contratos_b2b`, what a subscription pays for; `contratos_firmados`, what Mifiel had signed.

mod documents;
pub mod erasure;
pub mod list;
pub mod mifiel;
pub mod page;
pub mod reconcile;
mod reminders;
pub mod sending;
mod store;

pub use documents::Keep;
pub use mifiel::Mifiel;
pub use reconcile::Reconcile;
pub use reminders::Remind;

use serde_json::json;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::{Fact, SubscriptionStanding};
use crate::ground::values::ContractId;
use store::contracts::{self, Moved};

/// Brings the contract to where its subscription stands: last payment, next charge, a new count of services when a
/// period was paid, and whether it is in order, behind or over.
pub async fn follow(standing: &SubscriptionStanding, work: &mut Work) -> Result<(), Failure> {
    let Some(moved) = contracts::follow(work, standing).await? else {
        unmatched(standing, work);
        return Ok(());
    };
    for action in actions(&moved) {
        let detail = json!({
            "suscripcion": standing.subscription,
            "factura_stripe": standing.last_payment.as_ref().map(|payment| &payment.invoice),
            "antes": moved.before,
        });
        work.audit(action, "contratos_b2b", moved.contract, detail);
    }
    if matches!(moved.now.as_str(), "pendiente_firma" | "rechazado") {
        settle(moved.contract, work).await?;
    }
    if moved.now == "inactivo" && moved.before != "inactivo" {
        work.say(Fact::ContractEnded {
            contract: moved.contract,
            subscription: standing.subscription.clone(),
        });
    }
    Ok(())
}

/// Puts a contract into force once it is signed, and paid where it is a subscription.
async fn settle(contract: ContractId, work: &mut Work) -> Result<(), Failure> {
    let Some(settled) = contracts::settle(work, contract).await? else {
        return Ok(());
    };
    let action = match settled.now.as_str() {
        "activo" => "contrato.activado",
        "moroso" => "contrato.moroso",
        "rechazado" => "contrato.marcado_rechazado",
        _ => "contrato.en_espera_de_firma",
    };
    work.audit(
        action,
        "contratos_b2b",
        contract,
        json!({ "antes": settled.before }),
    );
    Ok(())
}

/// What the audit log says of a move.
fn actions(moved: &Moved) -> Vec<&'static str> {
    let state = (moved.before != moved.now).then_some(match moved.now.as_str() {
        "inactivo" => "contrato.inactivado",
        "moroso" => "contrato.moroso",
        _ => "contrato.al_corriente",
    });
    let paid = moved.paid.then_some("contrato.pago_registrado");
    let renewed = moved.renewed.then_some("contrato.periodo_renovado");
    let mut actions: Vec<&'static str> = [state, paid, renewed].into_iter().flatten().collect();
    if actions.is_empty() && moved.written {
        actions.push("contrato.actualizado");
    }
    actions
}

/// Nobody has that subscription. It matters once money came or the subscription ended.
fn unmatched(standing: &SubscriptionStanding, work: &mut Work) {
    if standing.last_payment.is_some() || standing.ended_at.is_some() {
        work.say(Fact::SubscriptionUnmatched {
            subscription: standing.subscription.clone(),
        });
        work.park(format!(
            "unmatched: no contract has the subscription {}",
            standing.subscription
        ));
    }
}

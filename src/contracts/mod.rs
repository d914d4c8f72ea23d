//! Contracts: `contratos_b2b`, what a subscription pays for.

mod store;

use serde_json::json;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::{Fact, SubscriptionPayment};
use crate::ground::values::ContractId;
use chrono::{DateTime, Utc};
use store::Change;

/// A period was paid: last payment, next charge, and a new count of services.
pub async fn record_payment(payment: &SubscriptionPayment, work: &mut Work) -> Result<(), Failure> {
    match store::record_payment(work, payment).await? {
        Change::Done(contract) => {
            let detail = json!({ "factura_stripe": payment.invoice, "monto": payment.amount.to_string() });
            work.audit("contrato.pago_registrado", "contratos_b2b", contract, detail);
        }
        Change::Before => {}
        Change::NoContract => unmatched(&payment.subscription, work),
    }
    Ok(())
}

/// The subscription ended: the contract is inactive from then on.
pub async fn end(
    subscription: &str,
    named: Option<ContractId>,
    ended_at: DateTime<Utc>,
    work: &mut Work,
) -> Result<(), Failure> {
    match store::end(work, subscription, named, ended_at).await? {
        Change::Done(contract) => {
            work.audit(
                "contrato.inactivado",
                "contratos_b2b",
                contract,
                json!({ "suscripcion": subscription }),
            );
            work.say(Fact::ContractEnded {
                contract,
                subscription: subscription.to_owned(),
            });
        }
        Change::Before => {}
        Change::NoContract => unmatched(subscription, work),
    }
    Ok(())
}

fn unmatched(subscription: &str, work: &mut Work) {
    work.say(Fact::SubscriptionUnmatched {
        subscription: subscription.to_owned(),
    });
    work.park(format!(
        "unmatched: no contract has the subscription {subscription}"
    ));
}

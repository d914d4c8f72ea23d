//! Money that goes back: refunds and disputes.

use super::super::objects::{Dispute, Refund};
use super::super::store::payments;
use super::super::told::Told;
use super::{keep, payment};
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::Fact;

/// A refund.
pub async fn refund(refund: &Refund, told: &Told, work: &mut Work) -> Result<(), Failure> {
    let taken = keep(refund, told, work).await?;
    let payment = match (&refund.payment_intent_id, &refund.charge_id) {
        (Some(payment), _) => Some(payment.clone()),
        (None, Some(charge)) => payments::of_charge(work, charge).await?,
        (None, None) => None,
    };
    if let Some(payment) = payment {
        payment::settle(&payment, work).await?;
    }
    let failed_before = matches!(taken.before("status"), Some("failed" | "canceled"));
    if taken.written && refund.came_to_nothing() && !failed_before {
        work.say(Fact::RefundFailed {
            refund: refund.id.clone(),
            reason: refund
                .failure_reason
                .clone()
                .unwrap_or_else(|| refund.status.clone()),
        });
    }
    Ok(())
}

/// A dispute.
pub async fn dispute(dispute: &Dispute, told: &Told, work: &mut Work) -> Result<(), Failure> {
    let taken = keep(dispute, told, work).await?;
    if !taken.written || taken.before("status") == Some(dispute.status.as_str()) {
        return Ok(());
    }
    work.say(match dispute.status.as_str() {
        "won" | "warning_closed" | "prevented" => Fact::DisputeWon {
            dispute: dispute.id.clone(),
        },
        "lost" => Fact::DisputeLost {
            dispute: dispute.id.clone(),
            payment: dispute.payment_intent_id.clone(),
            amount: format!("{} {}", dispute.amount, dispute.currency),
        },
        status => Fact::Disputed {
            dispute: dispute.id.clone(),
            payment: dispute.payment_intent_id.clone(),
            amount: format!("{} {}", dispute.amount, dispute.currency),
            status: status.to_owned(),
            due: dispute.evidence_due_by,
        },
    });
    Ok(())
}

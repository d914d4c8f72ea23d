//! Payments of services, their charges and the Checkout Sessions they come from.

use super::super::ask::Question;
use super::super::objects::{Charge, CheckoutSession, Payment};
use super::super::store::rows::Taken;
use super::super::store::services::Standing;
use super::super::store::{payments, services};
use super::super::told::Told;
use super::customers::client_of;
use super::keep;
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::Fact;
use crate::ground::values::ServiceId;

/// A PaymentIntent.
pub async fn payment(payment: &Payment, told: &Told, work: &mut Work) -> Result<(), Failure> {
    let taken = keep(payment, told, work).await?;
    let settled = settle_held(&payment.id, taken.is_new(), work).await?;
    if taken.written {
        failed(payment, &settled, &taken, told, work).await?;
        awaited(payment, &settled, work).await?;
    }
    Ok(())
}

/// A charge may name the service when the payment does not, and knows what was given back.
pub async fn charge(charge: &Charge, told: &Told, work: &mut Work) -> Result<(), Failure> {
    keep(charge, told, work).await?;
    match &charge.payment_intent_id {
        Some(payment) => settle(payment, work).await,
        None => Ok(()),
    }
}

/// A Checkout Session may name the service when neither payment nor charge does.
pub async fn session(session: &CheckoutSession, told: &Told, work: &mut Work) -> Result<(), Failure> {
    keep(session, told, work).await?;
    if let Some(subscription) = &session.subscription_id {
        super::billing::stand(subscription, work).await?;
    }
    if let Some(payment) = &session.payment_intent_id {
        settle(payment, work).await?;
    }
    Ok(())
}

/// What a payment turned out to be for.
#[derive(Default)]
struct Settled {
    /// The service.
    service: Option<Standing>,
    /// Whether it is, or may be, a subscription's: then its invoice has events of its own.
    subscription: bool,
    /// What arrived for nobody.
    unmatched: Option<String>,
}

/// Derives anew what stands on a payment. When it has not come yet, it finds what was told before it when it does.
pub async fn settle(payment: &str, work: &mut Work) -> Result<(), Failure> {
    if payments::hold(work, payment).await? {
        settle_held(payment, false, work).await?;
    }
    Ok(())
}

/// Stripe was asked what a payment is for; when it does not know either, a person has to.
pub async fn purpose_answered(payment: &str, work: &mut Work) -> Result<(), Failure> {
    if !payments::hold(work, payment).await? {
        return Ok(());
    }
    if let Some(amount) = derive(payment, false, work).await?.unmatched {
        work.say(Fact::PaymentUnmatched {
            payment: payment.to_owned(),
            amount,
        });
    }
    Ok(())
}

async fn settle_held(payment: &str, is_new: bool, work: &mut Work) -> Result<Settled, Failure> {
    let settled = derive(payment, is_new, work).await?;
    if let Some(amount) = settled.unmatched.clone() {
        unmatched(payment, amount, settled.subscription, work)?;
    }
    Ok(settled)
}

async fn derive(payment: &str, is_new: bool, work: &mut Work) -> Result<Settled, Failure> {
    let Some(purpose) = payments::purpose(work, payment).await? else {
        return Ok(Settled::default());
    };
    // First the one that it leaves: no two services are credited with one payment.
    if let Some(left) = purpose.left {
        settle_service(left, payment, work).await?;
    }
    let service = match purpose.service {
        Some(service) => settle_service(service, payment, work).await?,
        None => None,
    };
    let matched = service.is_some() || purpose.invoice.is_some();
    if matched && !is_new {
        work.say(Fact::PaymentMatched {
            payment: payment.to_owned(),
        });
    }
    Ok(Settled {
        service,
        subscription: purpose.invoice.is_some() || purpose.subscribed,
        unmatched: (purpose.paid && !matched).then_some(purpose.amount),
    })
}

/// None when there is no such service.
async fn settle_service(
    service: ServiceId,
    payment: &str,
    work: &mut Work,
) -> Result<Option<Standing>, Failure> {
    let Some(standing) = services::derive(work, service).await? else {
        return Ok(None);
    };
    if standing.written {
        work.audit(action(&standing), "servicios", service, standing.detail());
    }
    if standing.changed() {
        say_changed(service, &standing, work);
    }
    let its_own = standing.surplus.as_deref() == Some(payment);
    if its_own {
        work.park(format!(
            "service {service} had been paid by another payment: a refund may be due"
        ));
    }
    // What else happens to that service is no second alarm.
    let other_credit = standing.credited != standing.credited_before;
    if let Some(surplus) = standing.surplus.as_ref().filter(|_| its_own || other_credit) {
        work.say(Fact::PaidTwice {
            service,
            payment: surplus.clone(),
        });
    }
    Ok(Some(standing))
}

/// What the audit log says of a write.
fn action(standing: &Standing) -> &'static str {
    match standing.now.as_str() {
        "fallido" => "servicio.pago_fallido",
        _ if !standing.changed() => "servicio.pago_actualizado",
        "pagado" => "servicio.pagado",
        "cancelado" => "servicio.pago_cancelado",
        "reembolsado" => "servicio.reembolsado",
        "parcialmente_reembolsado" => "servicio.parcialmente_reembolsado",
        _ => "servicio.pago_pendiente",
    }
}

fn say_changed(service: ServiceId, standing: &Standing, work: &mut Work) {
    let refunded = |state: &str| matches!(state, "reembolsado" | "parcialmente_reembolsado");
    let Some(payment) = standing.credited.clone() else {
        return;
    };
    if standing.credited != standing.credited_before {
        work.say(Fact::PaymentCredited {
            service,
            payment: payment.clone(),
        });
    }
    if let (true, Some(amount)) = (refunded(&standing.now), standing.refunded.clone()) {
        work.say(Fact::ServiceRefunded {
            service,
            payment,
            refunded: amount,
            whole: standing.now == "reembolsado",
        });
        return;
    }
    if refunded(&standing.before) {
        work.say(Fact::ServiceRefundUndone { service });
    }
    if let Some(paid) = standing.paid.clone().filter(|paid| *paid != standing.price) {
        work.say(Fact::PaidOtherAmount {
            service,
            payment,
            expected: standing.price.clone(),
            paid,
        });
    }
}

/// Money that names nothing of ours. Since basil a subscription's payment does not tell its invoice: Stripe is asked.
fn unmatched(payment: &str, amount: String, subscribed: bool, work: &mut Work) -> Result<(), Failure> {
    Question::purpose_of(payment).ask(work)?;
    if subscribed {
        return Ok(()); // nobody is alarmed before Stripe has answered
    }
    work.say(Fact::PaymentUnmatched {
        payment: payment.to_owned(),
        amount,
    });
    work.park("unmatched: metadata.service_id names no service of ours".to_owned());
    Ok(())
}

/// An attempt failed that was not known to have failed.
async fn failed(
    payment: &Payment,
    settled: &Settled,
    taken: &Taken,
    told: &Told,
    work: &mut Work,
) -> Result<(), Failure> {
    let Some(code) = payment
        .failure_code
        .clone()
        .filter(|_| payment.status == "requires_payment_method")
    else {
        return Ok(());
    };
    let known = taken.before("failure_code").is_some()
        && taken.before("charge_id") == payment.charge_id.as_deref()
        && taken.before("status") == Some(payment.status.as_str());
    let paid = settled
        .service
        .as_ref()
        .is_some_and(|service| !service.awaits_payment());
    let told_by_invoice = settled.service.is_none() && settled.subscription;
    if known || paid || told_by_invoice {
        return Ok(());
    }
    let service = settled.service.as_ref().map(|service| service.service);
    let client = client_of(service, payment.customer_id.as_deref(), work).await?;
    if client.is_none() {
        work.park("unmatched: it names neither a service nor a client of ours, so nobody could be told");
    }
    let time = || told.at.timestamp().to_string();
    work.say(Fact::PaymentFailed {
        service,
        client,
        payment: payment.id.clone(),
        code,
        attempt: payment.charge_id.clone().unwrap_or_else(time),
    });
    Ok(())
}

/// The payer has to pay somewhere else. Nobody is sent to pay what is paid, or with a voucher that is over.
async fn awaited(payment: &Payment, settled: &Settled, work: &mut Work) -> Result<(), Failure> {
    let Some(by) = payment.instructions else {
        return Ok(());
    };
    let service = settled.service.as_ref();
    let over = payment.instructions_expire.is_some_and(|end| end <= work.now());
    if over || service.is_some_and(|service| !service.awaits_payment()) {
        return Ok(());
    }
    let service = service.map(|service| service.service);
    let missing = payment
        .amount_remaining
        .filter(|missing| *missing != payment.amount);
    if let Some(client) = client_of(service, payment.customer_id.as_deref(), work).await? {
        work.say(Fact::PaymentAwaited {
            client,
            payment: payment.id.clone(),
            by,
            until: payment.instructions_expire,
            missing: missing.map(|missing| format!("{missing} {}", payment.currency)),
        });
    }
    Ok(())
}

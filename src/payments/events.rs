//! What each of Stripe's events does, kind by kind. Only our own tables here; the rest is said as a fact.

use serde_json::json;

use super::shapes::{Invoice, PaymentIntent, Subscription};
use super::store::{self, Credit, Failed};
use crate::engine::Failure;
use crate::engine::source::Event;
use crate::engine::work::Work;
use crate::ground::facts::{Fact, SubscriptionPayment};
use crate::ground::values::ServiceId;

/// `payment_intent.succeeded`: the service it names is paid. Gigstack invoices it by itself.
pub async fn payment_succeeded(
    event: &Event,
    payment: &PaymentIntent,
    work: &mut Work,
) -> Result<(), Failure> {
    if !store::keep_payment(work, event, payment).await? {
        return Ok(());
    }
    let credit = match payment.service {
        Some(service) => store::credit_service(work, service, payment, event.occurred_at).await?,
        None => Credit::NoService,
    };
    match (credit, payment.service) {
        (Credit::Done { expected }, Some(service)) => say_paid(payment, service, expected, work),
        (Credit::Before, _) => {}
        (Credit::PaidOtherwise, Some(service)) => {
            work.say(Fact::PaidTwice {
                service,
                payment: payment.id.clone(),
            });
            work.park(format!(
                "service {service} had been paid by another payment: a refund may be due"
            ));
        }
        // A subscription's payment: its invoice has an event of its own.
        _ if payment.invoice.is_some() => {}
        _ => unmatched(payment, work),
    }
    Ok(())
}

fn say_paid(payment: &PaymentIntent, service: ServiceId, expected: String, work: &mut Work) {
    let paid = payment.paid().to_string();
    let detail = json!({ "pago": payment.id, "monto": paid });
    work.audit("servicio.pagado", "servicios", service, detail);
    if expected != paid {
        work.say(Fact::PaidOtherAmount {
            service,
            payment: payment.id.clone(),
            expected,
            paid,
        });
    }
}

fn unmatched(payment: &PaymentIntent, work: &mut Work) {
    let amount = payment.paid().to_string();
    work.say(Fact::PaymentUnmatched {
        payment: payment.id.clone(),
        amount,
    });
    work.park("unmatched: metadata.service_id names no service of ours".to_owned());
}

/// `payment_intent.payment_failed`: the error is kept, and the client is asked for another payment method.
pub async fn payment_failed(event: &Event, payment: &PaymentIntent, work: &mut Work) -> Result<(), Failure> {
    if !store::keep_payment(work, event, payment).await? {
        return Ok(());
    }
    let code = payment
        .error
        .as_ref()
        .map_or("unknown", |error| error.code.as_str())
        .to_owned();
    let failed = match payment.service {
        Some(service) => store::fail_service(work, service, payment).await?,
        None => None,
    };
    let client = match &failed {
        Some(failed) if !failed.open => return Ok(()),
        Some(Failed {
            client: Some(client), ..
        }) => Some(*client),
        _ => store::client_of(work, payment.customer.as_deref()).await?,
    };
    if let (Some(service), Some(_)) = (payment.service, &failed) {
        let detail = json!({ "pago": payment.id, "codigo": code });
        work.audit("servicio.pago_fallido", "servicios", service, detail);
    }
    if client.is_none() {
        work.park(
            "unmatched: it names neither a service nor a client of ours, so nobody could be told".to_owned(),
        );
    }
    let service = failed.and(payment.service);
    work.say(Fact::PaymentFailed {
        service,
        client,
        payment: payment.id.clone(),
        code,
    });
    Ok(())
}

/// `invoice.payment_succeeded`: a subscription's period is paid.
pub async fn invoice_paid(event: &Event, invoice: &Invoice, work: &mut Work) -> Result<(), Failure> {
    let paid = store::keep_invoice(work, event, invoice).await? && invoice.settled();
    // Said again when the event comes again: the contract knows which invoice it counted last.
    if let (true, Some(subscription)) = (paid, &invoice.subscription) {
        work.say(Fact::SubscriptionPaid(SubscriptionPayment {
            subscription: subscription.clone(),
            contract: invoice.contract,
            invoice: invoice.id.clone(),
            amount: invoice.paid,
            paid_at: invoice.paid_at.unwrap_or(event.occurred_at),
            next_charge_at: invoice.period_end,
            starts_period: invoice.starts_period(),
        }));
    }
    Ok(())
}

/// `customer.subscription.deleted`: the contract ends.
pub async fn subscription_ended(
    event: &Event,
    subscription: &Subscription,
    work: &mut Work,
) -> Result<(), Failure> {
    store::keep_ended_subscription(work, event, subscription).await?;
    work.say(Fact::SubscriptionEnded {
        subscription: subscription.id.clone(),
        contract: subscription.contract,
        ended_at: subscription
            .ended_at
            .or(subscription.canceled_at)
            .unwrap_or(event.occurred_at),
    });
    Ok(())
}

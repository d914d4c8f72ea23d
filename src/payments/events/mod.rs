//! What follows from what Stripe tells of an object, family by family: keep it, derive what stands on it, and say what
//! changed. An event and Stripe's answer to a question go the same way.

mod billing;
mod customers;
mod money_back;
mod payment;

use chrono::{DateTime, Utc};

use super::ask::Question;
use super::objects::{
    Charge, CheckoutSession, Customer, Dispute, Family, Invoice, InvoicePayment, Kept, Payment,
    PaymentMethod, Refund, Subscription,
};
use super::read::Object;
use super::store::compare::{self, Difference};
use super::store::rows::{self, Taken};
use super::told::Told;
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::tools::db::Db;

/// The events that somebody here acts on, and the family of the object that each carries.
pub const HANDLED: &[(&str, Family)] = &[
    ("payment_intent.created", Family::PaymentIntent),
    ("payment_intent.requires_action", Family::PaymentIntent),
    ("payment_intent.processing", Family::PaymentIntent),
    ("payment_intent.partially_funded", Family::PaymentIntent),
    ("payment_intent.succeeded", Family::PaymentIntent),
    ("payment_intent.payment_failed", Family::PaymentIntent),
    ("payment_intent.canceled", Family::PaymentIntent),
    ("charge.succeeded", Family::Charge),
    ("charge.failed", Family::Charge),
    ("charge.updated", Family::Charge),
    ("charge.refunded", Family::Charge),
    ("charge.refund.updated", Family::Refund),
    ("refund.created", Family::Refund),
    ("refund.updated", Family::Refund),
    ("refund.failed", Family::Refund),
    ("charge.dispute.created", Family::Dispute),
    ("charge.dispute.updated", Family::Dispute),
    ("charge.dispute.closed", Family::Dispute),
    ("charge.dispute.funds_withdrawn", Family::Dispute),
    ("charge.dispute.funds_reinstated", Family::Dispute),
    ("customer.created", Family::Customer),
    ("customer.updated", Family::Customer),
    ("customer.deleted", Family::Customer),
    ("payment_method.attached", Family::PaymentMethod),
    ("payment_method.detached", Family::PaymentMethod),
    ("payment_method.updated", Family::PaymentMethod),
    ("payment_method.automatically_updated", Family::PaymentMethod),
    ("customer.subscription.created", Family::Subscription),
    ("customer.subscription.updated", Family::Subscription),
    ("customer.subscription.paused", Family::Subscription),
    ("customer.subscription.resumed", Family::Subscription),
    ("customer.subscription.deleted", Family::Subscription),
    ("customer.subscription.trial_will_end", Family::Subscription),
    ("invoice.created", Family::Invoice),
    ("invoice.finalized", Family::Invoice),
    ("invoice.finalization_failed", Family::Invoice),
    ("invoice.paid", Family::Invoice),
    ("invoice.payment_succeeded", Family::Invoice),
    ("invoice.payment_failed", Family::Invoice),
    ("invoice.payment_action_required", Family::Invoice),
    ("invoice.marked_uncollectible", Family::Invoice),
    ("invoice.voided", Family::Invoice),
    ("invoice_payment.paid", Family::InvoicePayment),
    ("checkout.session.completed", Family::CheckoutSession),
    (
        "checkout.session.async_payment_succeeded",
        Family::CheckoutSession,
    ),
    ("checkout.session.async_payment_failed", Family::CheckoutSession),
    ("checkout.session.expired", Family::CheckoutSession),
];

/// The types of the events that somebody here acts on.
pub fn handled() -> impl Iterator<Item = &'static str> {
    HANDLED.iter().map(|(event_type, _)| *event_type)
}

/// The family of the object that an event carries. None: nobody here acts on it.
pub fn family(event_type: &str) -> Option<Family> {
    HANDLED
        .iter()
        .find(|(handled, _)| *handled == event_type)
        .map(|(_, family)| *family)
}

/// Takes in an object of `family`.
pub async fn take_in(
    family: Family,
    object: Object<'_>,
    told: &Told,
    work: &mut Work,
) -> Result<(), Failure> {
    object.is_a(family.object())?;
    match family {
        Family::PaymentIntent => payment::payment(&Payment::read(object, told)?, told, work).await,
        Family::Charge => payment::charge(&Charge::read(object, told)?, told, work).await,
        Family::CheckoutSession => payment::session(&CheckoutSession::read(object, told)?, told, work).await,
        Family::Refund => money_back::refund(&Refund::read(object, told)?, told, work).await,
        Family::Dispute => money_back::dispute(&Dispute::read(object, told)?, told, work).await,
        Family::Customer => customers::customer(&Customer::read(object, told)?, told, work).await,
        Family::PaymentMethod => {
            keep(&PaymentMethod::read(object, told)?, told, work).await?;
            Ok(())
        }
        Family::Subscription => billing::subscription(&Subscription::read(object, told)?, told, work).await,
        Family::Invoice => billing::invoice(&Invoice::read(object, told)?, told, work).await,
        Family::InvoicePayment => {
            billing::invoice_payment(&InvoicePayment::read(object, told)?, told, work).await
        }
    }
}

/// Keeps the object, and asks Stripe when only Stripe can say which of two versions is the newer.
async fn keep<K: Kept>(object: &K, told: &Told, work: &mut Work) -> Result<Taken, Failure> {
    let taken = rows::take(work, object, told).await?;
    if taken.ask {
        Question::about(K::FAMILY, object.id()).ask(work)?;
    }
    Ok(taken)
}

/// How our row differs from an object of `family`.
pub async fn compare(
    family: Family,
    object: Object<'_>,
    told: &Told,
    pool: &Db,
    now: DateTime<Utc>,
) -> Result<Difference, Failure> {
    macro_rules! with {
        ($kept:ty) => {
            compare::compare(pool, &<$kept>::read(object, told)?, told, now).await
        };
    }
    match family {
        Family::PaymentIntent => with!(Payment),
        Family::Charge => with!(Charge),
        Family::CheckoutSession => with!(CheckoutSession),
        Family::Refund => with!(Refund),
        Family::Dispute => with!(Dispute),
        Family::Customer => with!(Customer),
        Family::PaymentMethod => with!(PaymentMethod),
        Family::Subscription => with!(Subscription),
        Family::Invoice => with!(Invoice),
        Family::InvoicePayment => with!(InvoicePayment),
    }
}

/// Stripe told what it knows of a payment's purpose.
pub async fn purpose_answered(payment: &str, work: &mut Work) -> Result<(), Failure> {
    payment::purpose_answered(payment, work).await
}

/// Stripe told which payment paid an invoice.
pub async fn payment_answered(invoice: &str, work: &mut Work) -> Result<(), Failure> {
    billing::paid_by(invoice, work).await.map(drop)
}

//! Subscriptions, their invoices, and which payment paid which invoice.

use super::super::ask::Question;
use super::super::objects::{Family, Invoice, InvoicePayment, Subscription};
use super::super::store::{payments, subscriptions};
use super::super::told::Told;
use super::customers::client_of;
use super::{keep, payment};
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::Fact;

/// A subscription.
pub async fn subscription(subscription: &Subscription, told: &Told, work: &mut Work) -> Result<(), Failure> {
    let taken = keep(subscription, told, work).await?;
    stand_held(&subscription.id, work).await?;
    let ending = told.is("customer.subscription.trial_will_end") && subscription.goes_on_after_trial();
    // A trial that is made shorter has two events with the same content: the notice has a key, so each may ask for it.
    if let (true, true, Some(ends_at)) = (taken.shown, ending, subscription.trial_end)
        && ends_at > work.now()
        && let Some(client) = client_of(None, subscription.customer_id.as_deref(), work).await?
    {
        work.say(Fact::TrialEnding {
            client,
            subscription: subscription.id.clone(),
            ends_at,
        });
    }
    Ok(())
}

/// Derives anew where a subscription stands.
pub async fn stand(subscription: &str, work: &mut Work) -> Result<(), Failure> {
    subscriptions::hold(work, subscription).await?;
    stand_held(subscription, work).await
}

async fn stand_held(subscription: &str, work: &mut Work) -> Result<(), Failure> {
    let standing = subscriptions::standing(work, subscription).await?;
    work.say(Fact::SubscriptionStands(standing));
    Ok(())
}

/// An invoice.
pub async fn invoice(invoice: &Invoice, told: &Told, work: &mut Work) -> Result<(), Failure> {
    let taken = keep(invoice, told, work).await?;
    if let Some(subscription) = &invoice.subscription_id {
        stand(subscription, work).await?;
    }
    let paid = invoice.status == "paid" && !invoice.amount_paid.is_zero();
    // Since basil the event does not tell by what; `invoice_payment.paid` does, when the endpoint has it, and Stripe.
    if !paid_by(&invoice.id, work).await? && paid {
        Question::payment_of(&invoice.id).ask(work)?;
    }
    if told.is("invoice.finalization_failed") && taken.written {
        work.say(Fact::InvoiceStuck {
            invoice: invoice.id.clone(),
            reason: invoice
                .failure_code
                .clone()
                .unwrap_or_else(|| "unknown".to_owned()),
        });
    }
    // A try that failed and one that waits for the client can come with the same content in the same second.
    if taken.shown {
        tell_client(invoice, told, work).await?;
    }
    Ok(())
}

/// The payment of a paid invoice is kept too, whether its own event comes or not. False when it is not known which.
pub async fn paid_by(invoice: &str, work: &mut Work) -> Result<bool, Failure> {
    let Some(payment) = payments::of_invoice(work, invoice).await? else {
        return Ok(false);
    };
    if payments::assume_paid(work, invoice, &payment).await? {
        Question::about(Family::PaymentIntent, &payment).ask(work)?;
    }
    payment::settle(&payment, work).await?;
    Ok(true)
}

/// What the client has to see to.
async fn tell_client(invoice: &Invoice, told: &Told, work: &mut Work) -> Result<(), Failure> {
    let id = invoice.id.clone();
    let failed = told.is("invoice.payment_failed");
    let needs_client = told.is("invoice.payment_action_required");
    if !matches!(invoice.status.as_str(), "open" | "uncollectible") || !(failed || needs_client) {
        return Ok(());
    }
    let Some(client) = client_of(None, invoice.customer_id.as_deref(), work).await? else {
        work.park("unmatched: its customer is no client of ours, so nobody could be told");
        return Ok(());
    };
    work.say(if failed {
        Fact::InvoiceFailed {
            client,
            invoice: id,
            attempt: invoice.attempt_count.unwrap_or_else(|| told.at.timestamp()),
        }
    } else {
        Fact::InvoiceNeedsClient { client, invoice: id }
    });
    Ok(())
}

/// An invoice payment: it links the two.
pub async fn invoice_payment(link: &InvoicePayment, told: &Told, work: &mut Work) -> Result<(), Failure> {
    keep(link, told, work).await?;
    if let (Some(invoice), Some(_)) = (&link.invoice_id, &link.payment_intent_id) {
        paid_by(invoice, work).await?;
    }
    Ok(())
}

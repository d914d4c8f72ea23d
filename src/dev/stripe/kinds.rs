//! Which kinds of events there are, and what object each carries.

use serde_json::{Value, json};

use super::{Scene, billing, charge, customer, dispute, invoice, payment, payment_method, refund, session};

/// Every kind [`super::event`] can build, with what it stands for.
#[rustfmt::skip] // one line each
pub const KINDS: &[(&str, &str)] = &[
    ("payment_intent.created", "a payment was started, nothing is paid yet"),
    ("payment_intent.requires_action", "an OXXO voucher was issued and waits to be paid in cash"),
    ("payment_intent.processing", "an OXXO voucher expired; whether it was paid is still open"),
    ("payment_intent.partially_funded", "a SPEI transfer of a third of the price came in"),
    ("payment_intent.succeeded", "a service was paid by card"),
    ("payment_intent.payment_failed", "a card was declined: not enough funds"),
    ("payment_intent.canceled", "a payment was cancelled before it was paid"),
    ("charge.succeeded", "the charge of a card payment, with brand, last four digits and receipt"),
    ("charge.failed", "the charge of a declined card, with the bank's code"),
    ("charge.updated", "Stripe's fee for a charge is known: its balance transaction is there"),
    ("charge.refunded", "a charge was refunded in full"),
    ("charge.refund.updated", "the bank's reference of a refund has come (twin of refund.updated)"),
    ("charge.dispute.created", "a cardholder disputes a charge; evidence is due in ten days"),
    ("charge.dispute.funds_withdrawn", "the bank took the money of a disputed charge"),
    ("charge.dispute.updated", "evidence was handed in and is under review"),
    ("charge.dispute.closed", "a dispute is decided: lost"),
    ("charge.dispute.funds_reinstated", "a dispute was won and the money is back"),
    ("refund.created", "a refund was made, all of the charge"),
    ("refund.updated", "the bank's reference of a refund has come"),
    ("refund.failed", "the bank sent a refund back: the customer has no money"),
    ("customer.created", "a customer was created"),
    ("customer.updated", "a customer's default card was set"),
    ("customer.deleted", "a customer was deleted at Stripe"),
    ("payment_method.attached", "a card was kept with its customer"),
    ("payment_method.detached", "a card was taken off its customer"),
    ("payment_method.updated", "a card was changed through the API"),
    ("payment_method.automatically_updated", "the bank renewed a card: a later expiry"),
    ("customer.subscription.created", "a contract's subscription began and is active"),
    ("customer.subscription.updated", "a subscription was renewed: its period moved by a month"),
    ("customer.subscription.paused", "a subscription was paused: its trial ended without a means of payment"),
    ("customer.subscription.resumed", "a paused subscription goes on"),
    ("customer.subscription.trial_will_end", "a subscription's trial ends in three days"),
    ("customer.subscription.deleted", "a subscription ended at the customer's wish"),
    ("invoice.created", "a contract's monthly invoice was drafted"),
    ("invoice.finalized", "a contract's monthly invoice is final and about to be charged"),
    ("invoice.paid", "a contract's monthly invoice is paid, by whatever way"),
    ("invoice.payment_succeeded", "a contract's monthly invoice was charged (twin of invoice.paid)"),
    ("invoice.payment_failed", "a contract's monthly invoice could not be charged; one try of four"),
    ("invoice.payment_action_required", "the bank wants the customer to confirm the invoice's payment"),
    ("invoice.finalization_failed", "a monthly invoice could not be finalised; nobody is charged"),
    ("invoice.marked_uncollectible", "a monthly invoice was written off as a bad debt"),
    ("invoice.voided", "a monthly invoice was voided: it was a mistake"),
    ("invoice_payment.paid", "which payment paid which invoice"),
    ("checkout.session.completed", "a customer paid a service on the payment page"),
    ("checkout.session.async_payment_succeeded", "a voucher or transfer of the payment page was paid"),
    ("checkout.session.async_payment_failed", "a voucher or transfer of the payment page was not paid"),
    ("checkout.session.expired", "nobody paid on a payment page"),
];

/// The event's object.
pub(super) fn object(kind: &str, scene: &Scene) -> Option<Value> {
    let (family, what) = kind.rsplit_once('.')?;
    match family {
        "payment_intent" => of_payment(what, scene),
        "charge" | "charge.refund" | "charge.dispute" | "refund" => of_charge(kind, scene),
        "customer" | "payment_method" => of_customer(kind, scene),
        "customer.subscription" | "invoice" | "invoice_payment" => of_contract(kind, scene),
        "checkout.session" => of_session(what, scene),
        _ => None,
    }
}

fn of_payment(what: &str, scene: &Scene) -> Option<Value> {
    Some(match what {
        "created" => payment::created(scene),
        "requires_action" => payment::voucher_issued(scene),
        "processing" => payment::voucher_expired(scene),
        "partially_funded" => payment::partially_funded(scene),
        "succeeded" => payment::succeeded(scene),
        "payment_failed" => payment::failed(scene),
        "canceled" => payment::canceled(scene),
        _ => return None,
    })
}

fn of_charge(kind: &str, scene: &Scene) -> Option<Value> {
    Some(match kind {
        "charge.succeeded" => charge::succeeded(scene),
        "charge.failed" => charge::failed(scene),
        "charge.updated" => charge::captured(scene),
        "charge.refunded" => charge::refunded(scene),
        "refund.created" => refund::created(scene),
        "refund.updated" | "charge.refund.updated" => refund::referenced(scene),
        "refund.failed" => refund::failed(scene),
        "charge.dispute.created" => dispute::created(scene),
        "charge.dispute.funds_withdrawn" => dispute::funds_withdrawn(scene),
        "charge.dispute.updated" => dispute::answered(scene),
        "charge.dispute.closed" => dispute::lost(scene),
        "charge.dispute.funds_reinstated" => dispute::funds_reinstated(scene),
        _ => return None,
    })
}

fn of_customer(kind: &str, scene: &Scene) -> Option<Value> {
    Some(match kind {
        "customer.created" | "customer.deleted" => customer::customer(scene),
        "customer.updated" => customer::updated(scene),
        "payment_method.attached" => payment_method::attached(scene),
        "payment_method.detached" => payment_method::detached(scene),
        "payment_method.updated" | "payment_method.automatically_updated" => payment_method::renewed(scene),
        _ => return None,
    })
}

fn of_contract(kind: &str, scene: &Scene) -> Option<Value> {
    Some(match kind {
        "customer.subscription.created" | "customer.subscription.resumed" => billing::subscription(scene),
        "customer.subscription.paused" => billing::paused_subscription(scene),
        "customer.subscription.updated" => billing::renewed_subscription(scene),
        "customer.subscription.trial_will_end" => billing::ending_trial(scene),
        "customer.subscription.deleted" => billing::ended_subscription(scene),
        "invoice.created" => invoice::draft(scene),
        "invoice.finalized" => invoice::finalized(scene),
        "invoice.paid" | "invoice.payment_succeeded" => invoice::paid(scene),
        "invoice.payment_failed" => invoice::failed(scene),
        "invoice.payment_action_required" => invoice::action_required(scene),
        "invoice.finalization_failed" => invoice::not_finalized(scene),
        "invoice.marked_uncollectible" => invoice::written_off(scene),
        "invoice.voided" => invoice::voided(scene),
        "invoice_payment.paid" => invoice::payment(scene),
        _ => return None,
    })
}

fn of_session(what: &str, scene: &Scene) -> Option<Value> {
    Some(match what {
        "completed" | "async_payment_succeeded" => session::paid(scene),
        "async_payment_failed" => session::unpaid(scene),
        "expired" => session::expired(scene),
        _ => return None,
    })
}

/// What the object was before, where the event tells.
pub(super) fn previous(kind: &str, scene: &Scene, object: &Value) -> Option<Value> {
    Some(match kind {
        "charge.updated" => json!({ "balance_transaction": null }),
        "charge.refunded" => json!({ "amount_refunded": 0, "refunded": false }),
        "charge.dispute.updated" => json!({ "status": "needs_response" }),
        "refund.updated" | "charge.refund.updated" => json!({
            "destination_details": { "card": { "reference": null, "reference_status": "pending" } },
        }),
        "customer.updated" => json!({
            "currency": null, "invoice_settings": { "default_payment_method": null },
        }),
        // Who had it stands here only.
        "payment_method.detached" => json!({ "customer": scene.sample.customer_id }),
        "payment_method.updated" | "payment_method.automatically_updated" => {
            json!({ "card": { "exp_year": 2030 } })
        }
        "customer.subscription.paused" => json!({ "status": "trialing" }),
        "customer.subscription.resumed" => json!({ "status": "paused" }),
        "customer.subscription.updated" => billing::before_renewal(scene, object),
        _ => return None,
    })
}

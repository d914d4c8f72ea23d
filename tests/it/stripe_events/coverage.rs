//! No event is forgotten.

use std::collections::BTreeSet;

use onlycar::dev::stripe::KINDS;
use onlycar::payments::handled;

use super::{
    charges, checkout, customers, disputes, invoices, payment_methods, payments, refunds, subscriptions,
};
use crate::support::program::run_in;

/// Those of the two specifications, by name.
const SPECIFIED: [&str; 23] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.succeeded",
    "charge.failed",
    "charge.refunded",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.trial_will_end",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "charge.refund.updated",
    // Of the first document alone.
    "invoice.payment_succeeded",
];

/// Those that payments in Mexico and newer versions of the API need.
const FURTHER: [&str; 20] = [
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.partially_funded",
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "invoice.finalization_failed",
    "invoice_payment.paid",
    "payment_method.automatically_updated",
    "payment_intent.created",
];

fn cases() -> Vec<&'static str> {
    let families = [
        payments::CASES,
        charges::CASES,
        refunds::CASES,
        disputes::CASES,
        customers::CASES,
        payment_methods::CASES,
        subscriptions::CASES,
        invoices::CASES,
        checkout::CASES,
    ];
    families.concat()
}

#[test]
fn every_event_that_is_acted_on_has_a_case() {
    let cases = cases();
    let covered: BTreeSet<_> = cases.iter().copied().collect();
    assert_eq!(covered.len(), cases.len(), "two cases for one event");
    assert_eq!(covered, handled().collect());
}

#[test]
fn every_event_that_was_asked_for_is_acted_on() {
    let handled: BTreeSet<_> = handled().collect();
    for event in SPECIFIED.iter().chain(&FURTHER) {
        assert!(handled.contains(event), "{event}");
    }
}

#[tokio::test]
async fn every_event_that_is_acted_on_can_be_triggered() {
    let kinds: BTreeSet<_> = KINDS.iter().map(|(kind, _)| *kind).collect();
    let folder = tempfile::tempdir().unwrap();
    let list = run_in(folder.path(), &["trigger", "--list"]).await.out;
    let listed: BTreeSet<_> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    for event in handled() {
        assert!(kinds.contains(event), "no sample of {event}");
        assert!(listed.contains(event), "`trigger --list` does not name {event}");
    }
}

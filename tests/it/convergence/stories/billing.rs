//! Contracts: a subscription, its invoices and the payments that pay them.

use serde_json::{Value, json};

use crate::convergence::story::{DAY, MINUTE, Story, Teller, began, id};

const MONTH: i64 = 30 * DAY;

fn period(from: i64, to: i64) -> (Value, Value) {
    let at = |seconds: i64| json!(began().timestamp() + seconds);
    (at(from), at(to))
}

/// A subscription's fields in the month that begins so many seconds after the story.
fn month(status: &str, from: i64) -> Value {
    let (start, end) = period(from, from + MONTH);
    json!({
        "status": status,
        "items.data.0.current_period_start": start,
        "items.data.0.current_period_end": end,
        "latest_invoice": id("in", if from == 0 { "a" } else { "b" }),
    })
}

fn and(mut fields: Value, more: Value) -> Value {
    let (Value::Object(fields_), Value::Object(more)) = (&mut fields, more) else {
        unreachable!()
    };
    fields_.extend(more);
    fields
}

/// Its life alone, with a trial.
pub fn subscription_with_trial() -> Story {
    let mut it = Teller::new("subscription with trial");
    let (start, end) = period(0, 7 * DAY);
    let trial = json!({ "trial_start": start, "trial_end": end });
    it.with(
        "customer.subscription.created",
        &and(month("trialing", 0), trial.clone()),
    );
    it.after(4 * DAY).with(
        "customer.subscription.trial_will_end",
        &and(month("trialing", 0), trial.clone()),
    );
    it.after(3 * DAY).with(
        "customer.subscription.updated",
        &and(month("active", 7 * DAY), trial.clone()),
    );
    it.after(MONTH).with(
        "customer.subscription.updated",
        &and(month("past_due", 7 * DAY + MONTH), trial.clone()),
    );
    it.after(DAY).with(
        "customer.subscription.updated",
        &and(month("active", 7 * DAY + MONTH), trial),
    );
    it.done()
}

pub fn subscription_canceled() -> Story {
    let mut it = Teller::new("subscription canceled");
    it.with("customer.subscription.created", &month("active", 0));
    it.after(MONTH)
        .with("customer.subscription.updated", &month("past_due", MONTH));
    it.after(DAY).with(
        "customer.subscription.updated",
        &and(month("active", MONTH), json!({ "cancel_at_period_end": true })),
    );
    it.after(DAY).with(
        "customer.subscription.updated",
        &and(month("active", MONTH), json!({ "cancel_at_period_end": false })),
    );
    it.after(DAY)
        .with("customer.subscription.deleted", &month("canceled", MONTH));
    it.done()
}

pub fn subscription_never_paid() -> Story {
    let mut it = Teller::new("subscription never paid");
    it.with("customer.subscription.created", &month("incomplete", 0));
    it.tell("invoice.payment_failed");
    it.after(DAY)
        .with("customer.subscription.updated", &month("incomplete_expired", 0));
    it.with(
        "invoice.payment_failed",
        &json!({ "status": "void", "next_payment_attempt": null }),
    );
    it.done()
}

/// Active and paused in turns.
pub fn subscription_paused() -> Story {
    let mut it = Teller::new("subscription paused");
    it.with("customer.subscription.created", &month("trialing", 0));
    it.after(DAY).tell_with(
        "customer.subscription.paused",
        "customer.subscription.updated",
        &month("paused", 0),
    );
    it.after(DAY).tell_with(
        "customer.subscription.resumed",
        "customer.subscription.updated",
        &month("active", 2 * DAY),
    );
    it.after(DAY)
        .with("customer.subscription.updated", &month("past_due", MONTH));
    it.done()
}

/// The life of an invoice alone, with its twin at the end.
pub fn invoice_alone() -> Story {
    let mut it = Teller::new("invoice");
    it.tell("invoice.created");
    it.after(60 * MINUTE).tell("invoice.finalized");
    it.after(MINUTE).tell("invoice.payment_failed");
    it.after(3 * DAY)
        .with("invoice.paid", &json!({ "attempt_count": 2 }));
    it.with(
        "invoice.payment_succeeded",
        &paid_before(&json!({ "attempt_count": 2 }), 1, &it),
    );
    it.done()
}

/// The twin shows the same object.
fn paid_before(fields: &Value, seconds: i64, it: &Teller) -> Value {
    let paid_at = it.now().timestamp() + 1 - seconds;
    and(fields.clone(), json!({ "status_transitions.paid_at": paid_at }))
}

pub fn invoice_written_off() -> Story {
    let mut it = Teller::new("invoice written off, then paid");
    it.tell("invoice.finalized");
    it.after(MINUTE).tell("invoice.payment_failed");
    it.tell("invoice.payment_action_required");
    it.after(DAY).tell_with(
        "invoice.marked_uncollectible",
        "invoice.payment_failed",
        &json!({ "status": "uncollectible", "next_payment_attempt": null }),
    );
    it.after(DAY).with("invoice.paid", &json!({ "attempt_count": 3 }));
    it.done()
}

pub fn invoice_voided() -> Story {
    let mut it = Teller::new("invoice voided");
    it.tell("invoice.finalization_failed");
    it.after(MINUTE).tell("invoice.finalized");
    it.after(MINUTE).tell("invoice.payment_failed");
    it.after(DAY).tell_with(
        "invoice.voided",
        "invoice.payment_failed",
        &json!({ "status": "void", "next_payment_attempt": null }),
    );
    it.done()
}

/// What an invoice's payment names.
fn payment_of_an_invoice(it: &mut Teller) {
    it.sample.service_id = None;
    it.pays = it.sample.invoice_id.clone();
}

/// A month is paid: only the link tells which payment paid it.
pub fn invoice_and_its_payment() -> Story {
    let mut it = Teller::new("invoice and its payment");
    payment_of_an_invoice(&mut it);
    it.tell("payment_intent.created");
    it.tell("payment_intent.succeeded");
    it.tell("charge.succeeded");
    it.tell("invoice.paid");
    it.tell("invoice_payment.paid");
    it.done()
}

/// Open, paid, and its payment unknown: the endpoint does not have payments' events.
pub fn invoice_payment_alone() -> Story {
    let mut it = Teller::new("invoice payment");
    payment_of_an_invoice(&mut it);
    it.tell_with(
        "invoice_payment.open",
        "invoice_payment.paid",
        &json!({ "status": "open", "amount_paid": null }),
    );
    it.tell("invoice.finalized");
    it.after(MINUTE).tell("payment_intent.succeeded");
    it.tell("invoice_payment.paid");
    it.tell("invoice.paid");
    it.done()
}

/// The first month, all told.
pub fn first_month() -> Story {
    let mut it = Teller::new("first month");
    payment_of_an_invoice(&mut it);
    it.tell("customer.created");
    it.with("customer.subscription.created", &month("incomplete", 0));
    it.tell("invoice.finalized");
    it.tell("payment_intent.created");
    it.after(MINUTE)
        .tell("charge.succeeded")
        .tell("payment_intent.succeeded");
    it.tell("invoice.paid");
    it.with("invoice.payment_succeeded", &paid_before(&json!({}), 1, &it));
    it.tell("invoice_payment.paid");
    it.with("customer.subscription.updated", &month("active", 0));
    it.done()
}

/// A renewal that fails, is paid days later, and the end.
pub fn renewal_and_end() -> Story {
    let mut it = Teller::new("renewal and end");
    payment_of_an_invoice(&mut it);
    it.with("customer.subscription.created", &month("active", 0));
    it.tell("invoice.paid");
    it.after(MONTH);
    it.sample.invoice_id = Some(id("in", "b"));
    it.sample.payment_intent_id = Some(id("pi", "b"));
    it.sample.charge_id = Some(id("ch", "b"));
    it.sample.invoice_payment_id = Some(id("inpay", "b"));
    it.sample.created = Some(it.now());
    payment_of_an_invoice(&mut it);
    it.tell("invoice.created");
    it.tell("invoice.payment_failed");
    it.sample.created = Some(began());
    it.with("customer.subscription.updated", &month("past_due", MONTH));
    it.sample.created = Some(it.now());
    it.after(3 * DAY)
        .tell("payment_intent.succeeded")
        .tell("invoice.paid")
        .tell("invoice_payment.paid");
    it.sample.created = Some(began());
    it.with("customer.subscription.updated", &month("active", MONTH));
    it.after(MONTH)
        .with("customer.subscription.deleted", &month("canceled", 2 * MONTH));
    it.done()
}

/// Two months are paid, the older one last.
pub fn two_months() -> Story {
    let mut it = Teller::new("two months");
    it.with("customer.subscription.created", &month("active", 0));
    it.after(MINUTE).tell("invoice.payment_failed");
    it.after(MONTH);
    it.sample.invoice_id = Some(id("in", "b"));
    it.sample.payment_intent_id = Some(id("pi", "b"));
    it.sample.charge_id = Some(id("ch", "b"));
    it.sample.created = Some(it.now());
    it.tell("invoice.paid");
    it.sample.invoice_id = Some(id("in", "a"));
    it.sample.payment_intent_id = Some(id("pi", "a"));
    it.sample.charge_id = Some(id("ch", "a"));
    it.sample.created = Some(began());
    it.after(DAY).tell("invoice.paid");
    it.done()
}

/// The contract is named by the invoice alone, as when the subscription's event is not subscribed to.
pub fn contract_known_by_its_invoice() -> Story {
    let mut it = Teller::new("contract known by its invoice");
    it.tell("invoice.finalized");
    it.after(MINUTE).tell("invoice.paid");
    it.sample.contract_id = None;
    it.with("customer.subscription.updated", &month("active", 0));
    it.done()
}

//! What happens to customers, from its first event to its last: the same for the same seed.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::super::{Sample, event_named, ids, is_of_payment, set_path};

/// An event of a story: when, in seconds after its beginning, what, and a field that is otherwise than usual.
type Step = (i64, &'static str, &'static str);

/// Paid by card at the first try.
const CARD: &[Step] = &[
    (0, "payment_intent.created", ""),
    (20, "charge.succeeded", ""),
    (20, "payment_intent.succeeded", ""),
    (20, "checkout.session.completed", ""),
    (600, "charge.updated", ""),
];

/// Declined, then paid.
const SECOND_TRY: &[Step] = &[
    (0, "payment_intent.created", ""),
    (15, "charge.failed", ""),
    (15, "payment_intent.payment_failed", ""),
    (80, "charge.succeeded", ""),
    (80, "payment_intent.succeeded", ""),
];

/// An OXXO voucher that is paid on its last day, and confirmed after it expired.
const VOUCHER: &[Step] = &[
    (0, "payment_intent.created", ""),
    (30, "payment_intent.requires_action", ""),
    (30, "checkout.session.completed", "payment_status=unpaid"),
    (900, "payment_intent.processing", ""),
    (1500, "charge.succeeded", ""),
    (1500, "payment_intent.succeeded", ""),
    (1501, "checkout.session.async_payment_succeeded", ""),
];

/// A transfer in two parts.
const TRANSFER: &[Step] = &[
    (0, "payment_intent.created", ""),
    (300, "payment_intent.partially_funded", ""),
    (700, "charge.succeeded", ""),
    (700, "payment_intent.succeeded", ""),
];

/// Paid and refunded.
const REFUND: &[Step] = &[
    (0, "payment_intent.created", ""),
    (20, "charge.succeeded", ""),
    (20, "payment_intent.succeeded", ""),
    (620, "charge.updated", ""),
    (900, "refund.created", ""),
    (900, "charge.refunded", ""),
    (1300, "refund.updated", ""),
    (1300, "charge.refund.updated", ""),
];

/// Paid, disputed, lost.
const DISPUTE: &[Step] = &[
    (0, "payment_intent.created", ""),
    (20, "charge.succeeded", ""),
    (20, "payment_intent.succeeded", ""),
    (700, "charge.dispute.created", ""),
    (700, "charge.dispute.funds_withdrawn", ""),
    (1000, "charge.dispute.updated", ""),
    (1400, "charge.dispute.closed", ""),
];

/// Given up.
const CANCELED: &[Step] = &[
    (0, "payment_intent.created", ""),
    (500, "payment_intent.canceled", ""),
    (501, "checkout.session.expired", ""),
];

/// A month of a contract, whose card is declined at first.
const MONTH: &[Step] = &[
    (0, "invoice.created", ""),
    (60, "invoice.finalized", ""),
    (61, "payment_intent.created", ""),
    (70, "payment_intent.payment_failed", ""),
    (70, "invoice.payment_failed", ""),
    (800, "charge.succeeded", ""),
    (800, "payment_intent.succeeded", ""),
    (800, "invoice_payment.paid", ""),
    (801, "invoice.paid", ""),
    (801, "invoice.payment_succeeded", ""),
];

/// A card that is kept, renewed and taken off again.
const KEPT_CARD: &[Step] = &[
    (0, "customer.created", ""),
    (40, "payment_method.attached", ""),
    (40, "customer.updated", ""),
    (700, "payment_method.automatically_updated", ""),
    (1200, "payment_method.detached", ""),
];

const STORIES: [&[Step]; 9] = [
    CARD, SECOND_TRY, VOUCHER, TRANSFER, REFUND, DISPUTE, CANCELED, MONTH, KEPT_CARD,
];

/// How long before `end` the first story begins; the last ends before it.
const SPAN: i64 = 3_600;

/// Whole stories of at least so many events, ended before `end`, in the order in which everything happened. Each is
/// about one of `people`, in turn; without any, about strangers.
pub fn stories(seed: u64, events: usize, people: &[Sample], end: DateTime<Utc>) -> Vec<Value> {
    let mut told = Vec::new();
    for story in 0.. {
        if told.len() >= events {
            break;
        }
        told.extend(one(seed, story, people, end));
    }
    told.sort_by_key(|event: &Value| event.get("created").and_then(Value::as_i64));
    told
}

fn one(seed: u64, story: usize, people: &[Sample], end: DateTime<Utc>) -> Vec<Value> {
    let name = format!("story {story} of seed {seed}");
    let steps = STORIES.get(story % STORIES.len()).copied().unwrap_or_default();
    // Spread over the time that is left beside the longest story, so that they overlap.
    let late = i64::try_from(story * 97 % 1_800).unwrap_or(0);
    let began = end - TimeDelta::seconds(SPAN - late);
    let person = people.get(story.checked_rem(people.len()).unwrap_or(0));
    let sample = Sample {
        payment_intent_id: Some(format!("pi_3{}", ids::of(&name, "payment", 23))),
        invoice_id: Some(format!("in_1{}", ids::of(&name, "invoice", 23))),
        created: Some(began),
        ..person.cloned().unwrap_or_else(|| stranger(&name))
    };
    let steps = steps.iter().zip(0..);
    steps
        .filter_map(|((seconds, kind, odd), step)| {
            let at = began + TimeDelta::seconds(*seconds);
            happening(&format!("step {step} of {name}"), kind, odd, &sample, at)
        })
        .collect()
}

fn happening(name: &str, kind: &str, odd: &str, sample: &Sample, at: DateTime<Utc>) -> Option<Value> {
    let digit = if is_of_payment(kind) { '3' } else { '1' };
    let id = format!("evt_{digit}{}", ids::of(name, "event", 23));
    let mut event = event_named(&id, kind, sample, at)?;
    if let Some((path, value)) = odd.split_once('=') {
        set_path(&mut event, path, value).ok()?;
    }
    Some(event)
}

fn stranger(name: &str) -> Sample {
    Sample {
        customer_id: format!("cus_{}", ids::of(name, "customer", 14)),
        subscription_id: format!("sub_1{}", ids::of(name, "subscription", 23)),
        ..Sample::default()
    }
}

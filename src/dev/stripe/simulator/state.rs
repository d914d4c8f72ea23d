//! What the simulated account holds: its objects as they are now, and the log of its events.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{old, old_shape};

/// The version in which the account's events are listed, whatever version an endpoint has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// [`super::super::API_VERSION`].
    #[default]
    #[serde(alias = "new")]
    Newest,
    /// One from before 2025-03-31.basil.
    Old,
}

/// Objects and events. Nothing is ever forgotten: it lives as long as a test or a `dev`.
#[derive(Default)]
pub(super) struct State {
    objects: HashMap<String, (usize, Value)>,
    events: Vec<Value>,
    pub(super) version: Version,
    /// Paths of the questions asked, with their query, in order.
    pub(super) asked: Vec<String>,
}

impl State {
    /// Notes an event, and its object as the current one. An event noted before is replaced.
    pub(super) fn happened(&mut self, event: &Value) {
        if let Some(object) = event.pointer("/data/object") {
            self.put(match text(event, "type") {
                "customer.deleted" => json!({ "id": object["id"], "object": "customer", "deleted": true }),
                _ => object.clone(),
            });
        }
        match self.events.iter_mut().find(|known| known["id"] == event["id"]) {
            Some(known) => known.clone_from(event),
            None => self.events.push(event.clone()),
        }
    }

    /// Makes an object the current one of its id.
    pub(super) fn put(&mut self, object: Value) {
        let id = text(&object, "id").to_owned();
        let place = self
            .objects
            .get(&id)
            .map_or(self.objects.len(), |(place, _)| *place);
        self.objects.insert(id, (place, object));
    }

    /// An event as a version renders it. What an older invoice says of its payment is looked up: the newest does not tell.
    pub(super) fn render(&self, event: &Value, version: Version) -> Value {
        if version == Version::Newest {
            return event.clone();
        }
        let mut old = old_shape(event.clone());
        let payments = self.objects("invoice_payment");
        let invoice = event.pointer("/data/object/id");
        let of_it = payments.iter().find(|payment| payment.get("invoice") == invoice);
        let payment = of_it.and_then(|payment| payment.pointer("/payment/payment_intent")?.as_str());
        if let Some(payment) = payment {
            let intent = self.object(payment);
            let charge = intent.and_then(|intent| intent.get("latest_charge")?.as_str());
            old::name_payment(&mut old, payment, charge);
        }
        old
    }

    pub(super) fn object(&self, id: &str) -> Option<&Value> {
        self.objects.get(id).map(|(_, object)| object)
    }

    /// Every object, in the order in which they came to be known.
    pub(super) fn all_objects(&self) -> Vec<&Value> {
        let mut all: Vec<_> = self.objects.values().collect();
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, object)| object).collect()
    }

    /// The objects of a kind, newest first.
    pub(super) fn objects(&self, kind: &str) -> Vec<&Value> {
        let mut found: Vec<_> = self
            .objects
            .values()
            .filter(|(_, object)| text(object, "object") == kind)
            .collect();
        found.sort_by_key(|(place, object)| std::cmp::Reverse((number(object, "created"), *place)));
        found.into_iter().map(|(_, object)| object).collect()
    }

    pub(super) fn event(&self, id: &str) -> Option<&Value> {
        self.events.iter().find(|event| text(event, "id") == id)
    }

    /// All events, newest first; of one second, the last noted first.
    pub(super) fn events(&self) -> Vec<&Value> {
        let mut events: Vec<_> = self.events.iter().rev().collect();
        events.sort_by_key(|event| std::cmp::Reverse(number(event, "created")));
        events
    }
}

/// A text field, empty when there is none.
pub(super) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A whole number, 0 when there is none.
pub(super) fn number(value: &Value, field: &str) -> i64 {
    value.get(field).and_then(Value::as_i64).unwrap_or_default()
}

//! The webhooks' bodies, in each of the shapes that the vendor's own material shows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Gigstack;
use super::render::{amount, put};
use super::state::Invoice;

/// What is told, and at which of the program's four doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An invoice was made over the API.
    #[serde(rename = "invoice.created")]
    InvoiceCreated,
    /// An invoice was made after a payment at Stripe.
    #[serde(rename = "cfdi.created")]
    CfdiCreated,
    /// A customer made the invoice of a receipt.
    #[serde(rename = "self_invoice.completed")]
    SelfInvoiceCompleted,
    /// An invoice was cancelled at SAT.
    #[serde(rename = "invoice.cancelled")]
    InvoiceCancelled,
}

impl Event {
    /// Every one, with what it stands for.
    pub const ALL: [(Self, &'static str); 4] = [
        (
            Self::InvoiceCreated,
            "Gigstack stamped an invoice that its API was asked for",
        ),
        (
            Self::CfdiCreated,
            "Gigstack's app in Stripe invoiced a payment by itself",
        ),
        (
            Self::SelfInvoiceCompleted,
            "a customer filled in the portal; the invoice is stamped",
        ),
        (Self::InvoiceCancelled, "SAT cancelled an invoice"),
    ];

    /// The customer's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvoiceCreated => "invoice.created",
            Self::CfdiCreated => "cfdi.created",
            Self::SelfInvoiceCompleted => "self_invoice.completed",
            Self::InvoiceCancelled => "invoice.cancelled",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().map(|(event, _)| event);
        all.find(|event| event.name() == name)
    }

    /// The vendor's own name of the nearest thing.
    fn vendors_name(self) -> &'static str {
        match self {
            Self::InvoiceCreated | Self::CfdiCreated => "invoice.created",
            Self::SelfInvoiceCompleted => "receipt.completed",
            Self::InvoiceCancelled => "invoice.canceled",
        }
    }

    /// Where the program takes it.
    pub fn path(self) -> &'static str {
        match self {
            Self::InvoiceCreated => "/api/webhooks/gigstack/invoice-created",
            Self::CfdiCreated => "/api/webhooks/gigstack/cfdi-created",
            Self::SelfInvoiceCompleted => "/api/webhooks/gigstack/self-invoice-completed",
            Self::InvoiceCancelled => "/api/webhooks/gigstack/invoice-cancelled",
        }
    }
}

/// How a body is built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// `{id, type, created (ms), livemode, data: {object: {…}}}`
    #[default]
    Object,
    /// `{id, event, timestamp, data: {invoice_id, uuid, …}}`
    Flat,
    /// `{event_type, data: {invoice_id, uuid, …}}`, without an id of its own
    EventType,
    /// `{type, data: {invoice_id, uuid, …}}`, without an id of its own
    Bare,
}

/// Whose names of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// Those of the customer's document.
    #[default]
    Customer,
    /// Those of the vendor's own list.
    Vendor,
}

/// How a webhook is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    #[default]
    StandardWebhooks,
    /// `X-Gigstack-Signature`, over the body alone.
    GigstackSignature,
    /// Both at once.
    Both,
    /// Not at all.
    Unsigned,
}

impl Gigstack {
    /// The body that tells `event` about a receipt or an invoice as it is at this moment.
    pub(super) fn envelope(
        &self,
        id: &str,
        event: Event,
        subject: &str,
        (shape, names): (Shape, Names),
        now: DateTime<Utc>,
    ) -> Value {
        let name = match names {
            Names::Customer => event.name(),
            Names::Vendor => event.vendors_name(),
        };
        let flat = || self.flat(event, subject);
        match shape {
            Shape::Object => json!({
                "id": id,
                "type": name,
                "created": now.timestamp_millis(),
                "livemode": self.0.livemode,
                "data": { "object": self.object(event, subject) },
            }),
            Shape::Flat => {
                let timestamp = now.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
                json!({ "id": id, "event": name, "timestamp": timestamp, "data": flat() })
            }
            Shape::EventType => json!({ "event_type": name, "data": flat() }),
            Shape::Bare => json!({ "type": name, "data": flat() }),
        }
    }

    /// The receipt or the invoice, whole.
    fn object(&self, event: Event, subject: &str) -> Value {
        let state = self.state();
        let receipt = state.receipt(subject).or_else(|| {
            let of = state.invoice(subject)?.order.receipt_id.as_deref()?;
            state.receipt(of).filter(|_| event == Event::SelfInvoiceCompleted)
        });
        if let Some(receipt) = receipt {
            return self.receipt_json(&state, receipt);
        }
        match state.invoice(subject) {
            Some(invoice) => self.invoice_json(invoice),
            None => json!({ "id": subject }),
        }
    }

    /// The invoice in a few fields, with the addresses of its files.
    fn flat(&self, event: Event, subject: &str) -> Value {
        let state = self.state();
        let receipt = state.receipt(subject);
        let of_receipt = receipt.and_then(|receipt| receipt.invoice.as_deref());
        let Some(invoice) = state.invoice(of_receipt.unwrap_or(subject)) else {
            return match receipt {
                Some(receipt) => self.receipt_json(&state, receipt),
                None => json!({ "id": subject, "invoice_id": subject }),
            };
        };
        let mut flat = self.summary(invoice);
        if event == Event::SelfInvoiceCompleted {
            put(&mut flat, "id", invoice.order.receipt_id.clone().into());
        }
        flat
    }

    fn summary(&self, invoice: &Invoice) -> Value {
        let whole = self.invoice_json(invoice);
        let mut flat = json!({
            "id": invoice.id,
            "invoice_id": invoice.id,
            "uuid": invoice.uuid,
            "status": invoice.status,
            "pdf_url": self.file_url(invoice, "pdf", false),
            "xml_url": self.file_url(invoice, "xml", false),
            "total": amount(invoice.cfdi.total()),
        });
        for field in [
            "subtotal",
            "taxes",
            "currency",
            "items",
            "metadata",
            "receipt_id",
            "stripe",
            "client",
            "cancelled_at",
        ] {
            if let Some(value) = whole.get(field).filter(|value| !value.is_null()) {
                put(&mut flat, field, value.clone());
            }
        }
        flat
    }
}

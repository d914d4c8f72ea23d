//! What is told, and in which shape.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::{Document, Signer};

/// What Mifiel tells of; `callback_type` of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Everybody signed.
    #[serde(rename = "document_closed", alias = "document.signed")]
    DocumentClosed,
    /// Somebody signed.
    #[serde(rename = "signer_completed")]
    SignerCompleted,
    /// Somebody will not sign.
    #[serde(rename = "signer_rejected", alias = "document.rejected")]
    SignerRejected,
    /// The owner deleted the document.
    #[serde(rename = "document_deleted")]
    DocumentDeleted,
}

impl Event {
    /// Every one, with what it stands for.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::DocumentClosed, "everybody signed the document"),
        (Self::SignerCompleted, "one of the signers signed"),
        (Self::SignerRejected, "a signer will not sign"),
        (Self::DocumentDeleted, "the document was deleted at Mifiel"),
    ];

    /// Mifiel's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DocumentClosed => "document_closed",
            Self::SignerCompleted => "signer_completed",
            Self::SignerRejected => "signer_rejected",
            Self::DocumentDeleted => "document_deleted",
        }
    }

    /// The name in the customer's document, which knows two.
    pub fn customers_name(self) -> Option<&'static str> {
        match self {
            Self::DocumentClosed => Some("document.signed"),
            Self::SignerRejected => Some("document.rejected"),
            Self::SignerCompleted | Self::DocumentDeleted => None,
        }
    }

    /// The one that Mifiel calls so.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().map(|(event, _)| event);
        all.find(|event| event.name() == name)
    }

    /// The one that the customer calls so.
    pub fn customers(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().map(|(event, _)| event);
        all.find(|event| event.customers_name() == Some(name))
    }
}

/// How a body is built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Of the account's subscriptions: `{event: "document_closed", data: {id, …}}`
    #[default]
    Account,
    /// As in the customer's document: `{event: "document.signed", document_id, …}`. What it does not name comes as above.
    Customer,
    /// Of a document's own `callback_url`: the document, and no event's name.
    Callback,
}

/// The body that tells `event`; `document` is how the API tells the document now.
pub(super) fn body(
    event: Event,
    shape: Shape,
    (document, json): (&Document, Value),
    signer: Option<&Signer>,
) -> Value {
    match (shape, event.customers_name()) {
        (Shape::Callback, _) => json,
        (Shape::Customer, Some(name)) => customers(name, event, document, signer),
        _ => json!({ "event": event.name(), "data": data(event, document, &json, signer) }),
    }
}

fn customers(name: &str, event: Event, document: &Document, signer: Option<&Signer>) -> Value {
    let mut body = json!({ "event": name, "document_id": document.id });
    let rejected = signer.and_then(|signer| signer.rejected.as_ref());
    if let (Event::SignerRejected, Some((_, reason)), Some(fields)) = (event, rejected, body.as_object_mut())
    {
        fields.insert("reason".to_owned(), reason.clone().into());
    }
    body
}

fn data(event: Event, document: &Document, json: &Value, signer: Option<&Signer>) -> Value {
    let external_id = &document.draft.external_id;
    match event {
        Event::DocumentClosed => json!({
            "id": document.id,
            "external_id": external_id,
            "file_file_name": document.draft.file_name,
            "signed_at": json.get("signed_at"),
        }),
        Event::DocumentDeleted => json!({ "id": document.id, "external_id": external_id }),
        Event::SignerCompleted | Event::SignerRejected => json!({
            "document": document.id,
            "document_external_id": external_id,
            "signer": signer.map(|signer| json!({ "email": signer.party.email })),
        }),
    }
}

//! What a webhook of Mifiel's says: `{event, data: {…}}` of an account's subscription, the customer's
//! `{event, document_id}`, or the document itself, without a name, as a document's own callback sends it. A hint only:
//! which document it is about is taken from it, and why a signer declined.

use serde_json::{Map, Value};

/// The longest reason of a signer's that is kept.
const REASON: usize = 500;

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The document, by Mifiel's id.
    pub document: Option<String>,
    /// Why a signer declined, in the signer's words.
    pub reason: Option<String>,
}

/// The name of what happened. The callback of a document has none: then Mifiel is asked.
pub fn name(body: &Value) -> &str {
    let named = ["/event", "/type", "/event_type", "/callback_type"];
    let mut named = named.iter().filter_map(|path| body.pointer(path)?.as_str());
    named.find(|name| plain(name)).unwrap_or("document")
}

impl Hint {
    /// Reads it.
    pub fn of(body: &Value) -> Self {
        let places = ["/data/object", "/data/document", "/data", "/document", ""];
        let objects: Vec<&Value> = places
            .iter()
            .filter_map(|path| body.pointer(path).filter(|value| value.is_object()))
            .collect();
        let text = |keys: &[&str], fits: fn(&str) -> bool| {
            let mut found = objects
                .iter()
                .flat_map(|object| keys.iter().filter_map(|key| object.get(*key)?.as_str()));
            found.find(|text| fits(text)).map(str::to_owned)
        };
        Self {
            // An id that is not kept names nothing here either: what came and what is kept of it are about one document.
            document: text(&["document_id", "document", "id"], plain),
            reason: text(
                &["reason", "rejection_reason", "reject_reason", "comments"],
                |_| true,
            )
            .map(|reason| {
                reason
                    .chars()
                    .filter(|letter| !letter.is_control())
                    .take(REASON)
                    .collect()
            })
            .filter(|reason: &String| !reason.trim().is_empty()),
        }
    }
}

/// All of a message that is ever looked at again. The rest holds names, addresses and RFCs of signers.
pub fn kept(body: &Value) -> Value {
    const INSIDE: [&str; 3] = ["data", "object", "document"];
    const KEPT: [&str; 13] = [
        "event",
        "type",
        "event_type",
        "callback_type",
        "id",
        "document_id",
        "document",
        "external_id",
        "document_external_id",
        "signed",
        "signed_by_all",
        "signed_at",
        "state",
    ];
    const TOLD: [&str; 4] = ["reason", "rejection_reason", "reject_reason", "comments"];
    let Value::Object(fields) = body else {
        return Value::Null;
    };
    let fields = fields.iter().filter_map(|(name, value)| {
        let value = match value {
            Value::Object(_) if INSIDE.contains(&name.as_str()) => kept(value),
            Value::Bool(_) if KEPT.contains(&name.as_str()) => value.clone(),
            Value::String(text) if KEPT.contains(&name.as_str()) && plain(text) => value.clone(),
            Value::String(text) if TOLD.contains(&name.as_str()) => {
                text.chars().take(REASON).collect::<String>().into()
            }
            _ => return None,
        };
        Some((name.clone(), value))
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

/// Fit for an address, a column and a log line.
fn plain(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'+');
    (1..=200).contains(&id.len()) && id.bytes().all(fits) && !id.starts_with('.')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Hint, kept, name};

    /// Found by the fuzzer: the inner id was dropped from what is kept, and the outer one then took its place.
    #[test]
    fn what_is_kept_names_the_document_that_came() {
        for body in [
            json!({ "id": "evt_1", "data": { "object": { "id": "d>1" } } }),
            json!({ "document_id": "a b", "data": { "document": "d-1" } }),
            json!({ "data": { "document_id": "d-1", "id": "d-2" } }),
            json!({ "event": "a b", "type": "document.signed", "id": "d-1" }),
        ] {
            assert_eq!(Hint::of(&kept(&body)), Hint::of(&body), "{body}");
            assert_eq!(name(&kept(&body)), name(&body), "{body}");
        }
    }
}

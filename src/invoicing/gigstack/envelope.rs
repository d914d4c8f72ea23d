//! What a webhook of Gigstack's says, in any of the shapes that the vendor's own material shows: `type` and
//! `data.object`; `event` and flat `data`; `event_type`; `type` and flat `data`. It is a hint only: which invoice or
//! receipt it is about is taken from it, and nothing else.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// The outside of a message.
pub struct Outside {
    /// The vendor's id of the event, when it gives one.
    pub id: Option<String>,
    /// The vendor's name of what happened, when it gives one.
    pub name: Option<String>,
    /// When, by the vendor's clock.
    pub created: Option<DateTime<Utc>>,
    /// Whether it is about real invoices, when it says so.
    pub livemode: Option<bool>,
}

/// Which object to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// An invoice, by Gigstack's id or by its UUID.
    pub invoice: Option<String>,
    /// A receipt: what a self-invoice is made from.
    pub receipt: Option<String>,
}

impl Outside {
    /// Reads it.
    pub fn of(body: &Value) -> Self {
        Self {
            // An invoice's id is no event's: its cancellation has the same one.
            id: text(body, &["/event_id", "/id"]).filter(|id| plain(id) && !is_objects(id)),
            name: text(body, &["/type", "/event", "/event_type"]).filter(|name| plain(name)),
            created: ["/created", "/created_at", "/timestamp"]
                .iter()
                .find_map(|path| time(body.pointer(path)?)),
            livemode: ["/livemode", "/data/object/livemode", "/data/livemode"]
                .iter()
                .find_map(|path| body.pointer(path)?.as_bool()),
        }
    }
}

impl Hint {
    /// Which object the message is about.
    pub fn of(body: &Value) -> Self {
        let places = ["/data/object", "/data", "/invoice", ""];
        let object = places
            .iter()
            .filter_map(|path| body.pointer(path))
            .find(|value| value.is_object());
        let id = |paths: &[&str]| {
            object
                .and_then(|object| text(object, paths))
                .filter(|id| plain(id))
        };
        let own = id(&["/id"]);
        let is_receipt = |id: &String| id.starts_with("receipt");
        Self {
            invoice: id(&["/invoice_id", "/uuid", "/invoice"])
                .or_else(|| own.clone().filter(|id| !is_receipt(id))),
            receipt: id(&["/receipt_id", "/receipt"]).or_else(|| own.filter(is_receipt)),
        }
    }
}

/// All of a message that is ever looked at again. The rest holds the receiver's name and RFC, which are kept nowhere.
pub fn kept(body: &Value) -> Value {
    const INSIDE: [&str; 4] = ["data", "object", "invoice", "invoices"];
    const KEPT: [&str; 16] = [
        "id",
        "event_id",
        "type",
        "event",
        "event_type",
        "created",
        "created_at",
        "timestamp",
        "livemode",
        "uuid",
        "invoice_id",
        "receipt_id",
        "invoice",
        "receipt",
        "status",
        "cancelled_at",
    ];
    match body {
        Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, value)| {
                let value = match value {
                    Value::Object(_) | Value::Array(_) if INSIDE.contains(&name.as_str()) => kept(value),
                    Value::Bool(_) | Value::Number(_) if KEPT.contains(&name.as_str()) => value.clone(),
                    Value::String(text) if KEPT.contains(&name.as_str()) && plain(text) => value.clone(),
                    _ => return None,
                };
                Some((name.clone(), value))
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().filter(|item| item.is_object()).map(kept).collect(),
        _ => Value::Null,
    }
}

fn text(body: &Value, paths: &[&str]) -> Option<String> {
    paths
        .iter()
        .find_map(|path| body.pointer(path)?.as_str())
        .map(str::to_owned)
}

/// Fit for an address, a column and a log line.
fn plain(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    (1..=200).contains(&id.len()) && id.bytes().all(fits) && !id.starts_with('.')
}

fn is_objects(id: &str) -> bool {
    id.starts_with("invoice") || id.starts_with("receipt") || id.parse::<uuid::Uuid>().is_ok()
}

/// Seconds, milliseconds, or ISO 8601.
pub(super) fn time(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(text) = value.as_str() {
        return text.parse().ok();
    }
    let number = value.as_i64()?;
    // 10^11 seconds are the year 5138; 10^11 milliseconds are 1973.
    if number.abs() < 100_000_000_000 {
        DateTime::from_timestamp(number, 0)
    } else {
        DateTime::from_timestamp_millis(number)
    }
}

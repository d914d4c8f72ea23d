//! `--set path=value`: changes one field of an event before it is signed.

use anyhow::{Result, anyhow, bail};
use serde_json::{Map, Value};

/// Sets the field at `path`, for example `data.object.amount`, `lines.data.0.amount` or
/// `metadata.service_id`.
///
/// A path begins at the event when its first word is a field of the event (`id`, `created`,
/// `type`, `livemode`, `data`), else at `data.object`; so `id` is the event's id and
/// `data.object.id` the object's. The fields on the way must exist. The last one may be new if it
/// is inside something (`metadata.service_id`), but a single unknown word is taken for a slip.
///
/// The value is read as JSON and, where it is none, as text. Inside `metadata` numbers and
/// booleans stay text, because Stripe's metadata holds nothing else.
///
/// # Errors
/// When the path leads nowhere; the text names what is there, with a `hint:`.
pub fn set_path(event: &mut Value, path: &str, value: &str) -> Result<()> {
    let (mut node, rest) = start(event, path)?;
    let (way, last) = rest
        .rsplit_once('.')
        .map_or((None, rest), |(way, last)| (Some(way), last));
    for word in way.into_iter().flat_map(|way| way.split('.')) {
        node = step(node, word, path)?;
    }
    let nested = path.contains('.');
    let parsed = parse(
        value,
        way.and_then(|way| way.rsplit('.').next()) == Some("metadata"),
    );
    put(node, last, parsed, path, nested)
}

/// Where the path begins, and what of it is left to walk.
fn start<'v, 'p>(event: &'v mut Value, path: &'p str) -> Result<(&'v mut Value, &'p str)> {
    if path.split('.').any(str::is_empty) {
        bail!("`{path}` is not a path\nhint: write field.field.0.field, as in data.object.amount");
    }
    let first = path.split('.').next().unwrap_or(path);
    if event.get(first).is_some() {
        return Ok((event, path));
    }
    let object = event.pointer_mut("/data/object");
    object
        .map(|object| (object, path))
        .ok_or_else(|| anyhow!("the event has no data.object"))
}

fn step<'v>(node: &'v mut Value, word: &str, path: &str) -> Result<&'v mut Value> {
    let missing = nothing_at(node, word, path);
    match node {
        Value::Object(fields) => fields.get_mut(word),
        Value::Array(items) => word.parse().ok().and_then(|at: usize| items.get_mut(at)),
        _ => None,
    }
    .ok_or(missing)
}

fn put(node: &mut Value, word: &str, value: Value, path: &str, nested: bool) -> Result<()> {
    if let Value::Object(fields) = node
        && (nested || fields.contains_key(word))
    {
        fields.insert(word.to_owned(), value);
        return Ok(());
    }
    *step(node, word, path)? = value;
    Ok(())
}

fn nothing_at(node: &Value, word: &str, path: &str) -> anyhow::Error {
    let hint = match node {
        Value::Object(fields) => format!("the fields there are {}", names(fields)),
        Value::Array(items) => format!("it is a list of {}; count from 0", items.len()),
        _ => format!("what is there is {node}; set it whole, as JSON"),
    };
    anyhow!("`{path}`: nothing named `{word}`\nhint: {hint}")
}

fn names(fields: &Map<String, Value>) -> String {
    fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn parse(value: &str, in_metadata: bool) -> Value {
    let text = || Value::String(value.to_owned());
    match serde_json::from_str(value) {
        Ok(Value::Number(_) | Value::Bool(_)) if in_metadata => text(),
        Ok(value) => value,
        Err(_) => text(),
    }
}

//! The parameters of a question, as Stripe reads them.

use axum::http::StatusCode;
use serde_json::Value;
use url::form_urlencoded;

use super::answers::Refused;
use super::state::{number, text};

/// What every list takes.
const PAGING: [&str; 3] = ["limit", "starting_after", "ending_before"];

/// Names and values; `types[0]` and `types[]` are the same.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query; a name that the list does not take is refused, as Stripe does.
    pub(super) fn read(raw: Option<&str>, known: &[&str]) -> Result<Self, Refused> {
        let pairs: Vec<_> = form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
            .map(|(name, value)| (plain(&name), value.into_owned()))
            .collect();
        let strange = pairs
            .iter()
            .find(|(name, _)| !PAGING.contains(&name.as_str()) && !known.contains(&name.as_str()));
        match strange {
            Some((name, _)) => {
                let message = format!("Received unknown parameter: {name}");
                Err(Refused::new(StatusCode::BAD_REQUEST, "parameter_unknown", message).because_of(name))
            }
            None => Ok(Self(pairs)),
        }
    }

    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// How long a page may be: 10 unless told, 100 at most.
    pub(super) fn limit(&self) -> Result<usize, Refused> {
        if let Ok(limit @ 1..=100) = self.one("limit").map_or(Ok(10), str::parse) {
            return Ok(limit);
        }
        let message = "Invalid limit: must be between 1 and 100";
        let refused = Refused::new(StatusCode::BAD_REQUEST, "parameter_invalid_integer", message);
        Err(refused.because_of("limit"))
    }

    /// Whether an event is of the types and of the time asked for.
    pub(super) fn wants(&self, event: &Value) -> bool {
        let kind = text(event, "type");
        let mut types = self.all("types").peekable();
        let listed = types.peek().is_none() || types.any(|wanted| wanted == kind);
        let one = self
            .one("type")
            .is_none_or(|wanted| match wanted.split_once('*') {
                Some((prefix, _)) => kind.starts_with(prefix),
                None => kind == wanted,
            });
        let created = number(event, "created");
        let bound = |name: &str, holds: fn(i64, i64) -> bool| {
            self.one(name)
                .and_then(|bound| bound.parse().ok())
                .is_none_or(|bound| holds(created, bound))
        };
        listed
            && one
            && bound("created[gte]", |at, bound| at >= bound)
            && bound("created[gt]", |at, bound| at > bound)
            && bound("created[lte]", |at, bound| at <= bound)
            && bound("created[lt]", |at, bound| at < bound)
    }
}

/// `types[]` and `types[3]` are `types`; `created[gte]` stays.
fn plain(name: &str) -> String {
    match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((list, index)) if index.bytes().all(|byte| byte.is_ascii_digit()) => list.to_owned(),
        _ => name.to_owned(),
    }
}

//! Long lists, page by page: how many, from where on, and which words a filter knows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use uuid::Uuid;

use super::problem::FieldError;

/// A page without a word about its length.
pub const USUAL: i64 = 50;
/// The longest page.
pub const LONGEST: i64 = 200;

/// Where something stands in a list: by a time, what has none last, then by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The time.
    pub at: Option<DateTime<Utc>>,
    /// The id.
    pub id: Uuid,
}

impl Place {
    /// As callers carry it: nobody but us reads it.
    pub fn cursor(self) -> String {
        let at = self.at.map(|at| at.timestamp_micros().to_string());
        URL_SAFE_NO_PAD.encode(format!("{}/{}", at.unwrap_or_default(), self.id))
    }

    fn of(cursor: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (at, id) = text.split_once('/')?;
        let at = match at {
            "" => None,
            // PostgreSQL keeps no time before 4713 BC.
            micros => {
                Some(DateTime::from_timestamp_micros(micros.parse().ok()?).filter(|at| at.year() >= 0)?)
            }
        };
        let id = id.parse().ok()?;
        Some(Self { at, id })
    }
}

/// The parameter `limit`.
pub fn limit(text: Option<&str>, errors: &mut Vec<FieldError>) -> i64 {
    let count = text.map_or(Some(USUAL), |text| text.parse().ok());
    let count = count.filter(|count| (1..=LONGEST).contains(count));
    if count.is_none() {
        let detail = "Debe ser un número de 1 a 200.";
        errors.push(FieldError::new("limit", "valor-no-valido", detail));
    }
    count.unwrap_or(USUAL)
}

/// The parameter `cursor`.
pub fn cursor(text: Option<&str>, errors: &mut Vec<FieldError>) -> Option<Place> {
    let place = text.map(Place::of)?;
    if place.is_none() {
        let detail = "Manda el `next` de la página anterior tal como llegó, o nada para empezar.";
        errors.push(FieldError::new("cursor", "valor-no-valido", detail));
    }
    place
}

/// A parameter that knows some words.
pub fn one_of(
    field: &'static str,
    text: Option<String>,
    known: &[&str],
    errors: &mut Vec<FieldError>,
) -> Option<String> {
    let text = text?;
    if !known.contains(&text.as_str()) {
        let detail = format!("Debe ser uno de estos: {}.", known.join(", "));
        errors.push(FieldError::new(field, "valor-no-permitido", detail));
    }
    Some(text)
}

/// One more than is shown was asked for: cuts it off, and tells whether it was there.
pub fn cut<T>(rows: &mut Vec<T>, count: i64) -> bool {
    let length = usize::try_from(count).unwrap_or_default();
    let more = rows.len() > length;
    rows.truncate(length);
    more
}

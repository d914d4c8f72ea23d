//! What a request asks of a list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use url::form_urlencoded;
use uuid::Uuid;

use super::query::Sql;
use super::{Choice, Days, Filter, Id, Kind, List, Order, Step};
use crate::ground::clock::start_of_day;

/// Longer texts are none of ours.
const LONGEST: usize = 200;

/// A request, read.
pub(super) struct Request {
    /// What the form shows again.
    pub(super) values: Vec<(&'static str, String)>,
    pub(super) conditions: Vec<(Step, Condition)>,
    pub(super) order: &'static Order,
    pub(super) from: Option<DateTime<Utc>>,
    /// Before then.
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) after: Option<Place>,
    pub(super) csv: bool,
    /// What is wrong with a filter, in Spanish.
    pub(super) errors: Vec<(&'static str, &'static str)>,
}

/// A condition on rows.
pub(super) enum Condition {
    Fixed(&'static str),
    Text(fn(&str, &mut Sql), String),
}

/// Where a row stands in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) id: String,
}

impl Place {
    /// As addresses carry it.
    pub(super) fn cursor(&self) -> String {
        let at = self.at.map(|at| at.timestamp_micros().to_string());
        URL_SAFE_NO_PAD.encode(format!("{}/{}", at.unwrap_or_default(), self.id))
    }

    fn read(cursor: &str, order: &Order) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (at, id) = text.split_once('/')?;
        let at = match (at, order.at) {
            ("", None) => None,
            (micros, Some(_)) => {
                let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
                // PostgreSQL keeps no time before 4713 BC.
                Some(at).filter(|at| (0..=9999).contains(&at.year()))
            }
            _ => return None,
        };
        let right = match order.kind {
            Id::Uuid => Uuid::try_parse(id).is_ok(),
            Id::Number => id.parse::<i64>().is_ok(),
            Id::Text => !id.contains('\0'),
        };
        (right && at.is_some() == order.at.is_some()).then(|| Self {
            at,
            id: id.to_owned(),
        })
    }
}

impl Request {
    /// Reads what stands after `?`. What no list knows is left aside; of two values of a name the last one counts, as a form
    /// sends only one.
    pub(super) fn read(list: &'static List, query: &str) -> Self {
        let given: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value = |name: &str| {
            let found = given.iter().rev().find(|(known, _)| known == name);
            found
                .map(|(_, value)| value.trim())
                .filter(|value| !value.is_empty())
        };
        let mut request = Self {
            values: Vec::new(),
            conditions: Vec::new(),
            order: list.order,
            from: None,
            until: None,
            after: None,
            csv: value("formato") == Some("csv"),
            errors: Vec::new(),
        };
        for filter in list.all_filters() {
            if let Some(value) = value(filter.name) {
                request.values.push((filter.name, value.to_owned()));
                if let Err(error) = request.filter(filter, value) {
                    request.errors.push((filter.name, error));
                }
            }
        }
        if request.order.days == Days::No && (request.from.is_some() || request.until.is_some()) {
            let name = if request.from.is_some() { "desde" } else { "hasta" };
            request.errors.push((
                name,
                "Con los demás filtros no se puede elegir fechas: quita las fechas.",
            ));
        }
        if let Some(cursor) = value("cursor") {
            request.after = Place::read(cursor, request.order);
            if request.after.is_none() {
                request.errors.push((
                    "cursor",
                    "Esa página ya no se puede abrir: empieza por la primera.",
                ));
            }
        }
        request
    }

    fn filter(&mut self, filter: &Filter, value: &str) -> Result<(), &'static str> {
        if value.len() > LONGEST || value.chars().any(char::is_control) {
            return Err("No es un valor de este filtro.");
        }
        match &filter.kind {
            Kind::Choice(choices) => {
                let chosen = choices.iter().find(|choice| choice.value == value);
                let Choice { sql, step, order, .. } = chosen.ok_or("Elige uno de la lista.")?;
                self.conditions.push((*step, Condition::Fixed(sql)));
                self.order = order.unwrap_or(self.order);
            }
            Kind::Text {
                hint,
                check,
                step,
                condition,
            } => {
                if !check(value) {
                    return Err(hint);
                }
                self.conditions
                    .push((*step, Condition::Text(*condition, value.to_owned())));
            }
            Kind::From => self.from = Some(start_of_day(day(value)?)),
            Kind::Until => {
                let day = day(value)?.succ_opt().ok_or(NO_DAY)?;
                self.until = Some(start_of_day(day));
            }
        }
        Ok(())
    }

    /// What the form shows in a field.
    pub(super) fn value(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The filters as an address has them, and one thing more.
    pub(super) fn query_with(&self, more: Option<(&str, &str)>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.values);
        query.extend_pairs(more);
        query.finish()
    }
}

const NO_DAY: &str = "Escribe una fecha, como en 2026-11-22.";

fn day(text: &str) -> Result<NaiveDate, &'static str> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let day = day.filter(|day| text.len() == 10 && (2000..=2100).contains(&day.year()));
    day.ok_or(NO_DAY)
}

//! A page of a list.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::query::{self, Next, Row, Rows, Value};
use super::request::Request;
use super::{Choice, Column, Filter, Kind, List, Show};
use crate::engine::Engine;
use crate::panel::page::{self, Trouble};
use crate::panel::shell::Shell;
use crate::panel::{amounts, words};
use crate::tools::paging;

#[derive(Template)]
#[template(path = "panel/lista.html")]
struct Page<'a> {
    shell: Shell,
    list: &'static List,
    request: &'a Request,
    rows: Vec<Row>,
    next: Option<String>,
    /// How far was looked, when there may be more beyond that.
    looked: bool,
}

/// A cell of the table.
enum Cell<'a> {
    Nothing,
    Text(&'a str),
    Code(&'a str),
    Number(String),
    Time { shown: String, exactly: String },
    State { shown: &'a str, tone: &'static str },
    Link { shown: &'a str, href: &'a str },
}

impl Page<'_> {
    fn filters(&self) -> impl Iterator<Item = &'static Filter> {
        self.list.all_filters()
    }

    fn error(&self, filter: &str) -> Option<&'static str> {
        let found = self.request.errors.iter().find(|(name, _)| *name == filter);
        found.map(|(_, error)| *error)
    }

    #[allow(clippy::unused_self)] // a template calls methods
    fn choices(&self, filter: &Filter) -> Option<&'static [Choice]> {
        match filter.kind {
            Kind::Choice(choices) => Some(choices),
            _ => None,
        }
    }

    fn is_chosen(&self, filter: &Filter, choice: &Choice) -> bool {
        self.request.value(filter.name) == choice.value
    }

    /// The type of a field.
    #[allow(clippy::unused_self)] // as above
    fn field(&self, filter: &Filter) -> &'static str {
        match filter.kind {
            Kind::From | Kind::Until => "date",
            Kind::Choice(_) | Kind::Text { .. } => "text",
        }
    }

    #[allow(clippy::unused_self)] // as above
    fn is_number(&self, column: &Column) -> bool {
        matches!(column.show, Show::Amount | Show::Number | Show::Bytes)
    }

    fn csv(&self) -> String {
        self.request.query_with(Some(("formato", "csv")))
    }

    fn cells<'r>(&self, row: &'r Row) -> Vec<Cell<'r>> {
        let cells = self.list.columns.iter().zip(&row.values);
        cells.map(|(column, value)| cell(column.show, value)).collect()
    }
}

fn cell(show: Show, value: &Value) -> Cell<'_> {
    let text = match value {
        Value::Time(Some(at)) => {
            return Cell::Time {
                shown: words::time(*at),
                exactly: amounts::exactly(*at),
            };
        }
        Value::Time(None) | Value::Text(None) | Value::Link { text: None, .. } => return Cell::Nothing,
        Value::Link {
            text: Some(shown),
            href: Some(href),
        } => return Cell::Link { shown, href },
        Value::Link { text: Some(text), .. } | Value::Text(Some(text)) => text.as_str(),
    };
    match show {
        Show::Amount => Cell::Number(amounts::amount_of(text)),
        Show::Number => Cell::Number(text.to_owned()),
        Show::Bytes => Cell::Number(
            text.parse::<i64>()
                .map_or_else(|_| text.to_owned(), amounts::bytes),
        ),
        Show::Code => Cell::Code(text),
        Show::State => Cell::State {
            shown: words::state(text),
            tone: words::tone(text),
        },
        Show::Method => Cell::Text(words::method(text)),
        Show::Named(names) => Cell::Text(words::named(names, text)),
        Show::Text | Show::Time | Show::Link(_) => Cell::Text(text),
    }
}

/// The page; with 422 when a filter is wrong, which it says beside the field.
pub(super) async fn page(
    list: &'static List,
    request: &Request,
    engine: &Engine,
) -> Result<Response, Trouble> {
    let db = &engine.pool;
    let right = request.errors.is_empty();
    let found = if right {
        query::rows(db, list, request, request.after.as_ref(), paging::USUAL).await?
    } else {
        Rows {
            rows: Vec::new(),
            next: Next::End,
        }
    };
    let (place, looked) = match &found.next {
        Next::End => (None, false),
        Next::After(place) => (Some(place), false),
        Next::Looked(place) => (Some(place), true),
    };
    let page = Page {
        shell: Shell::around(list.menu, db).await?,
        list,
        request,
        next: place.map(|place| request.query_with(Some(("cursor", place.cursor().as_str())))),
        rows: found.rows,
        looked,
    };
    let status = if right {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    page::with_status(status, &page)
}

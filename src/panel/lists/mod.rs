//! Lists: a table of one kind of row, with filters as a form, page by page, and all of it as CSV. Each list is a description
//! ([`List`]); one mechanism reads the request, writes the statement and shows the rows.
//!
//! A page begins after a row and not at a number of rows, so that deep pages cost what the first one costs. And it looks at
//! so many rows and not more, however few of them the filters leave: then it says how far it looked, and the next page
//! goes on from there. So no filter needs an index of its own on the way of incoming events.

mod business;
pub(super) mod csv;
mod documents;
mod machine;
mod money;
mod page;
mod query;
mod request;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use std::sync::Arc;

use super::page::{Trouble, Viewer};
use crate::app::Shared;
use crate::engine::Engine;
use query::Sql;

/// One kind of row.
pub(super) struct List {
    /// Its address, and what its CSV is called.
    path: &'static str,
    /// The entry of the menu that it belongs to.
    menu: &'static str,
    title: &'static str,
    /// What would be here if there were any.
    about: &'static str,
    order: &'static Order,
    /// More tables, for what is shown: `left join … on …`; the row itself is `it`.
    joins: &'static str,
    columns: &'static [Column],
    filters: &'static [&'static [Filter]],
}

/// Where the rows are, in which order they are walked, the newest first unless said otherwise.
struct Order {
    /// A table, or a query in parentheses.
    source: &'static str,
    /// A time that they are in the order of; none: the id alone is.
    at: Option<&'static str>,
    /// Unique.
    id: &'static str,
    kind: Id,
    ascending: bool,
    days: Days,
}

/// What an id is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    Uuid,
    Number,
    Text,
}

/// How rows of some days are found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Days {
    /// By their ids, which are made of the time.
    ById,
    /// By this column, which the order begins with.
    By(&'static str),
    /// The source has the places `{from}` and `{until}` for ids that are made of the time.
    Inside,
    /// The audit log: numbers that grow with the time.
    Log,
    /// Not at all.
    No,
}

/// A column of the table and the CSV.
struct Column {
    name: &'static str,
    /// An expression over `it` and the joined tables.
    sql: &'static str,
    show: Show,
}

/// How a value is shown.
#[derive(Clone, Copy)]
enum Show {
    Text,
    /// An id or the like.
    Code,
    Time,
    Amount,
    Number,
    Bytes,
    State,
    Method,
    /// By these words.
    Named(&'static [(&'static str, &'static str)]),
    /// With a link to the address that this expression gives.
    Link(&'static str),
}

/// A filter: one field of the form.
struct Filter {
    name: &'static str,
    label: &'static str,
    kind: Kind,
}

enum Kind {
    /// One of some words.
    Choice(&'static [Choice]),
    /// A text, what it should look like, whether it does, and its condition.
    Text {
        hint: &'static str,
        check: fn(&str) -> bool,
        step: Step,
        condition: fn(&str, &mut Sql),
    },
    /// Of this day or later, in Nuevo Laredo.
    From,
    /// Of this day or before.
    Until,
}

/// Where a condition is applied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Where rows are looked up: an index serves it, or most rows pass.
    Scan,
    /// On the rows that were looked up, as many as one page looks at.
    Match,
}

struct Choice {
    value: &'static str,
    label: &'static str,
    sql: &'static str,
    step: Step,
    /// These rows are walked in another order.
    order: Option<&'static Order>,
}

/// On the rows that are looked at.
const fn choice(value: &'static str, label: &'static str, sql: &'static str) -> Choice {
    Choice {
        value,
        label,
        sql,
        step: Step::Match,
        order: None,
    }
}

/// With an index that finds them.
const fn indexed(value: &'static str, label: &'static str, sql: &'static str) -> Choice {
    Choice {
        step: Step::Scan,
        ..choice(value, label, sql)
    }
}

/// The same, and in an order of its own.
const fn ordered(
    value: &'static str,
    label: &'static str,
    sql: &'static str,
    order: &'static Order,
) -> Choice {
    Choice {
        order: Some(order),
        ..indexed(value, label, sql)
    }
}

const fn column(name: &'static str, sql: &'static str, show: Show) -> Column {
    Column { name, sql, show }
}

/// Both ends of the days that rows are of.
const DAYS: &[Filter] = &[
    Filter {
        name: "desde",
        label: "Desde",
        kind: Kind::From,
    },
    Filter {
        name: "hasta",
        label: "Hasta",
        kind: Kind::Until,
    },
];

impl List {
    fn all_filters(&self) -> impl Iterator<Item = &'static Filter> {
        self.filters.iter().copied().flatten()
    }
}

/// Every list there is.
const LISTS: [&List; 11] = [
    &machine::EVENTS,
    &machine::JOBS,
    &machine::ALERTS,
    &machine::AUDIT,
    &business::INVOICES,
    &business::SELF_INVOICES,
    &business::SALES,
    &business::CONTRACTS,
    &business::ERRORS,
    &money::PAYMENTS,
    &documents::DOCUMENTS,
];

/// Their addresses.
pub(super) fn routes(admin: impl Fn(MethodRouter<Shared>) -> MethodRouter<Shared>) -> Router<Shared> {
    LISTS.into_iter().fold(Router::new(), |router, list| {
        let handler = get(move |viewer, engine, uri| show(list, viewer, engine, uri));
        router.route(list.path, admin(handler))
    })
}

/// A page of it, or all of it as CSV.
async fn show(
    list: &'static List,
    Viewer(admin): Viewer,
    State(engine): State<Arc<Engine>>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let request = request::Request::read(list, uri.query().unwrap_or_default());
    if request.csv && request.errors.is_empty() {
        return csv::export(list, request, admin, engine).await;
    }
    page::page(list, &request, &engine).await
}

//! All rows of a filter as CSV, made while it is read: nothing holds the whole of it.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;

use super::query::{self, Next, Row, Value};
use super::request::{Place, Request};
use super::{List, Show};
use crate::access::Admin;
use crate::engine::{Engine, Failure};
use crate::panel::page::Trouble;
use crate::panel::period::today;
use crate::panel::{amounts, words};

/// So many rows are read at a time.
const BATCH: i64 = 2_000;
/// Spreadsheets take a file for UTF-8 only when it begins with this.
const MARK: &str = "\u{feff}";

/// What is still to be sent.
struct Export {
    list: &'static List,
    request: Request,
    engine: Arc<Engine>,
    next: Step,
}

enum Step {
    Head,
    Rows(Option<Place>),
    Done,
}

/// The answer. Who took rows out of here stands in the audit log, with the names of the filters that were used.
pub(super) async fn export(
    list: &'static List,
    request: Request,
    admin: Admin,
    engine: Arc<Engine>,
) -> Result<Response, Trouble> {
    let name = list.path.rsplit('/').next().unwrap_or_default();
    let filters: Vec<&str> = request.values.iter().map(|(name, _)| *name).collect();
    let mut work = engine.begin(admin.unit()).await?;
    work.audit("lista.exportada", "panel", name, json!({ "filtros": filters }));
    work.commit().await?;
    let file = format!(
        "attachment; filename=\"{name}-{}.csv\"",
        today(engine.clock.now())
    );
    let headers = [
        (
            header::CONTENT_TYPE,
            "text/csv; charset=utf-8; header=present".to_owned(),
        ),
        (header::CONTENT_DISPOSITION, file),
    ];
    let export = Export {
        list,
        request,
        engine,
        next: Step::Head,
    };
    let parts = stream::try_unfold(export, |mut export| async move {
        let part = export.part().await?;
        Ok::<_, Failure>(part.map(|part| (part, export)))
    });
    Ok((headers, Body::from_stream(parts)).into_response())
}

fn headers(name: &str) -> [(header::HeaderName, String); 2] {
    let kind = "text/csv; charset=utf-8; header=present".to_owned();
    let file = format!("attachment; filename=\"{name}.csv\"");
    [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, file)]
}

/// A small table as CSV. The name is one of ours.
pub(in super::super) fn download(
    name: &str,
    names: &[&str],
    rows: Vec<Vec<String>>,
) -> Result<Response, Failure> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let bytes = written(MARK, std::iter::once(names).chain(rows))?;
    Ok((headers(name), bytes).into_response())
}

impl Export {
    /// The next piece of the file. An error ends the connection in the middle, so that nobody takes half of it for all.
    async fn part(&mut self) -> Result<Option<Bytes>, Failure> {
        let after = match std::mem::replace(&mut self.next, Step::Done) {
            Step::Done => return Ok(None),
            Step::Head => {
                self.next = Step::Rows(self.request.after.take());
                let names = self.list.columns.iter().map(|column| column.name.to_owned());
                return written(MARK, std::iter::once(names.collect())).map(Some);
            }
            Step::Rows(after) => after,
        };
        let found = query::rows(&self.engine.pool, self.list, &self.request, after.as_ref(), BATCH).await?;
        if let Next::After(place) | Next::Looked(place) = found.next {
            self.next = Step::Rows(Some(place));
        }
        let rows = found.rows.iter().map(|row| cells(self.list, row));
        written("", rows).map(Some)
    }
}

fn written(before: &str, rows: impl Iterator<Item = Vec<String>>) -> Result<Bytes, Failure> {
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(before.as_bytes().to_vec());
    for row in rows {
        out.write_record(row).map_err(Failure::retry)?;
    }
    let bytes = out
        .into_inner()
        .map_err(|error| Failure::retry(error.into_error()))?;
    Ok(Bytes::from(bytes))
}

fn cells(list: &List, row: &Row) -> Vec<String> {
    let cells = list.columns.iter().zip(&row.values);
    cells.map(|(column, value)| cell(column.show, value)).collect()
}

fn cell(show: Show, value: &Value) -> String {
    match (show, value) {
        (_, Value::Time(at)) => at.map(amounts::exactly).unwrap_or_default(),
        (_, Value::Text(None) | Value::Link { text: None, .. }) => String::new(),
        (Show::Amount, Value::Text(Some(text))) => amounts::plain(text),
        (Show::Number | Show::Bytes, Value::Text(Some(text))) => text.clone(),
        (Show::State, Value::Text(Some(text))) => guarded(words::state(text)),
        (Show::Method, Value::Text(Some(text))) => guarded(words::method(text)),
        (Show::Named(names), Value::Text(Some(text))) => guarded(words::named(names, text)),
        (_, Value::Text(Some(text)) | Value::Link { text: Some(text), .. }) => guarded(text),
    }
}

/// A spreadsheet takes what begins like this for a formula, and does what somebody else wrote.
fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return format!("'{text}");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
            assert_eq!(guarded(text), format!("'{text}"));
            let link = Value::Link {
                text: Some(text.to_owned()),
                href: None,
            };
            assert_eq!(cell(Show::Link(""), &link), format!("'{text}"));
        }
        assert_eq!(guarded("a=b"), "a=b");
        let amount = Value::Text(Some("-5.5".to_owned()));
        assert_eq!(cell(Show::Amount, &amount), "-5.50", "a number stays one");
    }
}

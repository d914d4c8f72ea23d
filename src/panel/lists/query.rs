//! The statement of a page, and its rows.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row as _};
use uuid::Uuid;

use super::request::{Condition, Place, Request};
use super::{Column, Days, Id, List, Order, Show, Step};
use crate::ground::clock::Clock;
use crate::tools::db::Db;

/// A statement in the making.
pub(super) type Sql = QueryBuilder<Postgres>;

/// So many rows one page looks at, however few its filters leave of them.
pub(super) const WINDOW: i64 = 20_000;

/// A row: what it shows, and where it stands.
pub(super) struct Row {
    pub(super) values: Vec<Value>,
    pub(super) place: Place,
}

/// What a column holds.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(Option<String>),
    Time(Option<DateTime<Utc>>),
    Link {
        text: Option<String>,
        href: Option<String>,
    },
}

/// Some rows, and where to go on.
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    pub(super) next: Next,
}

/// What comes after some rows.
pub(super) enum Next {
    /// Nothing.
    End,
    /// More rows.
    After(Place),
    /// So far was looked, and it may go on.
    Looked(Place),
}

/// At most `count` rows of those that the request asks for, after `after`.
pub(super) async fn rows(
    db: &Db,
    list: &List,
    request: &Request,
    after: Option<&Place>,
    count: i64,
) -> Result<Rows, sqlx::Error> {
    let scan = Scan::of(db, request, after).await?;
    let filtered = request.conditions.iter().any(|(step, _)| *step == Step::Match);
    let window = if filtered { WINDOW } else { count + 1 };
    let mut rows = scan.read(db, list, window, count + 1).await?;
    let more = rows.len() > usize::try_from(count).unwrap_or_default();
    rows.truncate(usize::try_from(count).unwrap_or_default());
    let next = match rows.last() {
        Some(row) if more => Next::After(row.place.clone()),
        _ if filtered => match scan.end(db, window).await? {
            Some(place) => Next::Looked(place),
            None => Next::End,
        },
        _ => Next::End,
    };
    Ok(Rows { rows, next })
}

/// Where rows are looked up.
struct Scan<'a> {
    request: &'a Request,
    order: &'static Order,
    after: Option<&'a Place>,
    /// Of the audit log: the first number of the days, and the first after them.
    numbers: (Option<i64>, Option<i64>),
}

impl<'a> Scan<'a> {
    async fn of(db: &Db, request: &'a Request, after: Option<&'a Place>) -> Result<Self, sqlx::Error> {
        let order = request.order;
        let mut numbers = (None, None);
        if order.days == Days::Log {
            numbers = (
                first_of_log(db, request.from.map(|from| from - OVERLAP)).await?,
                first_of_log(db, request.until.map(|until| until + OVERLAP)).await?,
            );
        }
        Ok(Self {
            request,
            order,
            after,
            numbers,
        })
    }

    async fn read(&self, db: &Db, list: &List, window: i64, count: i64) -> Result<Vec<Row>, sqlx::Error> {
        let mut sql = Sql::new("select ");
        for column in list.columns {
            match column.show {
                Show::Time => sql.push(column.sql),
                Show::Link(href) => sql.push(format_args!("({})::text, {href}", column.sql)),
                _ => sql.push(format_args!("({})::text", column.sql)),
            };
            sql.push(", ");
        }
        self.push_key(&mut sql, "it.");
        sql.push(" from (select it.* from (select it.* from ");
        self.push_window(&mut sql, window);
        sql.push(") as it where true");
        self.push_conditions(&mut sql, Step::Match);
        self.push_order(&mut sql);
        sql.push(format_args!(" limit {count}) as it {}", list.joins));
        self.push_order(&mut sql);
        let rows = sql.build().fetch_all(db).await?;
        rows.iter()
            .map(|row| read(list.columns, row, self.order))
            .collect()
    }

    /// The last of the rows that are looked at, when there are as many as that.
    async fn end(&self, db: &Db, window: i64) -> Result<Option<Place>, sqlx::Error> {
        let mut sql = Sql::new("select ");
        self.push_key(&mut sql, "it.");
        sql.push(" from ");
        self.push_scan(&mut sql);
        sql.push(format_args!(" limit 1 offset {}", window - 1));
        let row = sql.build().fetch_optional(db).await?;
        row.map(|row| place(&row, 0, self.order)).transpose()
    }

    fn push_key(&self, sql: &mut Sql, of: &str) {
        if let Some(at) = self.order.at {
            sql.push(format_args!("{of}{at}, "));
        }
        sql.push(format_args!("{of}{}::text", self.order.id));
    }

    fn push_window(&self, sql: &mut Sql, window: i64) {
        self.push_scan(sql);
        sql.push(format_args!(" limit {window}"));
    }

    fn push_scan(&self, sql: &mut Sql) {
        let (from, until) = (self.request.from, self.request.until);
        if self.order.days == Days::Inside {
            let ids = (
                from.map_or(Uuid::nil(), Clock::first_id_of),
                until.map_or(Uuid::max(), Clock::first_id_of),
            );
            push_source(sql, self.order.source, ids);
        } else {
            sql.push(self.order.source);
        }
        sql.push(" as it where true");
        self.push_conditions(sql, Step::Scan);
        match self.order.days {
            Days::ById => {
                let id = format!("it.{}", self.order.id);
                bound(
                    sql,
                    &id,
                    from.map(Clock::first_id_of),
                    until.map(Clock::first_id_of),
                );
            }
            Days::By(column) => bound(sql, &format!("it.{column}"), from, until),
            Days::Log => {
                bound(sql, "it.id", self.numbers.0, self.numbers.1);
                bound(sql, "it.ocurrido_en", from, until);
            }
            Days::Inside | Days::No => {}
        }
        self.push_after(sql);
        self.push_order(sql);
    }

    fn push_conditions(&self, sql: &mut Sql, at: Step) {
        for (_, condition) in self.request.conditions.iter().filter(|(step, _)| *step == at) {
            sql.push(" and (");
            match condition {
                Condition::Fixed(condition) => {
                    sql.push(condition);
                }
                Condition::Text(condition, text) => condition(text, sql),
            }
            sql.push(")");
        }
    }

    fn push_after(&self, sql: &mut Sql) {
        let Some(place) = self.after else { return };
        let (id, beyond) = (self.order.id, if self.order.ascending { ">" } else { "<" });
        let kind = match self.order.kind {
            Id::Uuid => "uuid",
            Id::Number => "bigint",
            Id::Text => "text",
        };
        if let (Some(column), Some(at)) = (self.order.at, place.at) {
            sql.push(format_args!(" and (it.{column}, it.{id}) {beyond} ("))
                .push_bind(at);
            sql.push(", ")
                .push_bind(place.id.clone())
                .push(format_args!("::text::{kind})"));
        } else {
            sql.push(format_args!(" and it.{id} {beyond} "))
                .push_bind(place.id.clone());
            sql.push(format_args!("::text::{kind}"));
        }
    }

    fn push_order(&self, sql: &mut Sql) {
        let direction = if self.order.ascending { "asc" } else { "desc" };
        sql.push(" order by ");
        if let Some(at) = self.order.at {
            sql.push(format_args!("it.{at} {direction}, "));
        }
        sql.push(format_args!("it.{} {direction}", self.order.id));
    }
}

fn bound<T>(sql: &mut Sql, what: &str, from: Option<T>, until: Option<T>)
where
    T: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + 'static,
{
    if let Some(from) = from {
        sql.push(format_args!(" and {what} >= ")).push_bind(from);
    }
    if let Some(until) = until {
        sql.push(format_args!(" and {what} < ")).push_bind(until);
    }
}

/// A query with places for the ids that its rows are between.
fn push_source(sql: &mut Sql, source: &str, (from, until): (Uuid, Uuid)) {
    for (at, part) in source.split("{from}").enumerate() {
        if at > 0 {
            sql.push_bind(from);
        }
        for (at, part) in part.split("{until}").enumerate() {
            if at > 0 {
                sql.push_bind(until);
            }
            sql.push(part);
        }
    }
}

/// Rows of the log are in the order of their numbers but for transactions that were open meanwhile: so much is looked at
/// beyond both ends.
const OVERLAP: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// A number of the audit log with the rows of then and later behind it, as far as they are in order. It has no index on its time, which every commit would
/// pay for: the number is found by halving.
async fn first_of_log(db: &Db, at: Option<DateTime<Utc>>) -> Result<Option<i64>, sqlx::Error> {
    let Some(at) = at else { return Ok(None) };
    let last: Option<i64> = sqlx::query_scalar("select max(id) from logs_auditoria")
        .fetch_one(db)
        .await?;
    let (mut low, mut high) = (0, last.unwrap_or(0) + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, DateTime<Utc>)> =
            sqlx::query_as("select id, ocurrido_en from logs_auditoria where id >= $1 order by id limit 1")
                .bind(middle)
                .fetch_optional(db)
                .await?;
        match found {
            Some((id, then)) if then < at => low = id + 1,
            _ => high = middle,
        }
    }
    Ok(Some(low))
}

fn read(columns: &[Column], row: &PgRow, order: &Order) -> Result<Row, sqlx::Error> {
    let mut at = 0;
    let mut values = Vec::with_capacity(columns.len());
    for column in columns {
        values.push(match column.show {
            Show::Time => Value::Time(row.try_get(at)?),
            Show::Link(_) => {
                at += 1;
                Value::Link {
                    text: row.try_get(at - 1)?,
                    href: row.try_get(at)?,
                }
            }
            _ => Value::Text(row.try_get(at)?),
        });
        at += 1;
    }
    Ok(Row {
        values,
        place: place(row, at, order)?,
    })
}

fn place(row: &PgRow, first: usize, order: &Order) -> Result<Place, sqlx::Error> {
    let timed = order.at.is_some();
    Ok(Place {
        at: if timed { Some(row.try_get(first)?) } else { None },
        id: row.try_get(first + usize::from(timed))?,
    })
}

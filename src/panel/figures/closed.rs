//! What was counted of months that are over. A year of half a million invoices takes longer to count than a page may, and
//! its past months hardly change: they are counted in this process, beside the pages, once a minute when somebody looks. What
//! is of this month is counted anew for every page.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::period::Period;
use super::business::{self, Issued, Sales, SelfInvoices};
use super::machine::{self, Stored};
use crate::engine::Engine;
use crate::tools::db::Db;

const GOOD_FOR: TimeDelta = TimeDelta::minutes(1);

/// The past months of this year, and the documents of all past months.
#[derive(Debug, Clone)]
pub(in super::super) struct Months {
    /// The first instant that is not counted: of this month.
    pub(in super::super) until: DateTime<Utc>,
    pub(in super::super) counted_at: DateTime<Utc>,
    pub(in super::super) issued: Vec<Issued>,
    pub(in super::super) self_invoices: SelfInvoices,
    pub(in super::super) sales: Sales,
    pub(in super::super) stored: Stored,
}

/// The latest count. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Closed(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    counted: Option<Arc<Months>>,
    under_way: bool,
}

impl Closed {
    /// The latest count of the months before this one. When it is a minute old it is still good for this page, and counted
    /// again for the next one; only what is not there at all is waited for.
    pub(in super::super) async fn months(&self, engine: &Engine) -> Result<Arc<Months>, sqlx::Error> {
        let now = engine.clock.now();
        let (Some(year), Some(month)) = (Period::named("anio", now), Period::named("mes", now)) else {
            return Err(sqlx::Error::Protocol("a day without a month".to_owned()));
        };
        let span = (year.start(), month.start());
        let known = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = state.counted.clone().filter(|months| months.until == span.1);
            if let Some(known) = &known
                && now - known.counted_at > GOOD_FOR
                && !state.under_way
            {
                state.under_way = true;
                let (closed, db) = (self.clone(), engine.pool.clone());
                tokio::spawn(async move { closed.again(&db, span, now).await });
            }
            known
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let months = Arc::new(count(&engine.pool, span, now).await?);
        self.keep(Some(Arc::clone(&months)));
        Ok(months)
    }

    async fn again(&self, db: &Db, span: (DateTime<Utc>, DateTime<Utc>), now: DateTime<Utc>) {
        let counted = count(db, span, now).await;
        if let Err(error) = &counted {
            tracing::warn!(%error, "past months could not be counted again");
        }
        self.keep(counted.ok().map(Arc::new));
    }

    fn keep(&self, counted: Option<Arc<Months>>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.under_way = false;
        if counted.is_some() {
            state.counted = counted;
        }
    }
}

async fn count(
    db: &Db,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Months, sqlx::Error> {
    Ok(Months {
        until,
        counted_at: now,
        issued: business::issued(db, from, until).await?,
        self_invoices: business::self_invoices(db, from, until).await?,
        sales: business::sales(db, from, until).await?,
        stored: machine::stored(db, DateTime::UNIX_EPOCH, until).await?,
    })
}

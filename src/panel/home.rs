//! The first page: whether all is well, or what to do first; then every figure, each with the way to its list.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use futures_util::TryFutureExt as _;
use serde::Deserialize;
use std::sync::Arc;

use super::chart::{self, Bar};
use super::figures::business::{self, OfMethod, Sales, SelfInvoices, Waiting};
use super::figures::closed::{Closed, Months};
use super::figures::errors::{self, OfType};
use super::figures::machine::{self, Alert, Faulty, Stored, Today, Unfinished};
use super::figures::payments::{self, Payments};
use super::figures::providers::{self, Provider, Service};
use super::page::{self, Trouble, Viewer};
use super::period::{PERIODS, Period};
use super::shell::Shell;
use super::{amounts, words};
use crate::documents::compare::{self, Compared};
use crate::engine::Engine;
use crate::tools::extract::QueryParams;

/// How long an event may wait before somebody should look, in seconds.
const LATE: i64 = 300;

#[derive(Deserialize)]
pub(super) struct Asked {
    periodo: Option<String>,
}

#[derive(Template)]
#[template(path = "panel/inicio.html")]
struct Page {
    shell: Shell,
    period: Period,
    unknown_period: bool,
    verdict: Verdict,
    business: Business,
    payments: Payments,
    machine: Machine,
    providers: Vec<Provider>,
    services: Vec<Service>,
    today: Period,
    chart: String,
    made_at: String,
}

/// The five figures of the business.
pub(super) struct Business {
    pub(super) issued: Vec<OfMethod>,
    pub(super) self_invoices: SelfInvoices,
    pub(super) sales: Sales,
    pub(super) errors: Vec<OfType>,
    pub(super) signatures: Waiting,
    /// When the past months of the year were counted.
    pub(super) counted: Option<String>,
}

impl Business {
    fn issued_count(&self) -> i64 {
        self.issued.iter().map(OfMethod::count).sum()
    }

    fn error_count(&self) -> i64 {
        self.errors.iter().map(|of| of.count).sum()
    }
}

/// How the machine stands.
pub(super) struct Machine {
    pub(super) today: Today,
    pub(super) events: Unfinished,
    pub(super) jobs: Unfinished,
    pub(super) open_alerts: i64,
    pub(super) alerts: Vec<Alert>,
    pub(super) stored: Stored,
    pub(super) faulty: Faulty,
    pub(super) compared: Option<Compared>,
}

/// The line on top: whether all is well, and where to begin if it is not.
struct Verdict {
    class: &'static str,
    text: String,
    href: &'static str,
    action: &'static str,
}

/// The page.
pub(super) async fn home(
    _: Viewer,
    State(engine): State<Arc<Engine>>,
    State(closed): State<Closed>,
    QueryParams(asked): QueryParams<Asked>,
) -> Result<Response, Trouble> {
    let (db, now) = (&engine.pool, engine.clock.now());
    let named = asked.periodo.as_deref().map(|key| Period::named(key, now));
    let unknown_period = named == Some(None);
    let period = named.flatten().or_else(|| Period::named("mes", now));
    let period = period.ok_or(Trouble::Broken)?;
    let today = Period::named("hoy", now).ok_or(Trouble::Broken)?;
    let months = closed.months(&engine).await?;
    // At the same time: each waits for PostgreSQL alone.
    let (shell, business, machine, payments, providers, services) = tokio::try_join!(
        Shell::around("/panel", db),
        business(&engine, &period, &months).map_err(Trouble::from),
        machine(&engine, &today, &months).map_err(Trouble::from),
        payments::today(db, &today).map_err(Trouble::from),
        providers::providers(&engine).map_err(Trouble::from),
        providers::services(&engine).map_err(Trouble::from),
    )?;
    let page = Page {
        verdict: verdict(&machine),
        chart: by_method(&business.issued),
        made_at: words::time(now),
        shell,
        business,
        machine,
        payments,
        providers,
        services,
        today,
        period,
        unknown_period,
    };
    page::page(&page)
}

pub(super) async fn business(
    engine: &Engine,
    period: &Period,
    months: &Months,
) -> Result<Business, sqlx::Error> {
    let (db, now) = (&engine.pool, engine.clock.now());
    let (mut from, until) = (period.start(), period.end());
    let counted = (period.key == "anio").then_some(months);
    from = counted.map_or(from, |months| months.until);
    let mut issued = business::issued(db, from, until).await?;
    let mut self_invoices = business::self_invoices(db, from, until).await?;
    let mut sales = business::sales(db, from, until).await?;
    if let Some(months) = counted {
        issued.extend_from_slice(&months.issued);
        self_invoices = self_invoices.and(months.self_invoices);
        sales = sales.and(&months.sales);
    }
    Ok(Business {
        issued: business::by_method(&issued),
        self_invoices,
        sales,
        errors: errors::by_type(db, period).await?,
        signatures: business::signatures(db, now).await?,
        counted: counted.map(|months| words::time(months.counted_at)),
    })
}

pub(super) async fn machine(
    engine: &Engine,
    today: &Period,
    months: &Months,
) -> Result<Machine, sqlx::Error> {
    let (db, now) = (&engine.pool, engine.clock.now());
    let (open_alerts, alerts) = machine::alerts(db).await?;
    let this_month = machine::stored(db, months.until, now + TimeDelta::days(1)).await?;
    Ok(Machine {
        today: machine::today(db, today).await?,
        events: machine::events(db, now).await?,
        jobs: machine::jobs(db, now).await?,
        open_alerts,
        alerts,
        stored: Stored {
            count: this_month.count + months.stored.count,
            bytes: this_month.bytes + months.stored.bytes,
        },
        faulty: machine::faulty(db).await?,
        compared: compare::last(db).await?,
    })
}

/// What a person should do first.
fn verdict(machine: &Machine) -> Verdict {
    let unattended = machine.alerts.iter().filter(|alert| !alert.acknowledged).count();
    let late = machine.events.oldest.filter(|seconds| *seconds > LATE);
    if let (Some(first), true) = (machine.alerts.first(), unattended > 0) {
        return Verdict {
            class: "bad",
            text: format!(
                "Hay alertas sin atender. Empieza por la más antigua: {}.",
                first.title
            ),
            href: "/panel/alertas?estado=sin-atender",
            action: "Ver las alertas",
        };
    }
    if machine.events.dead > 0 {
        return Verdict {
            class: "bad",
            text: "Hay eventos que fallaron en todos sus intentos: revísalos y repítelos.".to_owned(),
            href: "/panel/eventos?estado=dead",
            action: "Ver los eventos muertos",
        };
    }
    if machine.jobs.dead > 0 {
        return Verdict {
            class: "bad",
            text: "Hay trabajos que fallaron en todos sus intentos: revísalos y repítelos.".to_owned(),
            href: "/panel/trabajos?estado=dead",
            action: "Ver los trabajos muertos",
        };
    }
    if let Some(late) = late {
        return Verdict {
            class: "warn",
            text: format!(
                "La bandeja va atrasada: el evento más antiguo espera desde hace {}.",
                amounts::lasting(late)
            ),
            href: "/panel/eventos?estado=pending",
            action: "Ver lo que espera",
        };
    }
    if machine.events.parked + machine.jobs.parked > 0 {
        let href = if machine.events.parked > 0 {
            "/panel/eventos?estado=parked"
        } else {
            "/panel/trabajos?estado=parked"
        };
        return Verdict {
            class: "warn",
            text: "Hay eventos o trabajos apartados: esperan a que una persona decida.".to_owned(),
            href,
            action: "Ver lo apartado",
        };
    }
    Verdict {
        class: "good",
        text: "Todo está bien: nada espera a una persona.".to_owned(),
        href: "/panel/eventos",
        action: "Ver los últimos eventos",
    }
}

fn by_method(issued: &[OfMethod]) -> String {
    let bars: Vec<Bar> = issued
        .iter()
        .map(|of| Bar {
            name: of.name.to_owned(),
            value: of.valid,
            beside: of.cancelled,
        })
        .collect();
    chart::sideways(
        "Facturas por método",
        "Una barra por método con las facturas vigentes, y debajo otra con las canceladas.",
        &bars,
    )
}

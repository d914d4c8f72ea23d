//! Providers and services: how they bring what they should and how they answer, by hour, day and month.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::TimeDelta;
use futures_util::TryFutureExt as _;
use serde::Deserialize;

use super::figures::providers::{self, Provider, Service};
use super::lists::csv;
use super::page::{self, Trouble, Viewer};
use super::shell::Shell;
use super::{amounts, words};
use crate::engine::Engine;
use crate::monitoring::availability::{self, Outage, Share};
use crate::tools::extract::QueryParams;

#[derive(Template)]
#[template(path = "panel/proveedores.html")]
struct All {
    shell: Shell,
    providers: Vec<Provider>,
    services: Vec<Service>,
}

#[derive(Template)]
#[template(path = "panel/proveedor.html")]
struct One {
    shell: Shell,
    name: String,
    provider: Option<Provider>,
    service: Option<Service>,
    days: Vec<Share>,
    months: Vec<Share>,
    outages: Vec<Outage>,
}

/// Which table as CSV.
#[derive(Deserialize)]
pub(super) struct Asked {
    formato: Option<String>,
    tabla: Option<String>,
}

/// All of them.
pub(super) async fn all(_: Viewer, State(engine): State<Arc<Engine>>) -> Result<Response, Trouble> {
    page::page(&All {
        shell: Shell::around("/panel/proveedores", &engine.pool).await?,
        providers: providers::providers(&engine).await?,
        services: providers::services(&engine).await?,
    })
}

/// One of them, whose name is one that we know.
pub(super) async fn one(
    _: Viewer,
    State(engine): State<Arc<Engine>>,
    Path(name): Path<String>,
    QueryParams(asked): QueryParams<Asked>,
) -> Result<Response, Trouble> {
    let (db, now) = (&engine.pool, engine.clock.now());
    // At the same time: each waits for PostgreSQL alone.
    let (shell, providers, services, days, months, outages) = tokio::try_join!(
        Shell::around("/panel/proveedores", db),
        providers::providers(&engine).map_err(Trouble::from),
        providers::services(&engine).map_err(Trouble::from),
        availability::days(db, Some(&name), now - TimeDelta::days(89)).map_err(Trouble::from),
        availability::months(db, Some(&name), now - TimeDelta::days(364)).map_err(Trouble::from),
        availability::outages(db, Some(&name), now - TimeDelta::days(90), 50).map_err(Trouble::from),
    )?;
    let provider = providers.into_iter().find(|it| it.name == name);
    let service = services.into_iter().find(|it| it.standing.service == name);
    if provider.is_none() && service.is_none() {
        return Err(Trouble::Unknown);
    }
    let one = One {
        shell,
        name,
        provider,
        service,
        days,
        months,
        outages,
    };
    if asked.formato.as_deref() == Some("csv") {
        return one.csv(asked.tabla.as_deref().unwrap_or_default());
    }
    page::page(&one)
}

impl One {
    /// Name, name in the address, and rows.
    fn tables(&self) -> [(&'static str, &'static str, &[Share]); 2] {
        [
            ("Por mes", "meses", &self.months),
            ("Por día, los últimos 90", "dias", &self.days),
        ]
    }

    fn csv(&self, table: &str) -> Result<Response, Trouble> {
        let (names, rows): (&[&str], Vec<Vec<String>>) = match table {
            "dias" => (&AVAILABILITY, self.days.iter().map(of_share).collect()),
            "meses" => (&AVAILABILITY, self.months.iter().map(of_share).collect()),
            "horas" => {
                let hours = self.provider.iter().flat_map(|provider| &provider.hours);
                let rows = hours.map(|hour| {
                    vec![
                        amounts::exactly(hour.hour),
                        hour.received.to_string(),
                        hour.usual.map(|usual| format!("{usual:.2}")).unwrap_or_default(),
                        hour.failed.to_string(),
                        hour.refused.to_string(),
                        hour.lag_p50_ms.map(|late| late.to_string()).unwrap_or_default(),
                        hour.lag_p95_ms.map(|late| late.to_string()).unwrap_or_default(),
                    ]
                });
                (&TRAFFIC, rows.collect())
            }
            _ => return Err(Trouble::Unknown),
        };
        let name = format!("{}-{table}", self.name);
        Ok(csv::download(&name, names, rows)?)
    }
}

const AVAILABILITY: [&str; 6] = [
    "Desde",
    "Preguntas",
    "Sin respuesta",
    "Disponible %",
    "Media ms",
    "Máximo ms",
];
const TRAFFIC: [&str; 7] = [
    "Hora",
    "Recibidos",
    "Lo usual",
    "Con intentos fallidos",
    "Firmas rechazadas",
    "Retraso p50 ms",
    "Retraso p95 ms",
];

fn of_share(share: &Share) -> Vec<String> {
    vec![
        share.period.to_string(),
        share.probes.to_string(),
        share.failed.to_string(),
        format!("{:.2}", share.percent()),
        share.mean_ms.to_string(),
        share.max_ms.to_string(),
    ]
}

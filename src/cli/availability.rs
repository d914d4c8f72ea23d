//! `onlycar availability`

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::database::DevFolder;
use super::when::when;
use super::{Outcome, say};
use crate::ground::clock::{BUSINESS_ZONE, Clock};
use crate::monitoring::availability::{self, Outage, Share, Standing};

/// So many outages are shown at most.
const OUTAGES: i64 = 1000;

/// Show how often the services that we need answered, by the day and the month of Nuevo Laredo
///
/// A running server asks Stripe, Gigstack, Mifiel, R2, the mail server, Cloudflare and Supabase every minute, each where it is
/// configured.
///
/// Example: onlycar availability --service stripe --since 90d --by month
#[derive(Args)]
pub struct Availability {
    /// Only this service, as in stripe, gigstack, mifiel, r2, smtp, cloudflare or supabase
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// From the day, or the month, of then on: a span such as 30d, or a time such as 2026-11-01
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    since: String,
    /// What makes a row
    #[arg(long, value_enum, default_value = "day")]
    by: By,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print the rows as CSV (RFC 4180)
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    dev: DevFolder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Day,
    Month,
}

impl Availability {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let now = Clock::system().now();
        let since = when("--since", &self.since, now)?;
        let pool = self.dev.connect().await?;
        let service = self.service.as_deref();
        let looked = async {
            let shares = match self.by {
                By::Day => availability::days(&pool, service, since).await?,
                By::Month => availability::months(&pool, service, since).await?,
            };
            let outages = availability::outages(&pool, service, since, OUTAGES).await?;
            Ok::<_, sqlx::Error>((shares, outages, availability::services(&pool).await?))
        };
        let looked = looked.await.context("the probes could not be looked up");
        let (shares, outages, mut services) = looked?;
        services.retain(|standing| service.is_none_or(|service| service == standing.service));
        say(if self.json {
            let shares: Vec<_> = shares.iter().map(shown).collect();
            serde_json::to_string_pretty(
                &json!({ "services": services, "rows": shares, "outages": outages }),
            )?
        } else if self.csv {
            csv(&shares)?
        } else {
            tell(&shares, &outages, &services)
        })?;
        Ok(Outcome::Done)
    }
}

fn shown(share: &Share) -> serde_json::Value {
    let mut shown = json!(share);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("percent".to_owned(), json!(share.percent()));
    }
    shown
}

fn csv(shares: &[Share]) -> anyhow::Result<String> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record([
        "service", "period", "probes", "failed", "percent", "mean_ms", "max_ms",
    ])?;
    for share in shares {
        let percent = format!("{:.2}", share.percent());
        let numbers =
            [share.probes, share.failed, share.mean_ms, share.max_ms].map(|number| number.to_string());
        let [probes, failed, mean, max] = numbers;
        let period = share.period.to_string();
        writer.write_record([&share.service, &period, &probes, &failed, &percent, &mean, &max])?;
    }
    let text = String::from_utf8(writer.into_inner().context("the rows could not be written")?)?;
    Ok(text.trim_end().to_owned())
}

fn tell(shares: &[Share], outages: &[Outage], services: &[Standing]) -> String {
    if services.is_empty() {
        return "nothing was asked yet: a running server does every minute (monitoring.probe_every_seconds)"
            .to_owned();
    }
    let mut lines: Vec<String> = services.iter().map(standing).collect();
    lines.push(String::new());
    lines.extend(shares.iter().map(|share| {
        format!(
            "{:11} {}  {:6.2} %  {} of {} answered, {} ms on average, {} ms at most",
            share.service,
            share.period,
            share.percent(),
            share.probes - share.failed,
            share.probes,
            share.mean_ms,
            share.max_ms
        )
    }));
    if !outages.is_empty() {
        lines.push(String::new());
    }
    lines.extend(outages.iter().map(|outage| {
        let end = outage.ended_at.map_or_else(|| "now".to_owned(), clock);
        format!(
            "{:11} down from {} to {end}: {}",
            outage.service,
            clock(outage.began_at),
            outage.reason
        )
    }));
    lines.join("\n")
}

fn standing(standing: &Standing) -> String {
    let Standing {
        service,
        probed_at,
        took_ms,
        failed_in_row,
        ..
    } = standing;
    let asked = clock(*probed_at);
    let word = if standing.is_down() { "DOWN" } else { "up" };
    match (failed_in_row, &standing.last_error) {
        (0, _) => format!("{service:11} up, answered in {took_ms} ms at {asked}"),
        (count, error) => {
            let error = error.as_deref().unwrap_or_default();
            format!("{service:11} {word}, {count} in a row failed, last at {asked}: {error}")
        }
    }
}

fn clock(at: DateTime<Utc>) -> String {
    at.with_timezone(&BUSINESS_ZONE)
        .format("%Y-%m-%d %H:%M")
        .to_string()
}

//! `onlycar drill`

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::console::console;
use super::database::DevFolder;
use super::{Outcome, say, serve};
use crate::engine::Engine;
use crate::engine::work::Unit;
use crate::notifications::drill::{self, Fate, Fired};
use crate::notifications::incidents::{KINDS, Kind};

/// How often it is looked whether a notice went out.
const PAUSE: Duration = Duration::from_millis(250);

/// Open every kind of alert on purpose, and see that each arrives by mail and in the team's channel
///
/// A running server sends them as it sends real ones, with [SIMULACRO] in the title; no real alert is touched, and all are
/// closed at the end. Exit code 0 when all arrived: the mail server took the mail, and the channel answered well.
///
/// Example: onlycar drill --only webhooks-fallan
#[derive(Args)]
pub struct Drill {
    /// Only this kind of alert; may be given several times
    #[arg(long, value_name = "KIND", value_parser = kind)]
    only: Vec<&'static Kind>,
    /// How long to wait for all of them
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = span)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Drill {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let engine = self.dev.engine().await?;
        // Asked for before anything is opened, so that Ctrl-C closes what was.
        let stop = serve::stop_signal()?;
        let kinds: Vec<&'static Kind> = if self.only.is_empty() {
            KINDS.iter().collect()
        } else {
            self.only
        };
        let by = || Unit::by(console());
        let fired = drill::fire(&engine, by(), &kinds).await;
        let fired = fired.context("the drill could not begin")?;
        let fates = wait(&engine, &fired, self.timeout, &stop).await;
        let ended = drill::end(&engine, by(), &fired).await;
        ended.context("the alerts of the drill could not be closed; the next drill closes them")?;
        let fates = fates.context("it could not be seen whether they arrived")?;
        let arrived = fates
            .iter()
            .filter(|fate| matches!(fate, Fate::Arrived { .. }))
            .count();
        if self.json {
            say(serde_json::to_string_pretty(&table(&fired, &fates, arrived))?)?;
        } else {
            say(lines(&fired, &fates))?;
        }
        anyhow::ensure!(
            !stop.is_cancelled() || arrived == fates.len(),
            "stopped; {arrived} of {} alerts had arrived, and all are closed",
            fates.len()
        );
        if arrived == fates.len() {
            if !self.json {
                say(format_args!("all {arrived} alerts arrived"))?;
            }
            return Ok(Outcome::Done);
        }
        anyhow::bail!(
            "{arrived} of {} alerts arrived\nhint: {}",
            fates.len(),
            hint(&fates)
        );
    }
}

/// Until all are sent, or nothing more will be, or the time is over.
async fn wait(
    engine: &Engine,
    fired: &[Fired],
    longest: Duration,
    stop: &CancellationToken,
) -> anyhow::Result<Vec<Fate>> {
    let over = tokio::time::sleep(longest);
    tokio::pin!(over);
    loop {
        let fates = drill::look(&engine.pool, fired).await?;
        let open = |fate: &Fate| matches!(fate, Fate::NotTaken | Fate::UnderWay { .. });
        if !fates.iter().any(open) {
            return Ok(fates);
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(fates),
            () = &mut over => return Ok(fates),
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

fn table(fired: &[Fired], fates: &[Fate], arrived: usize) -> serde_json::Value {
    let alert = |(fired, fate): (&Fired, &Fate)| {
        let mut shown = json!(fate);
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("kind".to_owned(), json!(fired.kind.name));
            fields.insert("alert".to_owned(), json!(fired.alert));
        }
        shown
    };
    let alerts: Vec<_> = fired.iter().zip(fates).map(alert).collect();
    json!({ "fired": fired.len(), "arrived": arrived, "alerts": alerts })
}

fn lines(fired: &[Fired], fates: &[Fate]) -> String {
    let line = |(fired, fate): (&Fired, &Fate)| {
        let told = match fate {
            Fate::Arrived { ways, took_ms } => {
                format!(
                    "arrived    {}, {}.{:03} s",
                    ways.join(" and "),
                    took_ms / 1000,
                    took_ms % 1000
                )
            }
            Fate::Partly { ways, error } => format!("partly     {} alone: {error}", ways.join(" and ")),
            Fate::NotTaken => "no answer  no server took it up".to_owned(),
            Fate::UnderWay { error: None } => "no answer  it is being sent".to_owned(),
            Fate::UnderWay { error: Some(error) } => format!("failed     {error}"),
            Fate::Lost { reason } => format!("lost       {reason}"),
        };
        format!("{:26} {told}", fired.kind.name)
    };
    fired.iter().zip(fates).map(line).collect::<Vec<_>>().join("\n")
}

/// What to do about the first thing that went wrong.
fn hint(fates: &[Fate]) -> &'static str {
    if fates.iter().any(|fate| matches!(fate, Fate::Lost { .. })) {
        return "set SMTP_URL, MAIL_FROM and TEAM_EMAIL where the server runs, then start it again";
    }
    if fates.iter().all(|fate| matches!(fate, Fate::NotTaken)) {
        return "no server with workers runs on this database: start `onlycar serve`, or `onlycar dev`";
    }
    if fates
        .iter()
        .any(|fate| matches!(fate, Fate::UnderWay { error: Some(_) } | Fate::Partly { .. }))
    {
        return "the mail server or the channel does not take them: look at SMTP_URL and TEAM_WEBHOOK_URL";
    }
    "the server was too slow: give it more time with --timeout, or look at its queue (GET /readyz)"
}

fn kind(text: &str) -> Result<&'static Kind, String> {
    let known = KINDS.iter().find(|kind| kind.name == text);
    known.ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        format!("there is no such kind of alert; there are {}", names.join(", "))
    })
}

fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "as in 30s or 2m, up to an hour".to_owned();
    let (count, unit) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(count), _) => (count, 1),
        (_, Some(count)) => (count, 60),
        _ => return Err(wrong()),
    };
    let seconds = count
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(unit));
    let seconds = seconds
        .filter(|seconds| (1..=3600).contains(seconds))
        .ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{kind, span};

    #[test]
    fn times_and_kinds_are_read() {
        assert_eq!(span("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(span("2m"), Ok(Duration::from_mins(2)));
        for wrong in ["", "s", "0s", "-1s", "61m", "99999999999999999999m", "1h", "µs"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        assert!(kind("muerto").is_ok());
        assert!(kind("").is_err_and(|told| told.contains("webhooks-fallan")));
    }
}

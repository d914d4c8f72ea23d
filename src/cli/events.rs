//! `onlycar events`

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};

use super::database::DevFolder;
use super::{Outcome, Usage, say};
use crate::engine::history::{self, Filter, Story, Summary};
use crate::ground::clock::Clock;

/// Look into the inbox: which events came, and what became of each
///
/// Example: onlycar events list --since 24h
#[derive(Subcommand)]
pub enum Events {
    List(List),
    Show(Show),
}

/// List events, the newest first
///
/// Example: onlycar events list --state dead --since 48h
#[derive(Args)]
pub struct List {
    /// Only of this provider: stripe
    #[arg(long)]
    provider: Option<String>,
    /// Only of this type, as in payment_intent.succeeded
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = ["pending", "processing", "processed", "ignored", "parked", "failed", "dead"])]
    state: Option<String>,
    /// Only received since: a span such as 90m, 48h or 7d, or a time such as 2026-11-22T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

/// Show one event: how it came, its attempts, what it changed, what followed
///
/// Example: onlycar events show evt_1Q2w3E4r5T6y
#[derive(Args)]
pub struct Show {
    /// The provider's id (evt_…) or ours
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Events {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<Outcome> {
        let since = self
            .since
            .as_deref()
            .map(|text| since(text, Clock::system().now()))
            .transpose()?;
        let filter = Filter {
            provider: self.provider,
            event_type: self.event_type,
            state: self.state,
            since,
            limit: i64::from(self.limit),
        };
        let pool = self.dev.connect().await?;
        let events = history::list(&pool, &filter).await?;
        if self.json {
            say(serde_json::to_string_pretty(&events)?)?;
            return Ok(Outcome::Done);
        }
        for event in &events {
            say(line(event))?;
        }
        say(format!(
            "{} events{}",
            events.len(),
            if events.is_empty() {
                ""
            } else {
                "; `onlycar events show ID` tells the story of one"
            }
        ))?;
        Ok(Outcome::Done)
    }
}

fn line(event: &Summary) -> String {
    let Summary {
        received_at,
        provider,
        event_type,
        event_id,
        state,
        last_error,
        ..
    } = event;
    let why = last_error
        .as_deref()
        .map(|error| format!("  {error}"))
        .unwrap_or_default();
    format!(
        "{}  {provider:8} {state:10} {event_type:34} {event_id}{why}",
        received_at.format("%Y-%m-%d %H:%M:%SZ")
    )
}

/// A span back from now, or a point in time.
fn since(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Usage> {
    let wrong = || {
        Usage(format!(
            "--since {text} is neither a span nor a time\nhint: 90m, 48h, 7d or 2026-11-22T00:00:00Z"
        ))
    };
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let unit = text.chars().last().ok_or_else(wrong)?;
    let count: i64 = text
        .strip_suffix(unit)
        .and_then(|count| count.parse().ok())
        .ok_or_else(wrong)?;
    let span = match unit {
        'm' => TimeDelta::try_minutes(count),
        'h' => TimeDelta::try_hours(count),
        'd' => TimeDelta::try_days(count),
        _ => None,
    };
    span.and_then(|span| now.checked_sub_signed(span))
        .ok_or_else(wrong)
}

impl Show {
    async fn run(self) -> anyhow::Result<Outcome> {
        let pool = self.dev.connect().await?;
        let Some(story) = history::show(&pool, &self.id).await? else {
            anyhow::bail!(
                "there is no event {}\nhint: `onlycar events list` shows those there are",
                self.id
            );
        };
        say(if self.json {
            serde_json::to_string_pretty(&story)?
        } else {
            tell(&story)
        })?;
        Ok(Outcome::Done)
    }
}

fn tell(story: &Story) -> String {
    let mut lines = about(&story.event);
    section(&mut lines, "attempts that failed", &story.failed_attempts, |it| {
        format!("{}  #{}  {}", time(Some(it.failed_at)), it.attempt, it.error)
    });
    section(&mut lines, "effects", &story.effects, |it| {
        let (at, on) = (
            time(Some(it.at)),
            format!("{} {}", it.resource_type, it.resource_id),
        );
        format!("{at}  {}  {}  {on}  {}", it.actor, it.action, it.detail)
    });
    section(&mut lines, "jobs", &story.jobs, |it| {
        let why = it
            .last_error
            .as_deref()
            .map(|error| format!("  {error}"))
            .unwrap_or_default();
        format!(
            "{}  {}  {} after {} attempts{why}",
            it.kind, it.id, it.state, it.attempts
        )
    });
    lines.join("\n")
}

fn about(event: &Summary) -> Vec<String> {
    let version = event.api_version.as_deref().unwrap_or("unknown");
    let mut lines = vec![
        format!("{}  {}  {}", event.event_id, event.provider, event.event_type),
        format!("  happened   {}", time(event.occurred_at)),
        format!("  received   {}", time(Some(event.received_at))),
        format!("  trusted    by {}, API version {version}", event.trust),
        format!("  state      {}, {} attempts", event.state, event.attempts),
        format!("  processed  {}", time(event.processed_at)),
        format!("  payload    sha256 {}", event.payload_sha256),
        format!("  id         {}", event.id),
    ];
    lines.extend(
        event
            .last_error
            .as_deref()
            .map(|error| format!("  why        {error}")),
    );
    lines
}

fn section<T>(lines: &mut Vec<String>, title: &str, rows: &[T], line: impl Fn(&T) -> String) {
    if !rows.is_empty() {
        lines.push(title.to_owned());
        lines.extend(rows.iter().map(|row| format!("  {}", line(row))));
    }
}

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(
        || "-".to_owned(),
        |time| time.format("%Y-%m-%d %H:%M:%S%.3fZ").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::since;

    #[test]
    fn since_takes_spans_and_times() {
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        for (text, expected) in [
            ("90m", "2026-11-22T10:30:00Z"),
            ("48h", "2026-11-20T12:00:00Z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(
                since(text, now).expect(text),
                expected.parse::<chrono::DateTime<chrono::Utc>>().expect("a time")
            );
        }
    }

    #[test]
    fn since_refuses_the_rest_without_overflow() {
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        for text in ["", "h", "12", "99999999999999999d", "yesterday", "5µ"] {
            assert!(since(text, now).is_err(), "{text}");
        }
    }
}

//! `onlycar events show`

use chrono::{DateTime, Utc};
use clap::Args;

use crate::cli::database::DevFolder;
use crate::cli::{Outcome, say};
use crate::engine::history::{self, Story, Summary};

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

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
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
        format!(
            "  payload    sha256 {}{}",
            event.payload_sha256,
            if event.payload_kept {
                ""
            } else {
                "; the bytes were removed when their retention time ended"
            }
        ),
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

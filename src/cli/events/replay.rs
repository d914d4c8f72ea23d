//! `onlycar events replay`

use std::collections::VecDeque;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::rehearsal::{self, Rehearsed};
use crate::cli::console::console;
use crate::cli::database::DevFolder;
use crate::cli::when::when;
use crate::cli::{Outcome, Usage, say};
use crate::engine::rehearsal::rehearse;
use crate::engine::replay::{self, Candidate, Range};
use crate::engine::work::Unit;
use crate::engine::{Engine, Failure};
use crate::ground::clock::Clock;

/// Handle events again, or show what that would change
///
/// Names events by their id, or a range of finished ones by time, provider, type and state; a range needs --yes, and
/// without it only says how many events it holds (exit code 2). They become due again, and the running server handles
/// them in the order in which they came; this command waits for it and prints how each ended. What was done already
/// is not done twice.
///
/// --dry-run handles each event here, with this program, by itself and on the data as they are now, in a transaction
/// that is taken back: it prints every row that would change, column by column, and changes nothing.
///
/// Exit code 0 when each event ended, or would end, as processed or ignored; 1 when one did not, or no server took it.
///
/// Example: onlycar events replay evt_1Q2w3E4r5T6y --dry-run
///
/// Example: onlycar events replay --state parked --since 48h --yes
#[derive(Args)]
pub struct Replay {
    /// The provider's ids (evt_…) or ours
    #[arg(
        value_name = "ID",
        required_unless_present_any = ["since", "until", "provider", "event_type", "state"],
        conflicts_with_all = ["since", "until", "provider", "event_type", "state"]
    )]
    ids: Vec<String>,
    /// Received since: a span such as 90m, 48h or 7d, or a time such as 2026-11-22T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Received before: a span or a time, as for --since
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Only of this provider: stripe
    #[arg(long)]
    provider: Option<String>,
    /// Only of this type, as in payment_intent.succeeded
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = replay::FINISHED)]
    state: Option<String>,
    /// Replay a range without asking first
    #[arg(long)]
    yes: bool,
    /// Change nothing: print what would change
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

/// How an event ended that was handled again.
#[derive(Serialize)]
struct Replayed {
    #[serde(flatten)]
    event: Candidate,
    state_before: String,
}

/// An event that cannot be handled again.
#[derive(Serialize)]
struct Refused {
    #[serde(flatten)]
    event: Candidate,
    why: &'static str,
}

/// What is to be handled, in the order in which it came.
struct Chosen {
    /// Those that were named and are left.
    named: VecDeque<Candidate>,
    range: Option<Range>,
    /// How far the range was read.
    read_to: Uuid,
    refused: Vec<Refused>,
}

impl Replay {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let engine = self.dev.machine().await?.engine;
        let mut chosen = if self.ids.is_empty() {
            self.range(&engine).await?
        } else {
            self.named(&engine).await?
        };
        if !self.json {
            for Refused { event, why } in &chosen.refused {
                say(format!(
                    "{}  {}  refused: {why}",
                    event.event_id, event.event_type
                ))?;
            }
        }
        if self.dry_run {
            self.rehearse(&engine, &mut chosen).await
        } else {
            self.replay(&engine, &mut chosen).await
        }
    }

    async fn named(&self, engine: &Engine) -> anyhow::Result<Chosen> {
        let found = replay::named(&engine.pool, &self.ids).await?;
        let known = |id: &str| {
            let ours: Option<Uuid> = id.parse().ok();
            found
                .iter()
                .any(|event| event.event_id == id || Some(event.id) == ours)
        };
        let unknown: Vec<&str> = self
            .ids
            .iter()
            .map(String::as_str)
            .filter(|id| !known(id))
            .collect();
        anyhow::ensure!(
            unknown.is_empty(),
            "there is no event {}; nothing was done\nhint: `onlycar events list` shows those there are",
            unknown.join(", no event "),
        );
        let mut chosen = Chosen::nothing();
        for event in found {
            match event.refusal() {
                // What is not finished may be rehearsed all the same.
                Some(why) if !event.payload_kept || !self.dry_run => {
                    chosen.refused.push(Refused { event, why });
                }
                _ => chosen.named.push_back(event),
            }
        }
        Ok(chosen)
    }

    async fn range(&self, engine: &Engine) -> anyhow::Result<Chosen> {
        let now = Clock::system().now();
        let time = |option: &str, text: &Option<String>| {
            text.as_deref().map(|text| when(option, text, now)).transpose()
        };
        let range = Range {
            provider: self.provider.clone(),
            event_type: self.event_type.clone(),
            state: self.state.clone(),
            since: time("--since", &self.since)?,
            until: time("--until", &self.until)?,
        };
        let (all, emptied) = replay::count(&engine.pool, &range).await?;
        let left_out = match emptied {
            0 => String::new(),
            _ => format!("; {emptied} of them hold no payload any more and are left out"),
        };
        let told = format!("{all} finished events are in that range{left_out}");
        if !self.yes && !self.dry_run && all > emptied {
            let hint = "--dry-run shows what would change, --yes replays them";
            return Err(Usage(format!("{told}; nothing was done\nhint: {hint}")).into());
        }
        if !self.json {
            say(told)?;
        }
        Ok(Chosen {
            range: Some(range),
            ..Chosen::nothing()
        })
    }

    async fn rehearse(&self, engine: &Engine, chosen: &mut Chosen) -> anyhow::Result<Outcome> {
        let mut all = Vec::new();
        let mut short = !chosen.refused.is_empty();
        let (mut events, mut rows) = (0, 0);
        loop {
            let page = chosen.next(engine).await?;
            if page.is_empty() {
                break;
            }
            for event in page {
                let rehearsal = rehearse(engine, event.id).await.map_err(failed)?;
                short |= !is_well(rehearsal.outcome);
                events += 1;
                rows += rehearsal.rows.len();
                let rehearsed = Rehearsed { event, rehearsal };
                if self.json {
                    all.push(rehearsed);
                } else {
                    say(rehearsal::tell(&rehearsed))?;
                }
            }
        }
        say(if self.json {
            serde_json::to_string_pretty(&json!({ "events": all, "refused": chosen.refused }))?
        } else {
            format!("{events} events, {rows} rows would change; nothing was written")
        })?;
        Ok(outcome(short))
    }

    async fn replay(&self, engine: &Engine, chosen: &mut Chosen) -> anyhow::Result<Outcome> {
        let mut all = Vec::new();
        let mut waiting = Vec::new();
        while waiting.is_empty() {
            let page = chosen.next(engine).await?;
            if page.is_empty() {
                break;
            }
            let ids: Vec<Uuid> = page.iter().map(|event| event.id).collect();
            let back = replay::put_back(engine, &Unit::by(console()), &ids)
                .await
                .map_err(failed)?;
            waiting = self.wait(engine, &page, back, &mut all).await?;
        }
        let short = all.iter().any(|it| !is_well(&it.event.state));
        if self.json {
            let told = json!({ "events": all, "refused": chosen.refused, "waiting": waiting });
            say(serde_json::to_string_pretty(&told)?)?;
        } else {
            say(format!("{} events were handled again", all.len()))?;
            if !waiting.is_empty() {
                say(format!(
                    "{} events wait: nothing has taken them for {} s. They are due and nothing is lost\n\
                     hint: no server works on this database, or it is busy; start one with `onlycar serve`",
                    waiting.len(),
                    QUIET.as_secs(),
                ))?;
            }
        }
        Ok(outcome(
            short || !waiting.is_empty() || !chosen.refused.is_empty(),
        ))
    }

    /// Waits until a server has tried each of them, and prints how each ended; returns those that nobody takes.
    async fn wait(
        &self,
        engine: &Engine,
        before: &[Candidate],
        mut left: Vec<Uuid>,
        all: &mut Vec<Replayed>,
    ) -> anyhow::Result<Vec<Uuid>> {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        let mut moved_at = Instant::now();
        while !left.is_empty() {
            tick.tick().await;
            let standing = replay::standing(&engine.pool, &left).await?;
            let under_way = standing.iter().any(|event| event.state == "processing");
            // An attempt that failed is an answer; the next one may be hours away.
            let tried = |event: &Candidate| event.is_finished() || event.state == "failed";
            let ended: Vec<Candidate> = standing.into_iter().filter(tried).collect();
            if !ended.is_empty() {
                moved_at = Instant::now();
            }
            left.retain(|id| !ended.iter().any(|event| event.id == *id));
            for event in ended {
                let known = before.iter().find(|known| known.id == event.id);
                let replayed = Replayed {
                    state_before: known.map(|known| known.state.clone()).unwrap_or_default(),
                    event,
                };
                if !self.json {
                    say(line(&replayed))?;
                }
                all.push(replayed);
            }
            let patience = if under_way { LONGEST } else { QUIET };
            if moved_at.elapsed() > patience {
                break;
            }
        }
        Ok(left)
    }
}

/// A server looks for due events every second.
const QUIET: Duration = Duration::from_secs(10);

/// A server breaks an attempt off after `worker.longest_seconds`.
const LONGEST: Duration = Duration::from_mins(6);

impl Chosen {
    fn nothing() -> Self {
        Self {
            named: VecDeque::new(),
            range: None,
            read_to: Uuid::nil(),
            refused: Vec::new(),
        }
    }

    /// The next few: a range may hold millions, and events that come meanwhile should not wait behind all of them.
    async fn next(&mut self, engine: &Engine) -> anyhow::Result<Vec<Candidate>> {
        let Some(range) = &self.range else {
            let count = self.named.len().min(usize::try_from(replay::PAGE)?);
            return Ok(self.named.drain(..count).collect());
        };
        let page = replay::page(&engine.pool, range, self.read_to).await?;
        self.read_to = page.last().map_or(self.read_to, |event| event.id);
        Ok(page)
    }
}

fn line(replayed: &Replayed) -> String {
    let Replayed { event, state_before } = replayed;
    let why = event.last_error.as_deref();
    format!(
        "{}  {}  {state_before} -> {}{}{}",
        event.event_id,
        event.event_type,
        event.state,
        why.map(|why| format!("  {why}")).unwrap_or_default(),
        if event.state == "failed" {
            " (it is tried again by itself)"
        } else {
            ""
        },
    )
}

fn is_well(state: &str) -> bool {
    matches!(state, "processed" | "ignored")
}

fn outcome(short: bool) -> Outcome {
    if short { Outcome::FellShort } else { Outcome::Done }
}

#[allow(clippy::needless_pass_by_value)] // fits map_err
fn failed(failure: Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure}")
}

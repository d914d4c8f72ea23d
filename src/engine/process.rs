//! One claimed row, from its handler to its mark; and what becomes of it when that fails.

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::FromRow;

use super::job::Task;
use super::queue::{self, Claim, Claimed, Lane};
use super::source::Event;
use super::work::{Unit, Verdict};
use super::{Engine, Failure};
use crate::ground::facts::{Actor, Closed, Fact};

/// A kind of row that workers handle.
pub(super) trait Piece:
    for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Sync + Unpin + 'static
{
    const LANE: Lane;

    /// The event's type or the job's kind.
    fn kind(&self) -> &str;

    /// What it was, for people.
    fn label(&self) -> String;

    fn unit(&self, engine: &Engine, claim: Claim) -> Unit;

    fn handle<'a>(&'a self, engine: &'a Engine, claim: Claim) -> BoxFuture<'a, Result<(), Failure>>;
}

/// A row of `webhooks.events` as claimed.
#[derive(FromRow)]
pub(super) struct InboxRow {
    id: uuid::Uuid,
    provider: String,
    event_id: String,
    event_type: String,
    occurred_at: Option<DateTime<Utc>>,
    received_at: DateTime<Utc>,
    payload: Option<Vec<u8>>,
    trust: String,
}

impl Piece for InboxRow {
    const LANE: Lane = Lane::Events;

    fn kind(&self) -> &str {
        &self.event_type
    }

    fn label(&self) -> String {
        format!("{} {} ({})", self.provider, self.event_type, self.event_id)
    }

    fn unit(&self, engine: &Engine, claim: Claim) -> Unit {
        let actor = engine
            .sources
            .get(self.provider.as_str())
            .map_or(Actor::System, |source| source.actor());
        let context = vec![
            ("evento", self.event_id.clone()),
            ("confianza", self.trust.clone()),
        ];
        Unit {
            claim,
            cause: Some(self.id),
            actor,
            context,
        }
    }

    fn handle<'a>(&'a self, engine: &'a Engine, claim: Claim) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let source = engine.sources.get(self.provider.as_str());
            let source =
                source.ok_or_else(|| Failure::retry(format!("no provider named {}", self.provider)))?;
            let event = self.event()?;
            let mut work = engine.begin(self.unit(engine, claim)).await?;
            source.handle(&event, &mut work).await?;
            let verdict = work.commit().await?;
            count(Self::LANE, &event.event_type, &verdict);
            Ok(())
        })
    }
}

impl InboxRow {
    fn event(&self) -> Result<Event, Failure> {
        let gone = || Failure::Park("the payload was removed when its retention time ended".to_owned());
        Ok(Event {
            id: self.id,
            event_id: self.event_id.clone(),
            event_type: self.event_type.clone(),
            occurred_at: self.occurred_at.unwrap_or(self.received_at),
            payload: self.payload.clone().ok_or_else(gone)?,
            trust: self.trust.clone(),
        })
    }
}

impl Piece for Task {
    const LANE: Lane = Lane::Jobs;

    fn kind(&self) -> &str {
        &self.kind
    }

    fn label(&self) -> String {
        format!("job {} ({})", self.kind, self.id)
    }

    fn unit(&self, _engine: &Engine, claim: Claim) -> Unit {
        Self::unit(self, claim)
    }

    fn handle<'a>(&'a self, engine: &'a Engine, claim: Claim) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let job = engine.jobs.get(self.kind.as_str());
            let job = job.ok_or_else(|| Failure::retry(format!("no job of kind {}", self.kind)))?;
            job.run(engine, claim, self).await?;
            count(Self::LANE, &self.kind, &Verdict::Processed);
            Ok(())
        })
    }
}

fn count(lane: Lane, kind: &str, verdict: &Verdict) {
    let outcome = match verdict {
        Verdict::Processed => "processed",
        Verdict::Ignored(_) => "ignored",
        Verdict::Parked(_) => "parked",
        Verdict::Dead(_) => "dead",
    };
    let lane = if lane == Lane::Events { "events" } else { "jobs" };
    metrics::counter!("work_finished_total", "lane" => lane, "kind" => kind.to_owned(), "outcome" => outcome)
        .increment(1);
}

/// Handles one claimed row. Whatever happens, the row ends in a state that somebody finds again.
pub(super) async fn process<P: Piece>(engine: &Engine, claimed: &Claimed<P>) {
    let Claimed { claim, row, .. } = claimed;
    let result =
        if usize::try_from(claim.attempt).is_ok_and(|n| n > usize::from(engine.settings.max_attempts)) {
            bury(engine, claimed, killed_its_workers(claimed)).await
        } else {
            match attempt(engine, row, *claim).await {
                Ok(()) | Err(Failure::LeaseLost) => Ok(()),
                Err(Failure::Park(reason)) => park(engine, claimed, reason).await,
                Err(Failure::Retry { reason, after }) => retry_or_bury(engine, claimed, reason, after).await,
            }
        };
    if let Err(failure) = result {
        // The row keeps its lease until it ends; then another worker takes it up.
        tracing::error!(work = row.label(), %failure, "the outcome could not be written; it will be tried again");
    }
}

async fn attempt<P: Piece>(engine: &Engine, row: &P, claim: Claim) -> Result<(), Failure> {
    match AssertUnwindSafe(row.handle(engine, claim)).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Failure::retry(format!(
                "panicked: {}",
                text.unwrap_or("no message")
            )))
        }
    }
}

fn killed_its_workers<P>(claimed: &Claimed<P>) -> String {
    let before = claimed.last_error.as_deref().unwrap_or("no error was written");
    format!("its workers died or were killed while they handled it; before that: {before}")
}

async fn retry_or_bury<P: Piece>(
    engine: &Engine,
    claimed: &Claimed<P>,
    reason: String,
    after: Option<std::time::Duration>,
) -> Result<(), Failure> {
    let claim = claimed.claim;
    if usize::try_from(claim.attempt).is_ok_and(|n| n >= usize::from(engine.settings.max_attempts)) {
        return bury(engine, claimed, reason).await;
    }
    let now = engine.clock.now();
    let asked = after.and_then(|after| TimeDelta::from_std(after).ok());
    let wait = asked.unwrap_or_else(|| queue::backoff(&engine.settings, claim.attempt));
    tracing::warn!(work = claimed.row.label(), attempt = claim.attempt, reason, retry_in = %wait, "attempt failed");
    Ok(queue::fail(&engine.pool, claim, &reason, now + wait, now).await?)
}

async fn park<P: Piece>(engine: &Engine, claimed: &Claimed<P>, reason: String) -> Result<(), Failure> {
    tracing::warn!(work = claimed.row.label(), reason, "kept for a person");
    let fact = Fact::Parked(closed(claimed, &reason));
    close(engine, claimed, fact, Verdict::Parked(reason)).await
}

async fn bury<P: Piece>(engine: &Engine, claimed: &Claimed<P>, reason: String) -> Result<(), Failure> {
    tracing::error!(
        work = claimed.row.label(),
        reason,
        "given up after its last attempt"
    );
    let fact = Fact::Buried(closed(claimed, &reason));
    close(engine, claimed, fact, Verdict::Dead(reason)).await
}

fn closed<P: Piece>(claimed: &Claimed<P>, reason: &str) -> Closed {
    let row = &claimed.row;
    Closed {
        is_event: P::LANE == Lane::Events,
        kind: row.kind().to_owned(),
        label: row.label(),
        reason: reason.to_owned(),
    }
}

/// Ends a row whose handler did not: the word, what follows from it, and the mark, in one commit.
async fn close<P: Piece>(
    engine: &Engine,
    claimed: &Claimed<P>,
    fact: Fact,
    verdict: Verdict,
) -> Result<(), Failure> {
    let mut work = engine.begin(claimed.row.unit(engine, claimed.claim)).await?;
    count(P::LANE, claimed.row.kind(), &verdict);
    work.say(fact);
    work.end(verdict);
    match work.commit().await {
        Ok(_) | Err(Failure::LeaseLost) => Ok(()),
        Err(failure) => Err(failure),
    }
}

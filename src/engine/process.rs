//! Claimed rows, from their handler to their mark; and what becomes of each when that fails.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt;
use tracing::Instrument as _;

use super::observed::{Attempt, finished};
use super::piece::Piece;
use super::queue::{self, Claimed, Lane};
use super::work::Verdict;
use super::{Engine, Failure, streaks};
use crate::ground::config;
use crate::ground::facts::{Closed, Fact};

/// Handles the rows, together when there are several; when that fails, each alone. Whatever happens, a row ends in a
/// state that somebody finds again.
pub(super) async fn process<P: Piece>(engine: &Engine, rows: &[Claimed<P>]) {
    if rows.len() > 1 {
        let begun = Attempt::begin(engine);
        let span = tracing::info_span!("together", rows = rows.len());
        match attempt(engine, rows).instrument(span).await {
            Ok(verdicts) => return begun.done(engine, rows, &verdicts),
            Err(failure) => {
                tracing::debug!(%failure, rows = rows.len(), "done together they failed; each is tried alone");
            }
        }
    }
    for row in rows {
        let span = row.row.span(row.claim.attempt);
        alone(engine, row).instrument(span).await;
    }
}

async fn alone<P: Piece>(engine: &Engine, claimed: &Claimed<P>) {
    let result = if attempts(claimed) > usize::from(engine.settings.max_attempts) {
        bury(engine, claimed, killed_its_workers(claimed)).await
    } else {
        observed(engine, claimed).await
    };
    if let Err(failure) = result {
        // The row keeps its lease until it ends; then another worker takes it up.
        tracing::error!(work = claimed.row.label(), %failure, "the outcome could not be written; it will be tried again");
    }
}

async fn observed<P: Piece>(engine: &Engine, claimed: &Claimed<P>) -> Result<(), Failure> {
    let begun = Attempt::begin(engine);
    let row = std::slice::from_ref(claimed);
    let failure = match attempt(engine, row).await {
        Ok(verdicts) => {
            begun.done(engine, row, &verdicts);
            return Ok(());
        }
        Err(failure) => failure,
    };
    begun.failed(engine, claimed, &failure);
    match failure {
        Failure::LeaseLost => Ok(()),
        Failure::Park(reason) => park(engine, claimed, storable(&reason)).await,
        Failure::Retry { reason, after } => retry_or_bury(engine, claimed, storable(&reason), after).await,
    }
}

/// PostgreSQL's text holds no U+0000, which an error that quotes a payload may.
fn storable(reason: &str) -> String {
    reason.replace('\0', "\u{fffd}")
}

fn attempts<P>(claimed: &Claimed<P>) -> usize {
    usize::try_from(claimed.claim.attempt).unwrap_or(0)
}

async fn attempt<P: Piece>(engine: &Engine, rows: &[Claimed<P>]) -> Result<Vec<Verdict>, Failure> {
    guarded(engine, P::handle(engine, rows)).await
}

/// Lets a handler fail in any way it likes: too long, or by a panic.
pub(super) async fn guarded<T>(
    engine: &Engine,
    handling: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let longest = Duration::from_secs(engine.settings.longest_seconds);
    let handled = tokio::time::timeout(longest, AssertUnwindSafe(handling).catch_unwind());
    let Ok(handled) = handled.await else {
        return Err(Failure::retry(format!(
            "it took longer than {} s",
            longest.as_secs()
        )));
    };
    match handled {
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
    after: Option<Duration>,
) -> Result<(), Failure> {
    let claim = claimed.claim;
    if attempts(claimed) >= usize::from(engine.settings.max_attempts) {
        return bury(engine, claimed, reason).await;
    }
    let now = engine.clock.now();
    let usual = queue::backoff(&engine.settings, claim.attempt);
    let wait = match after {
        // Nothing is to be waited for.
        Some(Duration::ZERO) => TimeDelta::zero(),
        // Who answers "in 2 seconds" for an hour would use up all attempts in the first minute.
        Some(after) => bounded(after, &engine.settings).max(usual),
        None => usual,
    };
    tracing::warn!(work = claimed.row.label(), attempt = claim.attempt, reason, retry_in = %wait, "attempt failed");
    // That another transaction was let through says nothing about a provider's webhooks.
    let counts = P::LANE == Lane::Events && after != Some(Duration::ZERO);
    if !counts {
        queue::fail(&engine.pool, claim, &reason, now + wait, now).await?;
        return Ok(());
    }
    let mut work = engine.begin(claimed.row.unit(engine, None)).await?;
    if queue::fail(work.connection(), claim, &reason, now + wait, now).await? {
        streaks::failed(&mut work, claim.id, &reason).await?;
    }
    work.commit().await.map(drop)
}

/// What the other side asks for is not taken at its word for ever.
fn bounded(after: Duration, settings: &config::Worker) -> TimeDelta {
    let longest = u64::from(settings.backoff_longest_seconds);
    TimeDelta::seconds(i64::try_from(after.as_secs().min(longest)).unwrap_or(0))
}

async fn park<P: Piece>(engine: &Engine, claimed: &Claimed<P>, reason: String) -> Result<(), Failure> {
    let fact = Fact::Parked(closed(&claimed.row, &reason));
    if close(engine, claimed, fact, Verdict::Parked(reason.clone())).await? {
        tracing::warn!(work = claimed.row.label(), reason, "kept for a person");
    }
    Ok(())
}

async fn bury<P: Piece>(engine: &Engine, claimed: &Claimed<P>, reason: String) -> Result<(), Failure> {
    let fact = Fact::Buried(closed(&claimed.row, &reason));
    if close(engine, claimed, fact, Verdict::Dead(reason.clone())).await? {
        tracing::error!(
            work = claimed.row.label(),
            reason,
            "given up after its last attempt"
        );
    }
    Ok(())
}

/// What the story is told about a row whose handler did not end.
pub(super) fn closed<P: Piece>(row: &P, reason: &str) -> Closed {
    Closed {
        is_event: P::LANE == Lane::Events,
        kind: row.kind().to_owned(),
        label: row.label(),
        reason: reason.to_owned(),
    }
}

/// Ends a row whose handler did not: the word, what follows from it, and the mark, in one commit. False where another
/// worker has it by now, which ends it in its own way.
async fn close<P: Piece>(
    engine: &Engine,
    claimed: &Claimed<P>,
    fact: Fact,
    verdict: Verdict,
) -> Result<bool, Failure> {
    let unit = claimed.row.unit(engine, Some(claimed.claim));
    let mut work = engine.begin(unit).await?;
    work.say(fact);
    work.end(verdict.clone());
    match work.commit().await {
        Ok(_) => {
            finished(&claimed.row, &verdict);
            Ok(true)
        }
        Err(Failure::LeaseLost) => Ok(false),
        Err(failure) => Err(failure),
    }
}

//! What is told of an attempt to handle a row: its metrics, its span of the trace, and what its log lines carry.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use opentelemetry::trace::SpanKind;

use super::piece::Piece;
use super::queue::{Claimed, Lane};
use super::work::Verdict;
use super::{Engine, Failure};
use crate::tools::traces::Span;

/// An attempt under way.
pub(super) struct Attempt {
    began: DateTime<Utc>,
    started: Instant,
}

impl Lane {
    /// As metrics and log lines name it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Jobs => "jobs",
        }
    }
}

impl Attempt {
    pub(super) fn begin(engine: &Engine) -> Self {
        Self {
            began: engine.clock.now(),
            started: Instant::now(),
        }
    }

    /// Rows that came to an end together.
    pub(super) fn done<P: Piece>(&self, engine: &Engine, rows: &[Claimed<P>], verdicts: &[Verdict]) {
        let took = self.started.elapsed();
        for (row, verdict) in rows.iter().zip(verdicts) {
            finished(&row.row, verdict);
            self.tell(engine, row, took, word(verdict));
        }
    }

    /// One that did not, by itself; what becomes of the row is told by its own words.
    pub(super) fn failed<P: Piece>(&self, engine: &Engine, row: &Claimed<P>, failure: &Failure) {
        let outcome = match failure {
            Failure::LeaseLost => "lease-lost",
            Failure::Park(_) => "parked",
            Failure::Retry { .. } => "failed",
        };
        if matches!(failure, Failure::Retry { .. }) {
            let (lane, kind, provider) = (
                P::LANE.word(),
                row.row.kind().to_owned(),
                row.row.provider().to_owned(),
            );
            metrics::counter!("work_failed_attempts_total", "lane" => lane, "provider" => provider, "kind" => kind)
                .increment(1);
        }
        self.tell(engine, row, self.started.elapsed(), outcome);
    }

    fn tell<P: Piece>(&self, engine: &Engine, row: &Claimed<P>, took: Duration, outcome: &'static str) {
        let kind = row.row.kind();
        metrics::histogram!("work_seconds", "lane" => P::LANE.word(), "kind" => kind.to_owned()).record(took);
        engine.traces.tell(|| {
            let mut attributes = row.row.attributes();
            attributes.push(("onlycar.attempt", i64::from(row.claim.attempt).into()));
            attributes.push(("onlycar.outcome", outcome.into()));
            Span {
                place: row.row.place(),
                name: format!(
                    "{} {kind}",
                    if P::LANE == Lane::Events { "handle" } else { "job" }
                )
                .into(),
                kind: SpanKind::Consumer,
                began: self.began,
                took,
                attributes,
                failed: !matches!(outcome, "processed" | "ignored"),
            }
        });
    }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Processed => "processed",
        Verdict::Ignored(_) => "ignored",
        Verdict::Parked(_) => "parked",
        Verdict::Dead(_) => "dead",
    }
}

/// Counts a row that came to its end.
pub(super) fn finished<P: Piece>(row: &P, verdict: &Verdict) {
    let (lane, kind, outcome) = (P::LANE.word(), row.kind().to_owned(), word(verdict));
    metrics::counter!("work_finished_total", "lane" => lane, "kind" => kind, "outcome" => outcome)
        .increment(1);
}

//! What workers handle: a row of the inbox, or a job.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use opentelemetry::Value;
use sqlx::FromRow;
use sqlx::postgres::PgRow;

use super::job::Task;
use super::queue::{Claim, Claimed, Lane};
use super::source::Event;
use super::work::{Unit, Verdict, Work};
use super::{Engine, Failure};
use crate::ground::facts::Actor;
use crate::tools::traces::Place;

/// A kind of row that workers handle.
pub(super) trait Piece: for<'r> FromRow<'r, PgRow> + Send + Sync + Unpin + 'static {
    const LANE: Lane;

    /// The event's type or the job's kind.
    fn kind(&self) -> &str;

    /// Whose event it is; of a job, nobody's.
    fn provider(&self) -> &str;

    /// What it was, for people.
    fn label(&self) -> String;

    /// What the log lines of an attempt carry.
    fn span(&self, attempt: i32) -> tracing::Span;

    /// Where its attempts stand in a trace.
    fn place(&self) -> Place;

    /// What a trace tells of it.
    fn attributes(&self) -> Vec<(&'static str, Value)>;

    /// What it is as a unit of work; without a claim when it is only rehearsed.
    fn unit(&self, engine: &Engine, claim: Option<Claim>) -> Unit;

    /// Handles the rows together: all of them end as the verdicts say, or none.
    fn handle<'a>(
        engine: &'a Engine,
        rows: &'a [Claimed<Self>],
    ) -> BoxFuture<'a, Result<Vec<Verdict>, Failure>>;
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

    fn provider(&self) -> &str {
        &self.provider
    }

    fn label(&self) -> String {
        format!("{} {} ({})", self.provider, self.event_type, self.event_id)
    }

    fn span(&self, attempt: i32) -> tracing::Span {
        let (trace_id, provider, event_id, event_type) =
            (self.id.simple(), &self.provider, &self.event_id, &self.event_type);
        tracing::info_span!("event", %trace_id, provider, event_id, event_type, attempt)
    }

    fn place(&self) -> Place {
        Place::Follows(self.id)
    }

    fn attributes(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("onlycar.provider", self.provider.clone().into()),
            ("onlycar.event.id", self.event_id.clone().into()),
            ("onlycar.event.type", self.event_type.clone().into()),
            ("onlycar.row.id", self.id.to_string().into()),
        ]
    }

    fn unit(&self, engine: &Engine, claim: Option<Claim>) -> Unit {
        let source = engine.sources.get(self.provider.as_str());
        let actor = source.map_or(Actor::System, |source| source.actor());
        let context = vec![
            ("evento", self.event_id.clone()),
            ("confianza", self.trust.clone()),
        ];
        Unit {
            claim,
            cause: Some(self.id),
            provider: Some(self.provider.clone()),
            context,
            ..Unit::by(actor)
        }
    }

    fn handle<'a>(
        engine: &'a Engine,
        rows: &'a [Claimed<Self>],
    ) -> BoxFuture<'a, Result<Vec<Verdict>, Failure>> {
        Box::pin(async move {
            let mut work: Option<Work> = None;
            for Claimed { claim, row, .. } in rows {
                let unit = row.unit(engine, Some(*claim));
                let open = match work.take() {
                    None => {
                        let mut open = engine.begin(unit).await?;
                        if rows.len() > 1 {
                            open.wait_briefly().await?;
                        }
                        open
                    }
                    Some(mut open) => {
                        open.turn(unit).await?;
                        open
                    }
                };
                row.apply(engine, work.insert(open)).await?;
            }
            match work {
                Some(work) => work.commit().await,
                None => Ok(Vec::new()),
            }
        })
    }
}

impl InboxRow {
    /// Lets its provider's handler write what it means.
    pub(super) async fn apply(&self, engine: &Engine, work: &mut Work) -> Result<(), Failure> {
        let source = engine.sources.get(self.provider.as_str());
        let source = source.ok_or_else(|| Failure::retry(format!("no provider named {}", self.provider)))?;
        source.handle(&self.event()?, work).await
    }

    fn event(&self) -> Result<Event, Failure> {
        let gone = || Failure::Park("the payload was removed when its retention time ended".to_owned());
        Ok(Event {
            event_id: self.event_id.clone(),
            event_type: self.event_type.clone(),
            occurred_at: self.occurred_at.unwrap_or(self.received_at),
            payload: self.payload.clone().ok_or_else(gone)?,
        })
    }
}

impl Piece for Task {
    const LANE: Lane = Lane::Jobs;

    fn kind(&self) -> &str {
        &self.kind
    }

    fn provider(&self) -> &'static str {
        ""
    }

    fn label(&self) -> String {
        format!("job {} ({})", self.kind, self.id)
    }

    fn span(&self, attempt: i32) -> tracing::Span {
        let trace_id = self.cause.unwrap_or(self.id).simple();
        tracing::info_span!("job", %trace_id, job_id = %self.id, kind = self.kind, attempt)
    }

    /// Of the event that caused it, directly or through jobs; what nothing caused is a trace of its own.
    fn place(&self) -> Place {
        self.cause.map_or(Place::Alone(self.id), Place::Follows)
    }

    fn attributes(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("onlycar.job.kind", self.kind.clone().into()),
            ("onlycar.row.id", self.id.to_string().into()),
        ]
    }

    fn unit(&self, _engine: &Engine, claim: Option<Claim>) -> Unit {
        let context = vec![("trabajo", self.kind.clone())];
        Unit {
            claim,
            cause: self.cause,
            context,
            ..Unit::by(Actor::System)
        }
    }

    fn handle<'a>(
        engine: &'a Engine,
        rows: &'a [Claimed<Self>],
    ) -> BoxFuture<'a, Result<Vec<Verdict>, Failure>> {
        Box::pin(async move {
            let mut verdicts = Vec::new();
            for Claimed { claim, row, .. } in rows {
                let job = engine.jobs.get(row.kind.as_str());
                let job = job.ok_or_else(|| Failure::retry(format!("no job of kind {}", row.kind)))?;
                verdicts.extend(job.run(engine, *claim, row).await?);
            }
            Ok(verdicts)
        })
    }
}

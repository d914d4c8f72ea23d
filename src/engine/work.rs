//! Work: one unit of work is one transaction. What it changes, what follows, its audit rows, its follow-up jobs
//! and the mark "done" are committed together or not at all. There is no network in here, and no way to it.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::job::NewJob;
use super::queue::{Claim, Lane, Wakers};
use super::{Engine, Failure};
use crate::ground::clock::Clock;
use crate::ground::facts::{Actor, Fact};

/// The story: what follows from a fact. The composition root hands it in, so that nothing below knows it.
pub type React = for<'a> fn(&'a Fact, &'a mut Work) -> BoxFuture<'a, Result<(), Failure>>;

/// What a unit of work is about.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The row that will be marked.
    pub claim: Claim,
    /// The event that caused it, directly or through jobs.
    pub cause: Option<Uuid>,
    /// Who the audit log names.
    pub actor: Actor,
    /// Noted with every audit row: the event's id and how it was trusted, or the job's kind.
    pub context: Vec<(&'static str, String)>,
}

/// How a unit of work ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done.
    Processed,
    /// Nobody here acts on it.
    Ignored(String),
    /// Kept for a person, with the reason.
    Parked(String),
    /// Given up after its last attempt.
    Dead(String),
}

impl Verdict {
    fn columns(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Processed => ("processed", None),
            Self::Ignored(reason) => ("ignored", Some(reason)),
            Self::Parked(reason) => ("parked", Some(reason)),
            Self::Dead(reason) => ("dead", Some(reason)),
        }
    }
}

/// An open unit of work.
pub struct Work {
    transaction: Transaction<'static, Postgres>,
    unit: Unit,
    now: DateTime<Utc>,
    clock: Clock,
    verdict: Verdict,
    facts: VecDeque<Fact>,
    audit: Vec<AuditEntry>,
    jobs: Vec<NewJob>,
    react: React,
    wakers: Wakers,
}

struct AuditEntry {
    actor: Actor,
    action: &'static str,
    kind: &'static str,
    resource: String,
    detail: Value,
}

impl Work {
    pub(super) async fn begin(engine: &Engine, unit: Unit) -> Result<Self, Failure> {
        Ok(Self {
            transaction: transaction(&engine.pool).await?,
            unit,
            now: engine.clock.now(),
            clock: engine.clock.clone(),
            verdict: Verdict::Processed,
            facts: VecDeque::new(),
            audit: Vec::new(),
            jobs: Vec::new(),
            react: engine.react,
            wakers: engine.wakers.clone(),
        })
    }

    /// The open transaction, for a slice's `store.rs`.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// The time of this unit: every row it writes carries the same.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A new row's id.
    pub fn new_id(&self) -> Uuid {
        self.clock.new_id()
    }

    /// The row this unit is about.
    pub fn claim(&self) -> Claim {
        self.unit.claim
    }

    /// Says that something happened; the story answers before the commit.
    pub fn say(&mut self, fact: Fact) {
        self.facts.push_back(fact);
    }

    /// Writes down a change of a business table: `resource` is the row of table `kind`.
    pub fn audit(
        &mut self,
        action: &'static str,
        kind: &'static str,
        resource: impl ToString,
        detail: Value,
    ) {
        let mut detail = detail;
        if let Value::Object(fields) = &mut detail {
            for (name, value) in &self.unit.context {
                fields.insert((*name).to_owned(), json!(value));
            }
        }
        self.audit.push(AuditEntry {
            actor: self.unit.actor,
            action,
            kind,
            resource: resource.to_string(),
            detail,
        });
    }

    /// Asks for a job after the commit.
    pub fn enqueue(&mut self, job: NewJob) {
        self.jobs.push(job);
    }

    /// Keeps the event for a person. What was written so far stays; the first reason counts.
    pub fn park(&mut self, reason: impl Into<String>) {
        self.end(Verdict::Parked(reason.into()));
    }

    /// Ends the unit otherwise than by `Processed`; the first such word counts.
    pub fn end(&mut self, verdict: Verdict) {
        if self.verdict == Verdict::Processed {
            self.verdict = verdict;
        }
    }

    /// Lets the story react, then commits everything with the mark. Zero rows marked means that the lease is
    /// another's: nothing is written.
    pub async fn commit(mut self) -> Result<Verdict, Failure> {
        while let Some(fact) = self.facts.pop_front() {
            (self.react)(&fact, &mut self).await?;
        }
        if self.finish().await? == 0 {
            return Err(Failure::LeaseLost);
        }
        self.transaction.commit().await?;
        if !self.jobs.is_empty() {
            self.wakers.wake(Lane::Jobs);
        }
        Ok(self.verdict)
    }

    async fn finish(&mut self) -> Result<i64, sqlx::Error> {
        macro_rules! column {
            ($rows:ident, $row:ident => $value:expr) => {
                self.$rows.iter().map(|$row| $value).collect::<Vec<_>>()
            };
        }
        let (state, error) = self.verdict.columns();
        let actor = column!(audit, entry => entry.actor.as_str());
        let action = column!(audit, entry => entry.action);
        let kind = column!(audit, entry => entry.kind);
        let resource = column!(audit, entry => entry.resource.as_str());
        let detail = column!(audit, entry => &entry.detail);
        let job_id = column!(jobs, job => job.id);
        let job_kind = column!(jobs, job => job.kind);
        let job_payload = column!(jobs, job => &job.payload);
        let job_run_at = column!(jobs, job => job.run_at);
        sqlx::query_scalar(AssertSqlSafe(self.unit.claim.lane.statements().finish.as_str()))
            .bind(self.unit.claim.id)
            .bind(self.unit.claim.attempt)
            .bind(state)
            .bind(self.now)
            .bind(error)
            .bind(actor)
            .bind(action)
            .bind(kind)
            .bind(resource)
            .bind(detail)
            .bind(job_id)
            .bind(job_kind)
            .bind(job_payload)
            .bind(job_run_at)
            .bind(self.unit.cause)
            .fetch_one(&mut *self.transaction)
            .await
    }
}

/// Opens a transaction: the only place in the program that does.
#[allow(clippy::disallowed_methods)] // this is the one place
pub(super) async fn transaction(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    pool.begin().await
}

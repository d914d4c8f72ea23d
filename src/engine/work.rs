//! Work: what a unit of work changes, what follows from it, its audit rows, its follow-up jobs and the mark "done" are
//! committed together or not at all. There is no network in here, and no way to it.
//!
//! Events that come in a storm share a transaction ([`Work::turn`]): a commit is what costs most. They are then done
//! together or not at all, and when not, each is tried alone.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::job::{self, NewJob};
use super::queue::{Claim, Lane, Wakers};
use super::{Engine, Failure, streaks};
use crate::ground::clock::Clock;
use crate::ground::facts::{Actor, Fact, Health};
use crate::tools::client_ip::ClientIp;
use crate::tools::db::{Db, Transaction};

/// The story: what follows from a fact. The composition root hands it in, so that nothing below knows it.
pub type React = for<'a> fn(&'a Fact, &'a mut Work) -> BoxFuture<'a, Result<(), Failure>>;

/// What a unit of work is about.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The row that will be marked; none when it was not a row of work that asked, but a person or a command.
    pub claim: Option<Claim>,
    /// The event that caused it, directly or through jobs.
    pub cause: Option<Uuid>,
    /// Whose event it is, when it is one.
    pub provider: Option<String>,
    /// Who the audit log names.
    pub actor: Actor,
    /// Where the request came from, when a request it was.
    pub ip: Option<IpAddr>,
    /// Noted with every audit row: the event's id and how it was trusted, or the job's kind.
    pub context: Vec<(&'static str, String)>,
}

impl Unit {
    /// What this one does by a request or a command, not for a row of work.
    pub fn by(actor: Actor) -> Self {
        Self {
            claim: None,
            cause: None,
            provider: None,
            actor,
            ip: None,
            context: Vec::new(),
        }
    }

    /// The same, asked for from there.
    #[must_use]
    pub fn from(self, client: ClientIp) -> Self {
        Self { ip: client.0, ..self }
    }
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
    /// Its state and its reason, as the row keeps them.
    pub(super) fn columns(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Processed => ("processed", None),
            Self::Ignored(reason) => ("ignored", Some(reason)),
            Self::Parked(reason) => ("parked", Some(reason)),
            Self::Dead(reason) => ("dead", Some(reason)),
        }
    }
}

/// An open transaction and the unit that it is at.
pub struct Work {
    transaction: Transaction,
    now: DateTime<Utc>,
    clock: Clock,
    react: React,
    wakers: Wakers,
    unit: Unit,
    verdict: Verdict,
    facts: VecDeque<Fact>,
    marks: Vec<(Claim, Verdict)>,
    /// The providers with a success among the marks.
    succeeded: BTreeSet<String>,
    audit: Vec<AuditEntry>,
    jobs: Vec<NewJob>,
}

/// What a unit of work would commit, before it is rolled back.
pub(super) struct Rehearsed<'a> {
    pub(super) connection: &'a mut Transaction,
    pub(super) verdict: &'a Verdict,
    pub(super) audit: &'a [AuditEntry],
    pub(super) jobs: Vec<&'a NewJob>,
}

/// A row of the audit log to be.
pub(super) struct AuditEntry {
    pub(super) actor: Actor,
    pub(super) action: &'static str,
    pub(super) kind: &'static str,
    pub(super) resource: String,
    pub(super) detail: Value,
    ip: Option<IpAddr>,
    event: Option<Uuid>,
    job: Option<Uuid>,
}

impl Work {
    pub(super) async fn begin(engine: &Engine, unit: Unit) -> Result<Self, Failure> {
        Ok(Self {
            transaction: transaction(&engine.pool).await?,
            now: engine.clock.now(),
            clock: engine.clock.clone(),
            react: engine.react,
            wakers: engine.wakers.clone(),
            unit,
            verdict: Verdict::Processed,
            facts: VecDeque::new(),
            marks: Vec::new(),
            succeeded: BTreeSet::new(),
            audit: Vec::new(),
            jobs: Vec::new(),
        })
    }

    /// The open transaction, for a slice's `store.rs`.
    pub fn connection(&mut self) -> &mut Transaction {
        &mut self.transaction
    }

    /// The time of this transaction: every row it writes carries the same.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Who does it, as the audit log will name them.
    pub fn actor(&self) -> Actor {
        self.unit.actor
    }

    /// A new row's id.
    pub fn new_id(&self) -> Uuid {
        self.clock.new_id()
    }

    /// The event that caused this unit, directly or through jobs.
    pub(super) fn cause(&self) -> Option<Uuid> {
        self.unit.cause
    }

    /// Says that something happened; the story answers before the unit ends.
    pub fn say(&mut self, fact: Fact) {
        self.facts.push_back(fact);
    }

    /// Writes down a change of a business table: `resource` is the row of table `kind`.
    #[allow(clippy::needless_pass_by_value)] // ids are small and copied
    pub fn audit(
        &mut self,
        action: &'static str,
        kind: &'static str,
        resource: impl ToString,
        mut detail: Value,
    ) {
        if let Value::Object(fields) = &mut detail {
            for (name, value) in &self.unit.context {
                fields.insert((*name).to_owned(), json!(value));
            }
        }
        let job = self.unit.claim.filter(|claim| claim.lane == Lane::Jobs);
        self.audit.push(AuditEntry {
            actor: self.unit.actor,
            action,
            kind,
            resource: resource.to_string(),
            detail,
            ip: self.unit.ip,
            event: self.unit.cause,
            job: job.map(|claim| claim.id),
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

    /// Keeps the event that caused this job for a person too: what it asked for came to nothing.
    pub async fn park_cause(&mut self, reason: &str) -> Result<(), Failure> {
        sqlx::query!(
            "update webhooks.events set state = 'parked', last_error = $2
             where id = $1 and state in ('processed', 'ignored', 'parked')",
            self.unit.cause,
            reason,
        )
        .execute(&mut self.transaction)
        .await?;
        Ok(())
    }

    /// Ends the unit otherwise than by `Processed`; the first such word counts.
    pub fn end(&mut self, verdict: Verdict) {
        if self.verdict == Verdict::Processed {
            self.verdict = verdict;
        }
    }

    /// Before several units in one transaction: it holds the rows of all of them, in no order that others keep, so it
    /// gives up soon where it would have to wait, long before PostgreSQL looks for a deadlock. A unit alone can wait.
    pub(super) async fn wait_briefly(&mut self) -> Result<(), Failure> {
        let brief = sqlx::query("set local lock_timeout = '100ms'");
        brief.execute(&mut self.transaction).await?;
        Ok(())
    }

    /// Ends this unit and goes on with another one in the same transaction.
    pub(super) async fn turn(&mut self, next: Unit) -> Result<(), Failure> {
        self.settle().await?;
        self.unit = next;
        Ok(())
    }

    /// Lets the story react, then commits everything with the marks; returns how each unit ended, in their order.
    /// A mark that is not ours to set means that a lease is another's: then nothing is written.
    pub async fn commit(mut self) -> Result<Vec<Verdict>, Failure> {
        self.settle().await?;
        let (marked, recovered) = self.finish().await?;
        if usize::try_from(marked) != Ok(self.marks.len()) {
            return Err(Failure::LeaseLost);
        }
        self.streaks(recovered).await?;
        let asked = self.ask_for_jobs().await?;
        self.transaction.commit().await?;
        if !asked.is_empty() {
            self.wakers.wake(Lane::Jobs);
        }
        Ok(self.marks.into_iter().map(|(_, verdict)| verdict).collect())
    }

    /// All that [`Work::commit`] does short of marks and commit. The transaction stays open to be looked at; dropping
    /// the work rolls everything back.
    pub(super) async fn rehearse(&mut self) -> Result<Rehearsed<'_>, Failure> {
        self.react().await?;
        let asked = self.ask_for_jobs().await?;
        Ok(Rehearsed {
            connection: &mut self.transaction,
            verdict: &self.verdict,
            audit: &self.audit,
            jobs: self.jobs.iter().filter(|job| asked.contains(&job.id)).collect(),
        })
    }

    /// Those of the jobs that nobody had asked for before.
    async fn ask_for_jobs(&mut self) -> Result<Vec<Uuid>, sqlx::Error> {
        if self.jobs.is_empty() {
            return Ok(Vec::new());
        }
        job::insert(&mut self.transaction, &self.jobs, self.now).await
    }

    /// What the marks mean for the providers' failures in a row. What follows opens and closes incidents, which have no
    /// audit rows: those are written already.
    async fn streaks(&mut self, recovered: Vec<String>) -> Result<(), Failure> {
        let dead = self.marks.iter().filter_map(|(claim, verdict)| match verdict {
            Verdict::Dead(reason) if claim.lane == Lane::Events => Some((claim.id, reason.clone())),
            _ => None,
        });
        for (event, reason) in dead.collect::<Vec<_>>() {
            streaks::failed(self, event, &reason).await?;
        }
        for provider in recovered {
            self.say(Fact::Health(Health::WebhooksFine { provider }));
        }
        self.react().await
    }

    async fn react(&mut self) -> Result<(), Failure> {
        while let Some(fact) = self.facts.pop_front() {
            (self.react)(&fact, self).await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Failure> {
        self.react().await?;
        let verdict = std::mem::replace(&mut self.verdict, Verdict::Processed);
        if matches!(verdict, Verdict::Processed | Verdict::Ignored(_)) && self.unit.claim.is_some() {
            self.succeeded.extend(self.unit.provider.take());
        }
        self.marks.extend(self.unit.claim.map(|claim| (claim, verdict)));
        Ok(())
    }

    async fn finish(&mut self) -> Result<(i64, Vec<String>), sqlx::Error> {
        if self.marks.is_empty() && self.audit.is_empty() {
            return Ok((0, Vec::new()));
        }
        macro_rules! column {
            ($rows:ident, $row:pat => $value:expr) => {
                self.$rows.iter().map(|$row| $value).collect::<Vec<_>>()
            };
        }
        // Without a mark to set, the same statement writes the audit rows alone.
        let lane = self.unit.claim.map_or(Lane::Events, |claim| claim.lane);
        let succeeded: Vec<&str> = self.succeeded.iter().map(String::as_str).collect();
        sqlx::query_as(AssertSqlSafe(lane.statements().finish.as_str()))
            .bind(column!(marks, (claim, _) => claim.id))
            .bind(column!(marks, (claim, _) => claim.attempt))
            .bind(column!(marks, (_, verdict) => verdict.columns().0))
            .bind(column!(marks, (_, verdict) => verdict.columns().1))
            .bind(self.now)
            .bind(column!(audit, entry => entry.actor.to_string()))
            .bind(column!(audit, entry => entry.action))
            .bind(column!(audit, entry => entry.kind))
            .bind(column!(audit, entry => entry.resource.as_str()))
            .bind(column!(audit, entry => &entry.detail))
            .bind(column!(audit, entry => entry.event))
            .bind(column!(audit, entry => entry.job))
            .bind(column!(audit, entry => entry.ip.map(|ip| ip.to_string())))
            .bind(succeeded)
            .fetch_one(&mut self.transaction)
            .await
    }
}

/// Opens a transaction: the only place in the program that does.
#[allow(clippy::disallowed_methods)] // this is the one place
pub(super) async fn transaction(db: &Db) -> Result<Transaction, sqlx::Error> {
    db.begin().await
}

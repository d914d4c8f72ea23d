//! Asking Stripe what we may have missed: events that never came are put through the same door as a webhook, and
//! where our row shows another version than Stripe does, Stripe is asked for the object.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::api::{EventQuery, StripeApi};
use super::ask::Question;
use super::events::{self, HANDLED};
use super::objects::Family;
use super::read::Object;
use super::stripe::Stripe;
use super::told::Told;
use crate::engine::inbox::Inbox;
use crate::engine::job::{Job, Task};
use crate::engine::reconciliation::{self, Drifted, Missing, Progress, Report, Unfinished};
use crate::engine::schedule::Schedule;
use crate::engine::source::Fetched;
use crate::engine::work::Work;
use crate::engine::{Engine, Failure, history};
use crate::ground::clock::Clock;
use crate::tools::db::Db;

const KIND: &str = "reconciliar_stripe";
const PROVIDER: &str = "stripe";

/// How long Stripe keeps its events.
pub const KEPT: TimeDelta = TimeDelta::days(30);

/// Each run looks again at what the one before saw last: an event may become visible after it happened.
const OVERLAP: TimeDelta = TimeDelta::hours(2);

/// An event younger than this may still be under way.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(10);

/// Stripe, asked for what we may have missed.
pub struct Reconcile {
    stripe: Arc<Stripe>,
    api: Option<StripeApi>,
    inbox: Inbox,
    pool: Db,
    clock: Clock,
}

impl Reconcile {
    /// Works on the tables of `engine`.
    pub fn new(engine: &Engine, stripe: Arc<Stripe>, api: Option<StripeApi>) -> Self {
        Self {
            stripe,
            api,
            inbox: engine.inbox.clone(),
            pool: engine.pool.clone(),
            clock: engine.clock.clone(),
        }
    }

    /// When it runs by itself.
    pub fn schedule(every: TimeDelta) -> Schedule {
        Schedule { kind: KIND, every }
    }

    /// Lists what happened since; with `repair`, puts what is missing into the inbox.
    pub async fn look(
        &self,
        since: DateTime<Utc>,
        repair: bool,
        progress: Progress<'_>,
    ) -> Result<Report, Failure> {
        let no_key = || Failure::Park("STRIPE_SECRET_KEY is not set, so Stripe cannot be asked".to_owned());
        let api = self.api.as_ref().ok_or_else(no_key)?;
        let ran_at = self.clock.now();
        let mut report = Report::begin(PROVIDER, since.max(ran_at - KEPT), ran_at);
        // Family by family: the first event of an object in a list is its newest.
        for family in Family::ALL {
            let types: Vec<&str> = HANDLED
                .iter()
                .filter(|(_, of)| *of == family)
                .map(|(name, _)| *name)
                .collect();
            let mut seen = HashSet::new();
            let mut pages = api.events(&EventQuery {
                since: report.since,
                types: &types,
            });
            while let Some(page) = pages.next().await? {
                self.page(family, &page, repair, &mut seen, &mut report).await?;
                progress(report.listed);
            }
        }
        report.measure();
        Ok(report)
    }

    async fn page(
        &self,
        family: Family,
        page: &[Value],
        repair: bool,
        seen: &mut HashSet<String>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let events: Vec<Listed<'_>> = page.iter().filter_map(Listed::of).collect();
        let ids: Vec<&str> = events.iter().map(|event| event.id).collect();
        let states = history::states(&self.pool, PROVIDER, &ids).await?;
        for event in &events {
            report.listed += 1;
            let newest = event.object_id().is_some_and(|id| seen.insert(id));
            match states.get(event.id).map(String::as_str) {
                None => {
                    report.missing.push(event.missing());
                    if repair {
                        self.put(event).await?;
                    }
                }
                Some("processed" | "ignored") if newest => {
                    report.drifted.extend(self.compare(family, event).await?);
                }
                Some("processed" | "ignored") => {}
                Some(state) => report.unfinished.push(event.unfinished(state)),
            }
        }
        Ok(())
    }

    /// The same way as a webhook: the inbox knows each event once.
    async fn put(&self, event: &Listed<'_>) -> Result<(), Failure> {
        let body = serde_json::to_vec_pretty(event.event).map_err(Failure::retry)?;
        let fetched = Fetched::new(&*self.stripe, Bytes::from(body), self.clock.now());
        self.inbox.put(fetched, self.clock.new_id()).await
    }

    async fn compare(&self, family: Family, event: &Listed<'_>) -> Result<Option<Drifted>, Failure> {
        let (Ok(object), Some(id)) = (Object::at(event.event, "/data/object"), event.object_id()) else {
            return Ok(None);
        };
        let told = Told::by(event.kind, event.at);
        let found = events::compare(family, object, &told, &self.pool, self.clock.now()).await?;
        Ok(found.map(|(drift, columns)| Drifted {
            object: family.to_string(),
            id,
            drift,
            columns,
        }))
    }
}

/// The question that repairs a drifted row.
pub fn question(drifted: &Drifted) -> Option<Question> {
    let family = Family::ALL
        .into_iter()
        .find(|family| family.to_string() == drifted.object)?;
    Some(Question::about(family, &drifted.id))
}

impl Job for Reconcile {
    type Done = Report;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Report, Failure> {
        let now = self.clock.now();
        let last = reconciliation::last(&self.pool, PROVIDER).await?;
        let since = last.map_or(now - TimeDelta::days(3), |last| last - OVERLAP);
        self.look(since, true, &|_| {}).await
    }

    async fn record(&self, _task: &Task, report: Report, work: &mut Work) -> Result<(), Failure> {
        for drifted in &report.drifted {
            if let Some(question) = question(drifted) {
                question.ask(work)?;
            }
        }
        let old = report.ran_at - UNDER_WAY;
        let lost = report
            .missing
            .iter()
            .filter(|event| event.occurred_at < old)
            .count();
        report.say_lost(lost, work);
        report.keep(work).await
    }
}

/// An event as Stripe lists it.
struct Listed<'a> {
    event: &'a Value,
    id: &'a str,
    kind: &'a str,
    at: DateTime<Utc>,
}

impl<'a> Listed<'a> {
    fn of(event: &'a Value) -> Option<Self> {
        Some(Self {
            event,
            id: event.get("id")?.as_str()?,
            kind: event.get("type")?.as_str()?,
            at: DateTime::from_timestamp(event.get("created")?.as_i64()?, 0)?,
        })
    }

    fn object_id(&self) -> Option<String> {
        let id = self.event.pointer("/data/object/id")?.as_str()?;
        Some(id.to_owned())
    }

    fn missing(&self) -> Missing {
        Missing {
            event_id: self.id.to_owned(),
            event_type: self.kind.to_owned(),
            occurred_at: self.at,
        }
    }

    fn unfinished(&self, state: &str) -> Unfinished {
        Unfinished {
            event_id: self.id.to_owned(),
            event_type: self.kind.to_owned(),
            state: state.to_owned(),
        }
    }
}

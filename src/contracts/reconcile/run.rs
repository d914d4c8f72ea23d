//! One comparison with Mifiel, from our documents to what is missing or stale here.

use std::collections::HashMap;

use axum::body::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Look, NoLook, PROVIDER, Reconcile};
use crate::contracts::documents::{self, Wanted};
use crate::contracts::mifiel::api::ApiError;
use crate::contracts::mifiel::shapes::Document;
use crate::contracts::sending::{self, PAGES, newest_first_and_older};
use crate::contracts::store::looks::{self, Ours, Unsent};
use crate::engine::reconciliation::{Drift, Drifted, Missing, Progress, Report, Unfinished};
use crate::engine::source::{Fetched, Source as _};
use crate::engine::{Failure, history};

/// So many of our documents are asked for each time: a day has room for a thousand that wait.
const ONE_BY_ONE: i64 = 50;

/// What is younger than this may still be on its way: an event to us, or a document to Mifiel.
const ON_ITS_WAY: TimeDelta = TimeDelta::minutes(10);

/// Times of Mifiel's may have fewer digits than ours.
const SAME: TimeDelta = TimeDelta::seconds(1);

/// A comparison that is being made.
pub(super) struct Run<'a> {
    with: &'a Reconcile,
    repair: bool,
    underway: HashMap<String, String>,
    look: Look,
}

/// What a webhook would have told.
struct News<'a> {
    kind: &'static str,
    at: Option<DateTime<Utc>>,
    document: &'a str,
    /// Our `estado`, and what it should be.
    states: (&'a str, &'static str),
}

impl News<'_> {
    fn body(&self) -> String {
        json!({ "event": self.kind, "data": { "id": self.document } }).to_string()
    }
}

impl<'a> Run<'a> {
    pub(super) async fn begin(
        with: &'a Reconcile,
        since: DateTime<Utc>,
        repair: bool,
    ) -> Result<Self, Failure> {
        let report = Report::begin(PROVIDER, since, with.clock.now());
        Ok(Self {
            with,
            repair,
            underway: documents::underway(&with.pool).await?,
            look: Look {
                report,
                lost: 0,
                wanted: Vec::new(),
            },
        })
    }

    pub(super) fn end(self) -> Look {
        self.look
    }

    /// Those of our documents that nobody looked at for the longest time.
    pub(super) async fn documents(&mut self, progress: Progress<'_>) -> Result<(), NoLook> {
        let Report { since, ran_at, .. } = self.look.report;
        for row in looks::longest_unasked(&self.with.pool, since, ran_at, ONE_BY_ONE).await? {
            match self.with.api.document(&row.mifiel).await {
                Ok(answer) => match Document::of(&answer) {
                    Some(document) => self.compare(&document, &row).await?,
                    None => self.unreadable(&row),
                },
                Err(ApiError::Missing) => self.gone(&row).await?,
                // One that cannot be asked for must not keep the others from it.
                Err(ApiError::Refused(_) | ApiError::Unreadable(_)) => self.unreadable(&row),
                Err(error) => return Err(error.into()),
            }
            if self.repair {
                looks::looked(&self.with.pool, row.id, ran_at).await?;
            }
            self.look.report.listed += 1;
            progress(self.look.report.listed);
        }
        Ok(())
    }

    /// Both have it.
    async fn compare(&mut self, document: &Document, row: &Ours) -> Result<(), Failure> {
        let later = |theirs: &DateTime<Utc>| row.expires_at.is_none_or(|ours| (ours - theirs).abs() > SAME);
        match (document.signed, row.state.as_str()) {
            (true, "firmado") => self.stale(&row.mifiel, vec![column("url_xml", None, Some("xml"))]),
            (true, ours) => self.tell(closed(document, ours)).await?,
            (false, "pendiente") => {
                if let Some(theirs) = document.expires_at.filter(later) {
                    let ours = row.expires_at.map(|at| at.to_rfc3339());
                    let columns = vec![column("vence_en", ours.as_deref(), Some(&theirs.to_rfc3339()))];
                    self.stale(&row.mifiel, columns);
                }
            }
            (false, _) => {}
        }
        Ok(())
    }

    /// Mifiel had it, and has it no more. What was signed stays signed.
    async fn gone(&mut self, row: &Ours) -> Result<(), Failure> {
        if row.state == "firmado" {
            self.unreadable(row);
            return Ok(());
        }
        let news = News {
            kind: "document_deleted",
            at: None,
            document: &row.mifiel,
            states: (&row.state, "rechazado"),
        };
        self.tell(news).await
    }

    /// Documents whose sending nobody answered: Mifiel may have them under the id that we gave.
    pub(super) async fn unsent(&mut self) -> Result<(), NoLook> {
        let old = self.look.report.ran_at - ON_ITS_WAY;
        let unsent = looks::unsent(&self.with.pool, old, ONE_BY_ONE).await?;
        let mut unsent: HashMap<Uuid, Unsent> = unsent.into_iter().map(|row| (row.id, row)).collect();
        let jobs = sending::underway(&self.with.pool).await?;
        let oldest = unsent.values().map(|row| row.created_at).min().unwrap_or(old);
        for page in 1..=PAGES {
            if unsent.is_empty() {
                break;
            }
            let listed = self.with.api.documents(page).await?;
            for document in listed.iter().filter_map(Document::of) {
                let row = document.external.and_then(|id| unsent.remove(&id));
                if let Some(row) = row {
                    self.found(&document, &row).await?;
                }
            }
            if listed.is_empty() || newest_first_and_older(&listed, oldest - ON_ITS_WAY) {
                break;
            }
        }
        for row in unsent.into_values() {
            let state = jobs.get(&row.id).map_or("unsent", String::as_str);
            self.unfinished(row.id.to_string(), "enviar_contrato", state);
        }
        Ok(())
    }

    /// Mifiel has it, and we did not know.
    async fn found(&mut self, document: &Document, row: &Unsent) -> Result<(), Failure> {
        if document.signed {
            return self.tell(closed(document, "pendiente")).await;
        }
        let columns = vec![column("mifiel_document_id", None, Some(&document.id))];
        tracing::info!(document = %row.id, created_at = %row.created_at, "Mifiel has a document whose sending nobody answered");
        self.stale(&document.id, columns);
        Ok(())
    }

    /// What we were not told goes into the inbox, once; what came and is not done is waited for.
    async fn tell(&mut self, news: News<'_>) -> Result<(), Failure> {
        let body = news.body();
        let opened = self.with.source.open(&body);
        let event_id = opened
            .map_err(|refusal| Failure::Park(refusal.reason.into_owned()))?
            .event_id;
        let states = history::states(&self.with.pool, PROVIDER, &[&event_id]).await?;
        let event = states.get(&event_id).map(String::as_str);
        let job = self.underway.get(news.document).cloned();
        match (job, event) {
            (Some(state), _) => self.unfinished(event_id, news.kind, &state),
            (None, None) => {
                let report = &mut self.look.report;
                let old = report.ran_at - ON_ITS_WAY;
                self.look.lost += usize::from(news.at.is_none_or(|at| at < old));
                report.missing.push(Missing {
                    event_id,
                    event_type: news.kind.to_owned(),
                    occurred_at: news.at.unwrap_or(report.ran_at),
                });
                if self.repair {
                    self.put(body).await?;
                }
            }
            // It was handled, and its outcome is not there any more.
            (None, Some("processed" | "ignored")) => {
                let (ours, theirs) = news.states;
                self.stale(news.document, vec![column("estado", Some(ours), Some(theirs))]);
            }
            (None, Some(state)) => self.unfinished(event_id, news.kind, state),
        }
        Ok(())
    }

    /// The same way as a webhook: the inbox knows each event once.
    async fn put(&self, body: String) -> Result<(), Failure> {
        let now = self.look.report.ran_at;
        let fetched = Fetched::new(&*self.with.source, Bytes::from(body), now);
        self.with.inbox.put(fetched, self.with.clock.new_id()).await
    }

    /// Our row is older than what Mifiel has: it is asked for, unless a job is about it already.
    fn stale(&mut self, document: &str, columns: Vec<(String, Value, Value)>) {
        if let Some(state) = self.underway.get(document) {
            let state = state.clone();
            self.unfinished(document.to_owned(), "document", &state);
            return;
        }
        self.look.wanted.push(Wanted::standing_of(document));
        self.look.report.drifted.push(Drifted {
            object: "document".to_owned(),
            id: document.to_owned(),
            drift: Drift::Stale,
            columns,
        });
    }

    fn unreadable(&mut self, row: &Ours) {
        self.unfinished(row.mifiel.clone(), "document", "unreadable");
    }

    fn unfinished(&mut self, event_id: String, event_type: &str, state: &str) {
        self.look.report.unfinished.push(Unfinished {
            event_id,
            event_type: event_type.to_owned(),
            state: state.to_owned(),
        });
    }
}

fn closed<'a>(document: &'a Document, ours: &'a str) -> News<'a> {
    News {
        kind: "document_closed",
        at: document.signed_at,
        document: &document.id,
        states: (ours, "firmado"),
    }
}

/// A column: ours, theirs.
fn column(name: &str, ours: Option<&str>, theirs: Option<&str>) -> (String, Value, Value) {
    (name.to_owned(), json!(ours), json!(theirs))
}

//! One comparison with Gigstack, from its list to what is missing, stale or different here.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::news::{News, column, drifted};
use super::{Look, NoLook, PROVIDER, Reconcile};
use crate::engine::reconciliation::{Drift, Missing, Progress, Report, Unfinished};
use crate::engine::{Failure, history};
use crate::ground::clock::BUSINESS_ZONE;
use crate::invoicing::documents::{self, Underway, Wanted};
use crate::invoicing::gigstack::api::ApiError;
use crate::invoicing::gigstack::shapes::{Invoice, Receipt, Status};
use crate::invoicing::store::looks::{self, Ours};

/// So many of our invoices, and so many self-invoices that wait, are asked for one by one each time: within a day those
/// of a thousand have had their turn, and Gigstack does not notice.
const ONE_BY_ONE: i64 = 50;

/// An event younger than this may still be on its way.
const ON_ITS_WAY: TimeDelta = TimeDelta::minutes(10);

/// A comparison that is being made.
pub(super) struct Run<'a> {
    with: &'a Reconcile,
    repair: bool,
    underway: Underway,
    look: Look,
    /// What this run has told of already, by every name it has.
    told: HashSet<String>,
    /// Rows that this run has looked at.
    looked: Vec<Uuid>,
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
                different: Vec::new(),
            },
            told: HashSet::new(),
            looked: Vec::new(),
        })
    }

    pub(super) fn end(self) -> Look {
        self.look
    }

    /// What Gigstack lists.
    pub(super) async fn list(&mut self, progress: Progress<'_>) -> Result<(), NoLook> {
        let since = self.look.report.since.timestamp();
        let mut after = None;
        let mut listed = HashSet::new();
        loop {
            let page = self.with.api.list(since, after.as_deref()).await?;
            let invoices: Vec<Invoice> = page.items.iter().filter_map(Invoice::of).collect();
            let new = invoices
                .iter()
                .filter(|invoice| listed.insert(invoice.id.clone()))
                .count();
            self.page(&invoices).await?;
            self.look.report.listed += new as u64;
            progress(self.look.report.listed);
            match page.next {
                None => return Ok(()),
                Some(_) if new == 0 => return Err(ApiError::Unreadable("una lista que se repite").into()),
                next => after = next,
            }
        }
    }

    async fn page(&mut self, invoices: &[Invoice]) -> Result<(), Failure> {
        let ids: Vec<String> = invoices.iter().map(|invoice| invoice.id.clone()).collect();
        let uuids: Vec<Uuid> = invoices.iter().filter_map(|invoice| invoice.uuid).collect();
        let ours = looks::ours(&self.with.pool, &ids, &uuids).await?;
        let by_uuid: HashMap<Uuid, &Ours> = ours.iter().filter_map(|row| Some((row.uuid?, row))).collect();
        let by_id: HashMap<&str, &Ours> = ours
            .iter()
            .filter_map(|row| Some((row.gigstack_id.as_deref()?, row)))
            .collect();
        for invoice in invoices {
            let same_uuid = invoice.uuid.and_then(|uuid| by_uuid.get(&uuid));
            match same_uuid.or_else(|| by_id.get(invoice.id.as_str())) {
                Some(row) => self.compare(invoice, row).await?,
                None => self.without_row(invoice).await?,
            }
        }
        self.note(&ours.iter().map(|row| row.id).collect::<Vec<_>>())
            .await
    }

    /// Those of our valid invoices that nobody looked at for the longest time: one that was made long ago and cancelled
    /// today is in no list.
    pub(super) async fn old(&mut self) -> Result<(), NoLook> {
        let since = last_fiscal_year(self.look.report.ran_at);
        let pool = &self.with.pool;
        for row in looks::longest_unasked(pool, since, &self.looked, ONE_BY_ONE).await? {
            let name = row.uuid.map(|uuid| uuid.to_string());
            let Some(name) = name.or_else(|| row.gigstack_id.clone()) else {
                continue;
            };
            match self.with.api.invoice(&name).await {
                Ok(answer) => {
                    let invoice = Invoice::of(&answer).ok_or(ApiError::Unreadable("una factura sin id"))?;
                    self.compare(&invoice, &row).await?;
                }
                Err(ApiError::Missing) => {
                    let gone = column("gigstack_id", row.gigstack_id.as_deref(), None::<&str>);
                    self.differs(&row, vec![gone]);
                }
                Err(error) => return Err(error.into()),
            }
            self.note(&[row.id]).await?;
        }
        Ok(())
    }

    /// Self-invoices whose client made the invoice, and nobody told us.
    pub(super) async fn open_requests(&mut self) -> Result<(), NoLook> {
        for request in looks::open_requests(&self.with.pool, ONE_BY_ONE).await? {
            let answer = self.with.api.receipt(&request.receipt).await;
            let receipt = match answer {
                Ok(answer) => Receipt::of(&answer),
                Err(ApiError::Missing) => None,
                Err(error) => return Err(error.into()),
            };
            let made = receipt.and_then(|receipt| receipt.invoice);
            if let Some(invoice) = made.filter(|invoice| !self.told.contains(invoice)) {
                self.completed(&request.receipt, &invoice).await?;
            }
            self.note(&[request.id]).await?;
        }
        Ok(())
    }

    async fn completed(&mut self, receipt: &str, invoice: &str) -> Result<(), Failure> {
        let news = News {
            kind: "self_invoice.completed",
            at: None,
            event_id: format!("reconcile-{receipt}-completed"),
            object: json!({ "receipt_id": receipt, "status": "completed" }),
            wanted: Wanted::Receipt {
                id: receipt.to_owned(),
                completed: true,
            },
            names: vec![receipt.to_owned(), invoice.to_owned()],
            drifted: None,
        };
        self.tell(news).await
    }

    /// Gigstack has it and we do not.
    async fn without_row(&mut self, invoice: &Invoice) -> Result<(), Failure> {
        let news = match invoice.status {
            Status::Pending => return Ok(()),
            Status::Stamped => News::of(invoice, "invoice.created", "created"),
            Status::Cancelled => News::of(invoice, "invoice.cancelled", "cancelled"),
            Status::Failed => News::of(invoice, "invoice.failed", "failed"),
        };
        self.tell(news).await
    }

    /// Both have it.
    async fn compare(&mut self, invoice: &Invoice, row: &Ours) -> Result<(), Failure> {
        let cancelled = invoice.status == Status::Cancelled;
        if cancelled && row.state != "cancelada" {
            let columns = vec![column("estado", Some(&row.state), Some("cancelada"))];
            let news = News {
                drifted: Some(drifted(row, Drift::Stale, columns)),
                ..News::of(invoice, "invoice.cancelled", "cancelled")
            };
            return self.tell(news).await;
        }
        let different = differences(invoice, row);
        if !different.is_empty() {
            self.differs(row, different);
        }
        self.documents(row);
        Ok(())
    }

    /// What we were not told goes into the inbox, once; what came and is not done is waited for.
    async fn tell(&mut self, news: News) -> Result<(), Failure> {
        self.told.extend(news.names.iter().cloned());
        let states = history::states(&self.with.pool, PROVIDER, &[&news.event_id]).await?;
        let event = states.get(&news.event_id).map(String::as_str);
        // A job that waits for a person may be about what was before the row became as it is.
        let job = self.underway.state(&news.names, news.drifted.is_some());
        let report = &mut self.look.report;
        match (job, event) {
            (None, None) => {
                let old = report.ran_at - ON_ITS_WAY;
                self.look.lost += usize::from(news.at.is_none_or(|at| at < old));
                if self.repair {
                    self.with.put(&news, report.ran_at).await?;
                }
                match news.drifted {
                    Some(drifted) => report.drifted.push(drifted),
                    None => report.missing.push(Missing {
                        event_id: news.event_id,
                        event_type: news.kind.to_owned(),
                        occurred_at: news.at.unwrap_or(report.ran_at),
                    }),
                }
            }
            // It was handled, and its outcome is not there any more.
            (None, Some("processed" | "ignored")) => {
                report.drifted.push(news.lost_again());
                self.look.wanted.push(news.wanted);
            }
            (Some(state), _) | (None, Some(state)) => report.unfinished.push(news.unfinished(state)),
        }
        Ok(())
    }

    /// Nobody mends it by itself: which side is right is for a person.
    fn differs(&mut self, row: &Ours, columns: Vec<(String, Value, Value)>) {
        let told = columns.iter().map(|(name, ours, theirs)| {
            format!("{name} es {} aquí y {} en Gigstack", shown(ours), shown(theirs))
        });
        let told: Vec<String> = told.collect();
        self.look.different.push((row.id, told.join("; ")));
        let drifted = drifted(row, Drift::Mismatched, columns);
        self.look.report.drifted.push(drifted);
    }

    /// Documents that are not there, and that nobody is asking for.
    fn documents(&mut self, row: &Ours) {
        let Some(uuid) = row.uuid else { return };
        let mut columns = Vec::new();
        if !row.has_pdf {
            columns.push(column("url_pdf", None, Some("pdf")));
        }
        if row.state == "cancelada" && !row.has_acuse {
            columns.push(column("url_acuse", None, Some("acuse")));
        }
        if columns.is_empty() {
            return;
        }
        if let Some(state) = self.underway.rest(uuid) {
            self.look.report.unfinished.push(Unfinished {
                event_id: uuid.to_string(),
                event_type: "documents".to_owned(),
                state: state.to_owned(),
            });
        } else {
            let drifted = drifted(row, Drift::Stale, columns);
            self.look.report.drifted.push(drifted);
            self.look.wanted.push(Wanted::Rest { uuid });
        }
    }

    async fn note(&mut self, rows: &[Uuid]) -> Result<(), Failure> {
        self.looked.extend_from_slice(rows);
        if self.repair && !rows.is_empty() {
            looks::looked(&self.with.pool, rows, self.look.report.ran_at).await?;
        }
        Ok(())
    }
}

fn differences(invoice: &Invoice, row: &Ours) -> Vec<(String, Value, Value)> {
    let mut columns = Vec::new();
    let mut compare = |name: &str, ours: Option<String>, theirs: Option<String>| {
        if theirs.is_some() && ours != theirs {
            columns.push(column(name, ours.as_deref(), theirs.as_deref()));
        }
    };
    let uuid = |uuid: Option<Uuid>| uuid.map(|uuid| uuid.to_string());
    let amount = |amount: Option<rust_decimal::Decimal>| amount.map(|amount| amount.normalize().to_string());
    // On its way to being cancelled, it is in a state that is told by many words.
    let state = match invoice.status {
        Status::Stamped => Some("vigente".to_owned()),
        Status::Cancelled => Some("cancelada".to_owned()),
        Status::Pending | Status::Failed => None,
    };
    compare("estado", Some(row.state.clone()), state);
    compare("uuid_sat", uuid(row.uuid), uuid(invoice.uuid));
    compare("monto_total", amount(row.total), amount(invoice.total));
    compare("moneda", row.currency.clone(), invoice.currency.clone());
    columns
}

fn shown(value: &Value) -> &str {
    value.as_str().unwrap_or("desconocido")
}

/// The beginning of the fiscal year before this one: what is older is not cancelled any more (CFF, 29-A: until the
/// annual return of the year).
fn last_fiscal_year(now: DateTime<Utc>) -> DateTime<Utc> {
    let year = now.with_timezone(&BUSINESS_ZONE).year() - 1;
    let first = NaiveDate::from_ymd_opt(year, 1, 1).map(|day| day.and_time(NaiveTime::MIN));
    let first = first.and_then(|first| first.and_local_timezone(BUSINESS_ZONE).earliest());
    first.map_or(now, |first| first.with_timezone(&Utc))
}

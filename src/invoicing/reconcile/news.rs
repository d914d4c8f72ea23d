//! What a webhook of Gigstack's would have told, had it come.

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Reconcile;
use crate::engine::Failure;
use crate::engine::reconciliation::{Drift, Drifted, Unfinished};
use crate::engine::source::Fetched;
use crate::invoicing::documents::Wanted;
use crate::invoicing::gigstack::shapes::{Invoice, Status};
use crate::invoicing::store::looks::Ours;

/// What a webhook would have told.
pub(super) struct News {
    pub(super) kind: &'static str,
    pub(super) at: Option<DateTime<Utc>>,
    /// The same for the same news: the inbox takes it once.
    pub(super) event_id: String,
    pub(super) object: Value,
    pub(super) wanted: Wanted,
    /// Under which names a job may be about it already.
    pub(super) names: Vec<String>,
    /// The row that shows it otherwise, where there is one.
    pub(super) drifted: Option<Drifted>,
}

impl News {
    /// The news that this invoice was `what`.
    pub(super) fn of(invoice: &Invoice, kind: &'static str, what: &'static str) -> Self {
        let uuid = invoice.uuid.map(|uuid| uuid.to_string());
        let names = [Some(invoice.id.clone()), uuid, invoice.receipt.clone()];
        let at = if invoice.status == Status::Cancelled {
            invoice.cancelled_at
        } else {
            invoice.created_at
        };
        Self {
            kind,
            at,
            event_id: format!("reconcile-{}-{what}", invoice.id),
            object: json!({ "id": invoice.id, "uuid": invoice.uuid, "status": what }),
            wanted: Wanted::Invoice {
                id: invoice.id.clone(),
                by_stripe: invoice.by_stripe,
            },
            names: names.into_iter().flatten().collect(),
            drifted: None,
        }
    }

    pub(super) fn unfinished(&self, state: &str) -> Unfinished {
        Unfinished {
            event_id: self.event_id.clone(),
            event_type: self.kind.to_owned(),
            state: state.to_owned(),
        }
    }

    /// It came, and its outcome is gone.
    pub(super) fn lost_again(&self) -> Drifted {
        self.drifted.clone().unwrap_or_else(|| Drifted {
            object: "invoice".to_owned(),
            id: self.names.first().cloned().unwrap_or_default(),
            drift: Drift::Stale,
            columns: vec![column("estado", None, Some(self.kind))],
        })
    }
}

/// How a row differs.
pub(super) fn drifted(row: &Ours, drift: Drift, columns: Vec<(String, Value, Value)>) -> Drifted {
    let uuid = row.uuid.map(|uuid| uuid.to_string());
    Drifted {
        object: "invoice".to_owned(),
        id: uuid.or_else(|| row.gigstack_id.clone()).unwrap_or_default(),
        drift,
        columns,
    }
}

impl Reconcile {
    /// The same way as a webhook: the inbox knows each event once.
    pub(super) async fn put(&self, news: &News, now: DateTime<Utc>) -> Result<(), Failure> {
        let body = json!({
            "id": news.event_id,
            "type": news.kind,
            "created": news.at.map(|at| at.timestamp()),
            "data": { "object": news.object },
        });
        let fetched = Fetched::new(&*self.source, Bytes::from(body.to_string()), now);
        self.inbox.put(fetched, self.clock.new_id()).await
    }
}

/// A column: ours, theirs.
pub(super) fn column(name: &str, ours: Option<&str>, theirs: Option<&str>) -> (String, Value, Value) {
    (name.to_owned(), json!(ours), json!(theirs))
}

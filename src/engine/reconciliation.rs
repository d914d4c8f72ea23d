//! What came of asking a provider what we may have missed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::Failure;
use super::work::Work;
use crate::ground::facts::Fact;
use crate::tools::db::Db;

/// The outcome of asking one provider.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Who was asked.
    pub provider: &'static str,
    /// From when on.
    pub since: DateTime<Utc>,
    /// When.
    pub ran_at: DateTime<Utc>,
    /// How many events the provider listed.
    pub listed: u64,
    /// Events that never came.
    pub missing: Vec<Missing>,
    /// Objects that our rows show otherwise.
    pub drifted: Vec<Drifted>,
    /// Events that came and wait: for their next attempt, or for a person.
    pub unfinished: Vec<Unfinished>,
}

/// An event that never came.
#[derive(Debug, Clone, Serialize)]
pub struct Missing {
    /// The provider's id.
    pub event_id: String,
    /// What happened.
    pub event_type: String,
    /// When.
    pub occurred_at: DateTime<Utc>,
}

/// An event that came and is not done.
#[derive(Debug, Clone, Serialize)]
pub struct Unfinished {
    /// The provider's id.
    pub event_id: String,
    /// What happened.
    pub event_type: String,
    /// Where it stands in the inbox.
    pub state: String,
}

/// How a row differs from its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Drift {
    /// It shows an older version.
    Stale,
    /// It shows the same version with other content.
    Mismatched,
}

/// An object that our row shows otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Drifted {
    /// What kind of object.
    pub object: String,
    /// The provider's id.
    pub id: String,
    /// How the row differs.
    pub drift: Drift,
    /// Column by column: ours, theirs.
    pub columns: Vec<(String, Value, Value)>,
}

/// How far it has come, for people who wait.
pub type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

impl Report {
    /// One that has found nothing yet.
    pub fn begin(provider: &'static str, since: DateTime<Utc>, ran_at: DateTime<Utc>) -> Self {
        Self {
            provider,
            since,
            ran_at,
            listed: 0,
            missing: Vec::new(),
            drifted: Vec::new(),
            unfinished: Vec::new(),
        }
    }

    /// Says how many events a provider never brought us that had time enough.
    pub fn say_lost(&self, lost: usize, work: &mut Work) {
        let provider = self.provider;
        work.say(match lost {
            0 => Fact::NothingMissed { provider },
            count => Fact::EventsMissed { provider, count },
        });
    }

    /// How many objects drifted in this way.
    pub fn count(&self, drift: Drift) -> usize {
        self.drifted
            .iter()
            .filter(|drifted| drifted.drift == drift)
            .count()
    }

    /// Shows the drift to whoever watches.
    pub fn measure(&self) {
        let counts = [
            ("missing", self.missing.len()),
            ("stale", self.count(Drift::Stale)),
            ("mismatched", self.count(Drift::Mismatched)),
        ];
        for (kind, count) in counts {
            #[allow(clippy::cast_precision_loss)] // a gauge
            metrics::gauge!("reconcile_drift", "provider" => self.provider, "kind" => kind).set(count as f64);
        }
    }

    /// Keeps the figures: the next one begins where this one began to look, with some overlap.
    pub async fn keep(&self, work: &mut Work) -> Result<(), Failure> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let id = work.new_id();
        sqlx::query!(
            "insert into engine.reconciliations (id, provider, since, ran_at, listed, missing, stale, mismatched)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            id,
            self.provider,
            self.since,
            self.ran_at,
            i64::try_from(self.listed).unwrap_or(i64::MAX),
            count(self.missing.len()),
            count(self.count(Drift::Stale)),
            count(self.count(Drift::Mismatched)),
        )
        .execute(work.connection())
        .await?;
        Ok(())
    }
}

/// When a provider was last asked in full.
pub async fn last(pool: &Db, provider: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let last = sqlx::query_scalar!(
        "select ran_at from engine.reconciliations where provider = $1 order by ran_at desc limit 1",
        provider,
    );
    last.fetch_optional(pool).await
}

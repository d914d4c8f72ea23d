//! What incidents there are, for whoever looks at them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::tools::db::Db;
use crate::tools::paging::Place;

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has seen to it.
    #[serde(rename = "abierta")]
    Open,
    /// Somebody sees to it.
    #[serde(rename = "atendida")]
    Acknowledged,
    /// Over.
    #[serde(rename = "resuelta")]
    Resolved,
}

impl State {
    /// The words, as people read them and a filter takes them.
    pub const WORDS: [&'static str; 3] = ["abierta", "atendida", "resuelta"];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "abierta",
            Self::Acknowledged => "atendida",
            Self::Resolved => "resuelta",
        }
    }
}

/// An incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Alert {
    /// Its id; they are in the order of their opening.
    pub id: Uuid,
    /// One of [`crate::notifications::incidents::KINDS`].
    pub kind: String,
    /// The kind and what it is about.
    pub cause: String,
    /// A line.
    pub title: String,
    /// What happened, why, and what to do next.
    pub detail: String,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When its cause came last.
    pub last_seen_at: DateTime<Utc>,
    /// How often it came.
    pub times: i32,
    /// When somebody saw to it.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Who did, as the audit log names them.
    pub acknowledged_by: Option<String>,
    /// What they noted.
    pub note: Option<String>,
    /// When it was over.
    pub resolved_at: Option<DateTime<Utc>>,
}

impl Alert {
    /// Where it stands.
    pub fn state(&self) -> State {
        match (self.resolved_at, self.acknowledged_at) {
            (Some(_), _) => State::Resolved,
            (None, Some(_)) => State::Acknowledged,
            (None, None) => State::Open,
        }
    }

    /// Whether it was opened to see whether alerts arrive.
    pub fn is_drill(&self) -> bool {
        self.cause.starts_with(super::DRILL)
    }

    /// Where it stands in the list.
    pub fn place(&self) -> Place {
        Place {
            at: self.resolved_at,
            id: self.id,
        }
    }
}

/// Which incidents.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// In this state; one of [`State::WORDS`].
    pub state: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// After this one of the list.
    pub after: Option<Place>,
}

/// Those that are not over first, the newest of them first; then the others, the latest resolved first.
pub async fn list(pool: &Db, which: &Which, limit: i64) -> Result<Vec<Alert>, sqlx::Error> {
    let (resolved_at, id) = (
        which.after.and_then(|place| place.at),
        which.after.map(|place| place.id),
    );
    sqlx::query_as!(
        Alert,
        r#"select id, kind as "kind!", cause, title, detail, opened_at, last_seen_at, times, acknowledged_at,
                  acknowledged_by, note, resolved_at
           from engine.alerts
           where ($1::text is null or $1 = case when resolved_at is not null then 'resuelta'
                                                when acknowledged_at is not null then 'atendida' else 'abierta' end)
             and ($2::text is null or kind = $2)
             and ($3::uuid is null or case when $4::timestamptz is null
                 then resolved_at is not null or id < $3
                 else resolved_at is not null and (resolved_at, id) < ($4, $3) end)
           order by resolved_at desc nulls first, id desc limit $5"#,
        which.state,
        which.kind,
        id,
        resolved_at,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// One, where it is there.
pub async fn one(pool: &Db, id: Uuid) -> Result<Option<Alert>, sqlx::Error> {
    sqlx::query_as!(
        Alert,
        r#"select id, kind as "kind!", cause, title, detail, opened_at, last_seen_at, times, acknowledged_at,
                  acknowledged_by, note, resolved_at
           from engine.alerts where id = $1"#,
        id,
    )
    .fetch_optional(pool)
    .await
}

/// How many are not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Unresolved {
    /// Those that nobody has seen to.
    pub open: i64,
    /// Those that somebody sees to.
    pub acknowledged: i64,
}

/// Counts those that are not over.
pub async fn unresolved(pool: &Db) -> Result<Unresolved, sqlx::Error> {
    sqlx::query_as!(
        Unresolved,
        r#"select count(*) filter (where acknowledged_at is null) as "open!",
                  count(*) filter (where acknowledged_at is not null) as "acknowledged!"
           from engine.alerts where resolved_at is null"#,
    )
    .fetch_one(pool)
    .await
}

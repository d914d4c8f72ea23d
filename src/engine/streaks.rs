//! Attempts of a provider's events that failed one after the other. Counted in the commit that notes the failed attempt,
//! and set to zero in the commit of the next mark that is a success; so no crash can lose one or count it twice.
//!
//! In normal times no row of the count is locked: a mark looks whether there is anything to set to zero, and nothing else.
//! Its row comes after everything else that a transaction holds, and several rows in the order of their names.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::Failure;
use super::work::Work;
use crate::ground::facts::{Fact, Health};
use crate::tools::db::Db;

/// More failures than these in a row are told.
pub(super) const TOLERATED: i32 = 3;

/// Counts a failed attempt of this event.
pub(super) async fn failed(work: &mut Work, event: Uuid, reason: &str) -> Result<(), Failure> {
    let now = work.now();
    let counted = sqlx::query!(
        "insert into engine.webhook_failures as kept (provider, in_row, since, last_at)
         select provider, 1, $2, $2 from webhooks.events where id = $1
         on conflict (provider) do update set in_row = kept.in_row + 1, last_at = excluded.last_at,
             since = case when kept.in_row = 0 then excluded.since else kept.since end
         returning provider, in_row",
        event,
        now,
    );
    let counted = counted.fetch_one(work.connection()).await?;
    let provider = counted.provider;
    if counted.in_row > TOLERATED {
        work.say(Fact::Health(Health::WebhooksFailing {
            provider,
            in_row: counted.in_row.into(),
            reason: reason.to_owned(),
        }));
    }
    Ok(())
}

/// A provider whose events failed last.
#[derive(Debug, Clone, Serialize)]
pub struct Streak {
    /// Who.
    pub provider: String,
    /// How many attempts failed in a row; 0 after a success.
    pub in_row: i32,
    /// The first of them, or of those before the success.
    pub since: DateTime<Utc>,
    /// The last of them.
    pub last_at: DateTime<Utc>,
}

/// Of every provider that ever failed.
pub async fn all(pool: &Db) -> Result<Vec<Streak>, sqlx::Error> {
    sqlx::query_as!(
        Streak,
        "select provider, in_row, since, last_at from engine.webhook_failures order by provider"
    )
    .fetch_all(pool)
    .await
}

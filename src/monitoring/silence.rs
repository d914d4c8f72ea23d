//! Whether a provider is silent where it usually is not (docs/decisions/0019-silence-and-refusals.md).
//!
//! What usually comes in an hour is the lower median of the same hour of the same weekday of the last four weeks: one week
//! with a storm does not make the others look silent. If webhooks come independently of each other, and five are usual in a
//! stretch of time, none comes in it by chance less than once in a hundred (e^-5). Real ones come in flocks, so more may be
//! asked for in the settings.

use chrono::{DateTime, TimeDelta, Utc};

use super::store;
use super::traffic::hour_of;
use crate::tools::db::Db;

/// So far back silence is looked for.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// What is heard of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Too little is known, or it was silent for so long that nothing is usual any more.
    Unknown,
    /// It was heard, and no more is due since.
    Heard,
    /// It was not heard since then, where so many are usual.
    Silent {
        /// Since when, at most a day ago.
        since: DateTime<Utc>,
        /// How many.
        usual: i64,
    },
}

/// Looks at the time since the provider was heard last.
pub async fn look(
    pool: &Db,
    provider: &str,
    now: DateTime<Utc>,
    expects: u32,
) -> Result<Silence, sqlx::Error> {
    let heard = store::heard(pool, provider, now).await?;
    let since = heard.unwrap_or(DateTime::UNIX_EPOCH).max(now - LONGEST);
    let mut expected = 0.0;
    for (hour, usual) in store::usual(pool, provider, hour_of(since), now).await? {
        let (from, to) = (hour.max(since), (hour + TimeDelta::hours(1)).min(now));
        #[allow(clippy::cast_precision_loss)] // at most 3600
        let part = (to - from).num_seconds().max(0) as f64 / 3600.0;
        #[allow(clippy::cast_precision_loss)] // webhooks of an hour
        let usual = usual as f64;
        expected += usual * part;
    }
    if expected >= f64::from(expects) {
        #[allow(clippy::cast_possible_truncation)] // webhooks of a day
        let usual = expected.round() as i64;
        return Ok(Silence::Silent { since, usual });
    }
    Ok(match heard {
        Some(heard) if heard > now - LONGEST => Silence::Heard,
        _ => Silence::Unknown,
    })
}

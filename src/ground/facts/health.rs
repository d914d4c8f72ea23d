//! How the providers do, and whether we keep up: what was found, and that it is over.

use chrono::{DateTime, Utc};

/// A finding. What is over, and was not found before, says nothing new.
#[derive(Clone, Debug)]
pub enum Health {
    /// A transaction has held an old snapshot open for long: queues in PostgreSQL slow down to a crawl under one.
    SnapshotPinned {
        /// How old the oldest snapshot is, in seconds.
        seconds: i64,
        /// Who holds it: process id, user and application.
        holder: String,
    },
    /// No old snapshot is held any more.
    SnapshotReleased,
    /// Attempts of a provider's events fail one after the other.
    WebhooksFailing {
        /// Who.
        provider: String,
        /// How many of them.
        in_row: i64,
        /// What the last one said.
        reason: String,
    },
    /// An event of a provider was handled after many that were not.
    WebhooksFine {
        /// Who.
        provider: String,
    },
    /// A service does not answer as it should.
    ServiceDown {
        /// Which.
        service: &'static str,
        /// Since when.
        since: DateTime<Utc>,
        /// What it says, in Spanish for the team.
        reason: String,
    },
    /// It answers again.
    ServiceUp {
        /// Which.
        service: &'static str,
    },
    /// What is due has waited for long.
    QueueLate {
        /// Whether it is an event; else a job.
        is_event: bool,
        /// For how long.
        seconds: i64,
    },
    /// What is due is done in time.
    QueueInTime,
    /// A provider brings nothing where it usually brings some.
    ProviderSilent {
        /// Who.
        provider: String,
        /// Since when, as far as it was looked at.
        since: DateTime<Utc>,
        /// How many usually come in that time.
        usual: i64,
    },
    /// It brings some again.
    ProviderHeard {
        /// Who.
        provider: String,
    },
    /// Webhooks were refused, and no good one came since the first of them.
    SignaturesRefused {
        /// Whose.
        provider: String,
        /// How many.
        refused: i64,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Good ones come, and none was refused for a while.
    SignaturesFine {
        /// Whose.
        provider: String,
    },
}

//! The events stored of late, remembered in Redis: most repetitions are answered without asking the inbox.
//!
//! The inbox stays the truth. A key is set only after its row's commit, and counts only for the event, the provider
//! and the database that its value names. Whatever Redis does or does not do, the worst is that the inbox is asked.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use super::source::Verified;
use crate::ground::config;
use crate::tools::db::Db;
use crate::tools::redis::{Redis, Unanswered};

/// Seven days, as the specification says.
const KEPT_SECONDS: u32 = 7 * 24 * 60 * 60;
/// Keys set in one round trip.
const KEYS_AT_ONCE: usize = 256;
/// A database that does not say its name by then has not said it.
const LOOK_WITHIN: Duration = Duration::from_secs(3);

/// The memory of one process; several share one Redis.
pub struct Recent {
    redis: Arc<Redis>,
    database: watch::Receiver<Option<Arc<str>>>,
    notes: mpsc::Sender<Note>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

/// What is known of an event before the inbox is asked.
pub enum Known {
    /// It was stored before.
    Stored,
    /// It may be new: to be noted when it is stored.
    Unsure(Option<Note>),
}

/// What is to be remembered of an event once it is stored. It is made before the row is inserted: the database that it
/// names is the one that gets the row, or one that was there before it, and then the key never counts.
pub struct Note {
    key: String,
    value: String,
}

impl Recent {
    /// Begins to ask `pool` which database it is.
    pub fn open(redis: Arc<Redis>, pool: &Db, settings: &config::Redis) -> Self {
        let (notes, waiting) = mpsc::channel(settings.waiting_keys);
        let (named, database) = watch::channel(None);
        let look_every = Duration::from_millis(u64::from(settings.look_ms));
        let rest = Duration::from_millis(u64::from(settings.rest_ms));
        let tasks = [
            tokio::spawn(keep_looking(pool.clone(), look_every, named)),
            tokio::spawn(keep_noting(Arc::clone(&redis), waiting, rest)),
        ];
        Self {
            redis,
            database,
            notes,
            _tasks: tasks.map(AbortOnDropHandle::new),
        }
    }

    /// Asks whether the event was stored before, for a short while.
    pub(super) async fn ask(&self, message: &Verified) -> Known {
        let database = self.database.borrow().clone();
        let Some(database) = database else {
            count("skipped");
            return Known::Unsure(None);
        };
        let note = Note::of(message, &database);
        match self.redis.text(&note.key).await {
            Ok(Some(value)) if value == note.value => {
                count("hit");
                return Known::Stored;
            }
            Ok(_) => count("miss"),
            Err(Unanswered::Resting) => count("skipped"),
            Err(Unanswered::Failed) => count("failed"),
        }
        Known::Unsure(Some(note))
    }

    /// Remembers an event that is stored; waits for nothing.
    pub(super) fn note(&self, note: Note) {
        if self.notes.try_send(note).is_err() {
            count_keys("dropped", 1);
        }
    }
}

impl Note {
    /// The key is the specification's. The value names what it is about, so that an answer meant for another question
    /// counts no more than a key of another provider or of a database that is gone.
    fn of(Verified(message): &Verified, database: &str) -> Self {
        let event_id = &message.envelope.event_id;
        Self {
            key: format!("webhook:processed:{event_id}"),
            value: format!("{} {event_id} {database}", message.source),
        }
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("webhooks_recent_asked_total", "outcome" => outcome).increment(1);
}

fn count_keys(outcome: &'static str, keys: usize) {
    metrics::counter!("webhooks_recent_noted_total", "outcome" => outcome).increment(keys as u64);
}

/// Takes what waits now, as the inbox does. What cannot be set is left out: a repetition is then found by the inbox.
async fn keep_noting(redis: Arc<Redis>, mut waiting: mpsc::Receiver<Note>, rest: Duration) {
    let mut notes = Vec::with_capacity(KEYS_AT_ONCE);
    while waiting.recv_many(&mut notes, KEYS_AT_ONCE).await > 0 {
        let pairs = notes.iter().map(|note| (&*note.key, &*note.value));
        match redis.set(pairs, KEPT_SECONDS).await {
            Ok(()) => count_keys("kept", notes.len()),
            Err(Unanswered::Resting) => count_keys("dropped", notes.len()),
            Err(Unanswered::Failed) => {
                count_keys("failed", notes.len());
                // Full, or read-only: what comes meanwhile is left out as soon as it fills the channel.
                tokio::time::sleep(rest).await;
            }
        }
        notes.clear();
    }
}

async fn keep_looking(pool: Db, every: Duration, named: watch::Sender<Option<Arc<str>>>) {
    let mut told = false;
    loop {
        let looked = tokio::time::timeout(LOOK_WITHIN, database(&pool)).await;
        let name = match looked {
            Ok(Ok(name)) => Some(Arc::from(name)),
            Ok(Err(error)) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, "the database does not say which it is; Redis is not asked");
                }
                None
            }
            Err(_) => None,
        };
        told &= name.is_none();
        named.send_replace(name);
        tokio::time::sleep(every).await;
    }
}

/// What tells the inbox of this database from every other: the cluster, the database and the table's file, which are
/// others when they were made anew or the table was emptied, and when the server was started. A backup cannot be put
/// back without a start, and a standby that takes over was started at another time than what it replaces.
async fn database(pool: &Db) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select format('%s.%s.%s.%s', cluster.system_identifier, here.oid,
                         coalesce(pg_relation_filenode('webhooks.events'), 0),
                         extract(epoch from pg_postmaster_start_time())) as "name!"
           from pg_control_system() as cluster, pg_database as here
           where here.datname = current_database()"#
    )
    .fetch_one(pool)
    .await
}

//! The inbox, `webhooks.events`: the row is the job. Concurrent requests share one insert and one commit.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

use super::Failure;
use super::queue::{Lane, Wakers};
use super::source::{Fetched, Message, Refusal};
use crate::ground::config;
use crate::tools::db::{Connection, Db};

/// What became of a row that is now committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is new.
    New,
    /// The provider had sent it before.
    Duplicate,
}

/// Why a row was not committed. The provider has to send it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotStored {
    /// More is waiting than the writers can take.
    Full,
    /// The database is away or refuses.
    Unavailable,
}

/// The door of the inbox; cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    waiting: mpsc::Sender<Entry>,
    pressure: Pressure,
}

/// How many requests wait for their commit: workers look at it and give way.
#[derive(Clone)]
struct Pressure(Arc<Gauge>);

struct Gauge {
    waiting: AtomicUsize,
    above: usize,
    started: Instant,
    /// When more than `above` waited last, in milliseconds after `started`.
    pressed_at: AtomicU64,
}

struct Entry {
    row: Row,
    answer: oneshot::Sender<Result<Stored, NotStored>>,
}

struct Row {
    id: Uuid,
    provider: &'static str,
    event_id: String,
    event_type: String,
    api_version: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
    received_at: DateTime<Utc>,
    trust: &'static str,
    state: &'static str,
    payload: Bytes,
    sha256: [u8; 32],
}

impl Inbox {
    /// Starts the writers; they end when the last clone of the inbox is gone.
    pub(super) fn open(pool: &Db, settings: &config::File, wakers: &Wakers) -> Self {
        let give_way_above = settings.worker.give_way_above;
        let settings = &settings.inbox;
        let (waiting, entries) = mpsc::channel(settings.waiting_rows);
        let entries = Arc::new(Mutex::new(entries));
        for _ in 0..settings.writers {
            let writer = Writer {
                pool: pool.clone(),
                entries: Arc::clone(&entries),
                rows: settings.batch_rows,
                bytes: settings.batch_kib * 1024,
                wakers: wakers.clone(),
            };
            tokio::spawn(writer.run());
        }
        Self {
            waiting,
            pressure: Pressure::new(give_way_above),
        }
    }

    /// Keeps a message; returns only after its row's commit.
    pub async fn keep(&self, message: impl Into<Message>, id: Uuid) -> Result<Stored, NotStored> {
        let (answer, answered) = oneshot::channel();
        let entry = Entry {
            row: Row::new(message.into(), id),
            answer,
        };
        self.waiting.try_send(entry).map_err(|_| NotStored::Full)?;
        let _waiting = self.pressure.enter();
        answered.await.unwrap_or(Err(NotStored::Unavailable))
    }

    /// Puts in what a question to the provider brought: the same way as a webhook, so each event is there once.
    pub async fn put(&self, fetched: Result<Fetched, Refusal>, id: Uuid) -> Result<(), Failure> {
        let fetched = fetched.map_err(|refusal| Failure::Park(refusal.reason.into_owned()))?;
        let stored = self.keep(fetched, id).await;
        stored
            .map(drop)
            .map_err(|why| Failure::retry(format!("the inbox: {why:?}")))
    }

    /// Returns when few requests wait, and have for a moment; or after `longest`.
    pub async fn give_way(&self, longest: Duration) {
        // Acceptance goes first, but a flood must not stop the work for ever: hence the bound.
        let _ = tokio::time::timeout(longest, self.pressure.eased()).await;
    }
}

/// Between two batches of a storm nobody waits either; it is over when that lasts.
const CALM: Duration = Duration::from_millis(50);

impl Pressure {
    fn new(above: usize) -> Self {
        let started = Instant::now();
        Self(Arc::new(Gauge {
            waiting: AtomicUsize::new(0),
            above,
            started,
            pressed_at: AtomicU64::new(0),
        }))
    }

    fn enter(&self) -> Waiting<'_> {
        if self.0.waiting.fetch_add(1, Ordering::Relaxed) >= self.0.above {
            let now = u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.0.pressed_at.store(now.max(1), Ordering::Relaxed);
        }
        Waiting(self)
    }

    async fn eased(&self) {
        loop {
            let pressed = self.0.pressed_at.load(Ordering::Relaxed);
            let over = Duration::from_millis(pressed) + CALM;
            match over.checked_sub(self.0.started.elapsed()) {
                Some(left) if pressed > 0 => tokio::time::sleep(left.max(Duration::from_millis(1))).await,
                _ => return,
            }
        }
    }
}

struct Waiting<'a>(&'a Pressure);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Row {
    fn new(message: Message, id: Uuid) -> Self {
        let Message {
            source,
            envelope,
            body,
            received_at,
            trust,
        } = message;
        Self {
            id,
            provider: source,
            event_id: envelope.event_id,
            event_type: envelope.event_type,
            api_version: envelope.api_version,
            occurred_at: envelope.occurred_at,
            received_at,
            trust,
            state: if envelope.handled { "pending" } else { "ignored" },
            sha256: Sha256::digest(&body).into(),
            payload: envelope.kept.unwrap_or(body),
        }
    }
}

struct Writer {
    pool: Db,
    entries: Arc<Mutex<mpsc::Receiver<Entry>>>,
    rows: usize,
    bytes: usize,
    wakers: Wakers,
}

impl Writer {
    async fn run(self) {
        while let Some(batch) = self.next_batch().await {
            self.write(batch).await;
        }
    }

    /// Takes what waits now, without lingering for more: a batch grows while the one before commits.
    async fn next_batch(&self) -> Option<Vec<Entry>> {
        let mut entries = self.entries.lock().await;
        let first = entries.recv().await?;
        let mut bytes = first.row.payload.len();
        let mut batch = vec![first];
        while batch.len() < self.rows && bytes < self.bytes {
            let Ok(entry) = entries.try_recv() else { break };
            bytes += entry.row.payload.len();
            batch.push(entry);
        }
        Some(batch)
    }

    async fn write(&self, mut batch: Vec<Entry>) {
        // One order for everybody: two replicas that insert the same keys must not wait for each other.
        batch.sort_unstable_by(|a, b| {
            (a.row.provider, &a.row.event_id).cmp(&(b.row.provider, &b.row.event_id))
        });
        let rows: Vec<&Row> = batch.iter().map(|entry| &entry.row).collect();
        match insert(&self.pool, &rows).await {
            Ok(new) => self.answer(batch, &new),
            // A row that the database refuses must not take the others with it.
            Err(sqlx::Error::Database(error)) if batch.len() > 1 => {
                tracing::warn!(%error, rows = batch.len(), "a batch was refused; its rows are tried one by one");
                self.write_singly(batch).await;
            }
            Err(error) => {
                tracing::error!(%error, rows = batch.len(), "events could not be stored; the provider will repeat them");
                for entry in batch {
                    let _ = entry.answer.send(Err(NotStored::Unavailable));
                }
            }
        }
    }

    async fn write_singly(&self, batch: Vec<Entry>) {
        for entry in batch {
            let result = insert(&self.pool, &[&entry.row]).await;
            match result {
                Ok(new) => self.answer(vec![entry], &new),
                Err(error) => {
                    tracing::error!(%error, event = entry.row.event_id, "an event could not be stored");
                    let _ = entry.answer.send(Err(NotStored::Unavailable));
                }
            }
        }
    }

    /// Wakes the workers before it answers; a request that has gone away loses nothing, its row is committed.
    fn answer(&self, batch: Vec<Entry>, new: &HashSet<Uuid>) {
        if !new.is_empty() {
            self.wakers.wake(Lane::Events);
        }
        for entry in batch {
            let stored = if new.contains(&entry.row.id) {
                Stored::New
            } else {
                Stored::Duplicate
            };
            let _ = entry.answer.send(Ok(stored));
        }
    }
}

/// A connection whose other end vanished without a word is given up after this: longer than any insert may take by
/// statement_timeout, and far shorter than TCP would wait.
const ANSWER: Duration = Duration::from_secs(20);

/// Inserts on a connection of its own; one that does not answer is thrown away, not given back.
async fn insert(pool: &Db, rows: &[&Row]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    if let Ok(result) = tokio::time::timeout(ANSWER, insert_on(&mut connection, rows)).await {
        return result;
    }
    connection.close_on_drop();
    Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))
}

/// Inserts and commits the rows in one statement; returns the ids of those that were new.
async fn insert_on(connection: &mut Connection, rows: &[&Row]) -> Result<HashSet<Uuid>, sqlx::Error> {
    macro_rules! column {
        ($kind:ty, $row:ident => $value:expr) => {
            &rows.iter().map(|$row| $value).collect::<Vec<$kind>>()[..]
        };
    }
    let new = sqlx::query_scalar!(
        r#"insert into webhooks.events
               (id, provider, event_id, event_type, api_version, occurred_at, received_at, trust, state, run_at,
                payload, payload_sha256)
           select id, provider, event_id, event_type, api_version, occurred_at, received_at, trust, state,
                  received_at, payload, payload_sha256
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                       $7::timestamptz[], $8::text[], $9::text[], $10::bytea[], $11::bytea[])
                as new (id, provider, event_id, event_type, api_version, occurred_at, received_at, trust, state, payload,
                        payload_sha256)
           on conflict (provider, event_id) do nothing
           returning id"#,
        column!(Uuid, row => row.id),
        column!(&str, row => row.provider) as &[&str],
        column!(&str, row => row.event_id.as_str()) as &[&str],
        column!(&str, row => row.event_type.as_str()) as &[&str],
        column!(Option<&str>, row => row.api_version.as_deref()) as &[Option<&str>],
        column!(Option<DateTime<Utc>>, row => row.occurred_at) as &[Option<DateTime<Utc>>],
        column!(DateTime<Utc>, row => row.received_at),
        column!(&str, row => row.trust) as &[&str],
        column!(&str, row => row.state) as &[&str],
        column!(&[u8], row => &row.payload[..]) as &[&[u8]],
        column!(&[u8], row => &row.sha256[..]) as &[&[u8]],
    )
    .fetch_all(connection)
    .await?;
    Ok(new.into_iter().collect())
}

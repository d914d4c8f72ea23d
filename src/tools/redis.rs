//! A connection to Redis that comes and goes by itself. Nobody waits for it: while it is not there, or was left alone
//! after failures, a question is answered at once with [`Unanswered::Resting`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, Pipeline, RedisError, ServerErrorKind};
use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::outbound;
use crate::ground::config;

/// Finds a connection that died in silence, and keeps one alive that a proxy would cut for being idle.
const PING_EVERY: Duration = Duration::from_secs(10);
/// A server that is gone for a night fills no log.
const TELL_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// The program's way to Redis.
pub struct Redis {
    link: watch::Receiver<Option<Arc<Link>>>,
    answer: Duration,
    /// For what nobody waits for.
    patience: Duration,
    _keeper: AbortOnDropHandle<()>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// Not connected, or left alone for a while: nothing was asked.
    Resting,
    /// Too slow, broken off, or refused.
    Failed,
}

/// One connection, until it has failed too often in a row.
struct Link {
    connection: MultiplexedConnection,
    failures: AtomicU32,
    allowed: u32,
    broken: CancellationToken,
}

impl Redis {
    /// Begins to connect in the background; a server that does not answer stops nothing.
    pub fn open(url: &SecretString, settings: &config::Redis) -> anyhow::Result<Self> {
        outbound::use_ring();
        // The error is dropped on purpose: it could repeat the password.
        let client = Client::open(url.expose_secret());
        let client = client.ok().context("REDIS_URL cannot be read")?;
        let (links, link) = watch::channel(None);
        let patience = millis(settings.connect_ms);
        let keeper = Keeper {
            client,
            links,
            patience,
            rest: millis(settings.rest_ms),
            allowed: settings.failures,
            warned: None,
            to_tell_of_use: true,
        };
        metrics::gauge!("redis_connected").set(0.0);
        Ok(Self {
            link,
            answer: millis(settings.answer_ms),
            patience,
            _keeper: AbortOnDropHandle::new(tokio::spawn(keeper.run())),
        })
    }

    /// The value of a key, as text.
    pub async fn text(&self, key: &str) -> Result<Option<String>, Unanswered> {
        let link = self.link()?;
        let mut connection = link.connection.clone();
        let get = redis::cmd("GET").arg(key).take();
        let asked = get.query_async::<Option<Vec<u8>>>(&mut connection);
        let value = link.judge(tokio::time::timeout(self.answer, asked).await)?;
        Ok(value.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Sets keys, each to be forgotten after `seconds`.
    pub async fn set(
        &self,
        pairs: impl Iterator<Item = (&str, &str)>,
        seconds: u32,
    ) -> Result<(), Unanswered> {
        let link = self.link()?;
        let mut connection = link.connection.clone();
        let mut sets = Pipeline::new();
        for (key, value) in pairs {
            sets.cmd("SET")
                .arg(key)
                .arg(value)
                .arg("EX")
                .arg(seconds)
                .ignore();
        }
        let asked = tokio::time::timeout(self.patience, sets.query_async::<()>(&mut connection)).await;
        match asked {
            // It answers, if only that it is full or read-only: no reason to stop asking it for what it has.
            Ok(Err(error)) if !is_of_the_line(&error) => Err(Unanswered::Failed),
            asked => link.judge(asked),
        }
    }

    /// Runs a script; what it returns must be a list.
    pub async fn run(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[String],
    ) -> Result<Vec<String>, Unanswered> {
        let link = self.link()?;
        let mut connection = link.connection.clone();
        let asked = tokio::time::timeout(self.answer, script.run(&mut connection, keys, arguments)).await;
        match asked {
            // As above: it answers, and the line is good.
            Ok(Err(error)) if !is_of_the_line(&error) => Err(Unanswered::Failed),
            asked => link.judge(asked),
        }
    }

    fn link(&self) -> Result<Arc<Link>, Unanswered> {
        self.link.borrow().clone().ok_or(Unanswered::Resting)
    }
}

/// A program that Redis runs in one step. It is sent once; after that its name is enough, until Redis forgets it.
pub struct Script {
    text: &'static str,
    name: String,
}

impl Script {
    /// A script in Lua.
    pub fn new(text: &'static str) -> Self {
        let name = hex::encode(Sha1::digest(text));
        Self { text, name }
    }

    async fn run(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &[String],
        arguments: &[String],
    ) -> Result<Vec<String>, RedisError> {
        let question = |command, script: &str| {
            let mut question = redis::cmd(command);
            question.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            question
        };
        let by_name = question("EVALSHA", &self.name);
        match by_name.query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                question("EVAL", self.text).query_async(connection).await
            }
            answer => answer,
        }
    }
}

impl Link {
    fn judge<T>(
        &self,
        asked: Result<Result<T, RedisError>, tokio::time::error::Elapsed>,
    ) -> Result<T, Unanswered> {
        let why = match asked {
            Ok(Ok(answer)) => {
                self.failures.store(0, Ordering::Relaxed);
                return Ok(answer);
            }
            Ok(Err(error)) => reason(&error),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::debug!(why, "Redis failed");
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= self.allowed {
            self.broken.cancel();
        }
        Err(Unanswered::Failed)
    }

    /// Returns when it is of no use any more.
    async fn lasts(&self, patience: Duration) -> String {
        let pings = async {
            loop {
                tokio::time::sleep(PING_EVERY).await;
                let mut connection = self.connection.clone();
                let ping = redis::cmd("PING");
                let asked = tokio::time::timeout(patience, ping.query_async::<()>(&mut connection)).await;
                match asked {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return reason(&error),
                    Err(_) => return "no answer in time".to_owned(),
                }
            }
        };
        tokio::select! {
            why = pings => why,
            () = self.broken.cancelled() => "too many failures in a row".to_owned(),
        }
    }
}

/// Connects, watches, rests, and begins again.
struct Keeper {
    client: Client,
    links: watch::Sender<Option<Arc<Link>>>,
    patience: Duration,
    rest: Duration,
    allowed: u32,
    warned: Option<Instant>,
    to_tell_of_use: bool,
}

impl Keeper {
    async fn run(mut self) {
        loop {
            let why = match self.connect().await {
                Ok(link) => {
                    self.tell_of_use();
                    let link = Arc::new(link);
                    self.links.send_replace(Some(Arc::clone(&link)));
                    metrics::gauge!("redis_connected").set(1.0);
                    let why = link.lasts(self.patience).await;
                    self.links.send_replace(None);
                    metrics::gauge!("redis_connected").set(0.0);
                    why
                }
                Err(why) => why,
            };
            self.tell_of_rest(&why);
            tokio::time::sleep(self.rest).await;
        }
    }

    async fn connect(&self) -> Result<Link, String> {
        // The limits are ours: one around the whole of it, and one around each question.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let connected = self.client.get_multiplexed_async_connection_with_config(&config);
        let connection = tokio::time::timeout(self.patience, connected).await;
        let connection = connection.map_err(|_| "no answer in time".to_owned())?;
        Ok(Link {
            connection: connection.map_err(|error| reason(&error))?,
            failures: AtomicU32::new(0),
            allowed: self.allowed,
            broken: CancellationToken::new(),
        })
    }

    /// Where it comes and goes all the time, both are told once a minute.
    fn tell_of_rest(&mut self, why: &str) {
        if self
            .warned
            .is_none_or(|warned| warned.elapsed() >= TELL_AGAIN_AFTER)
        {
            tracing::warn!(
                why,
                "Redis is left alone for a while; PostgreSQL is asked about every event, and limits hold per replica"
            );
            self.warned = Some(Instant::now());
            self.to_tell_of_use = true;
        }
    }

    fn tell_of_use(&mut self) {
        if std::mem::take(&mut self.to_tell_of_use) {
            tracing::info!("Redis is connected");
        }
    }
}

/// Connects once, anew, and asks whether it is there; or why it is not.
pub async fn reach(url: &SecretString, patience: Duration) -> Result<(), String> {
    outbound::use_ring();
    let client = Client::open(url.expose_secret()).map_err(|_| "REDIS_URL cannot be read".to_owned())?;
    let asked = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await
    };
    let asked = tokio::time::timeout(patience, asked).await;
    let asked = asked.map_err(|_| "no answer in time".to_owned())?;
    asked.map_err(|error| reason(&error))
}

/// Whether the connection failed, and not the server in its answer.
fn is_of_the_line(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse) || error.is_unrecoverable_error()
}

/// What may be told. An answer of the server is told by its code alone: it can repeat what was sent, a password too.
fn reason(error: &RedisError) -> String {
    match (error.kind(), error.code()) {
        (ErrorKind::Io, _) => error.to_string(),
        (_, Some(code)) => format!("it answered {code}"),
        _ => error.category().to_owned(),
    }
}

fn millis(count: u32) -> Duration {
    Duration::from_millis(u64::from(count))
}

//! A provider and a kind of job whose handlers do what the event or the job says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use onlycar::engine::Failure;
use onlycar::engine::job::{Job, NewJob, Task};
use onlycar::engine::source::{Envelope, Event, Refusal, Source};
use onlycar::engine::work::Work;
use onlycar::ground::facts::{Actor, Fact};
use onlycar::story;
use onlycar::tools::authenticity::Letter;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// The kind of the probe's jobs.
pub const JOB: &str = "sonda";

/// What a handler does after it wrote its effect, its audit row and its follow-up job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Script {
    /// Nothing more.
    Write,
    /// Fails in its first so many attempts.
    Fail(u32),
    /// Fails in its first attempt with this text.
    FailWith(String),
    /// Panics in its first so many attempts.
    Panic(u32),
    /// Leaves it to a person.
    Park,
    /// Waits until the test lets it pass.
    Wait,
    /// Waits in its first attempt only.
    WaitOnce,
    /// Kills its process: the test lets the replica's runtime die when a handler has come here.
    Kill,
    /// Waits, then fails.
    WaitAndFail,
    /// Says a fact whose reaction writes and then fails.
    FailInReaction,
    /// Runs these statements, parted by semicolons.
    Sql(String),
    /// Asks for a job with this key: once for ever.
    Once(String),
    /// A job that is told to come back after so many seconds, the first time.
    Later(u64),
    /// A job that acts, and waits in its transaction until the test lets it pass.
    WaitInRecord,
    /// A job that acts, and the first time cannot write that down.
    FailInRecord,
}

/// One replica's handlers: what they did, and the gate where they wait.
pub struct Probe {
    pub who: &'static str,
    starts: Mutex<HashMap<String, u32>>,
    entered: Semaphore,
    open: Semaphore,
}

impl Probe {
    pub fn new(who: &'static str) -> Self {
        Self {
            who,
            starts: Mutex::default(),
            entered: Semaphore::new(0),
            open: Semaphore::new(0),
        }
    }

    /// How often the handler of this event or job began here.
    pub fn starts(&self, id: &str) -> u32 {
        self.starts.lock().unwrap().get(id).copied().unwrap_or(0)
    }

    /// How many events and jobs began here, each as often as it did.
    pub fn all_starts(&self) -> u32 {
        self.starts.lock().unwrap().values().sum()
    }

    /// Returns when so many handlers more have come to the gate.
    pub async fn entered(&self, handlers: u32) {
        let come = tokio::time::timeout(Duration::from_secs(45), self.entered.acquire_many(handlers));
        come.await.expect("no handler came to the gate").unwrap().forget();
    }

    /// Lets so many handlers pass.
    pub fn let_pass(&self, handlers: usize) {
        self.open.add_permits(handlers);
    }

    fn start(&self, id: &str) -> u32 {
        let mut starts = self.starts.lock().unwrap();
        let count = starts.entry(id.to_owned()).or_insert(0);
        *count += 1;
        *count
    }

    async fn wait(&self) {
        self.entered.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    async fn follow(&self, event: &Event, work: &mut Work) -> Result<(), Failure> {
        let start = self.start(&event.event_id);
        write(work, &event.event_id, self.who).await?;
        work.audit(
            "sonda.escrita",
            "efectos",
            &event.event_id,
            json!({ "quien": self.who }),
        );
        let job = NewJob::now(work, JOB, &payload(&event.event_id, &Script::Write))?;
        work.enqueue(job);
        match script(&serde_json::from_slice(&event.payload).unwrap()) {
            Script::Fail(times) if start <= times => Err(Failure::retry(format!("failure {start}"))),
            Script::FailWith(text) if start == 1 => Err(Failure::retry(text)),
            Script::Panic(times) if start <= times => panic!("panic {start}"),
            Script::Park => Err(Failure::Park("for a person".to_owned())),
            Script::WaitOnce if start > 1 => Ok(()),
            Script::Wait | Script::WaitOnce => {
                self.wait().await;
                Ok(())
            }
            Script::Kill => {
                self.entered.add_permits(1);
                std::future::pending().await
            }
            Script::Sql(statements) => {
                let statements = sqlx::raw_sql(sqlx::AssertSqlSafe(statements));
                statements.execute(work.connection()).await?;
                Ok(())
            }
            Script::Once(key) => {
                let keyed = format!("keyed by {}", event.event_id);
                let job = NewJob::once(work, JOB, key, &payload(&keyed, &Script::Write))?;
                work.enqueue(job);
                Ok(())
            }
            Script::WaitAndFail => {
                self.wait().await;
                Err(Failure::retry("failed after waiting"))
            }
            Script::FailInReaction => {
                work.say(Fact::SubscriptionUnmatched {
                    subscription: FAILS.to_owned(),
                });
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Source for Probe {
    fn name(&self) -> &'static str {
        "sonda"
    }

    fn actor(&self) -> Actor {
        Actor::Stripe
    }

    fn verify(&self, _letter: &Letter<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn open(&self, body: &str) -> Result<Envelope, Refusal> {
        let body: Value = serde_json::from_str(body).unwrap();
        Ok(Envelope {
            event_id: body["id"].as_str().unwrap().to_owned(),
            event_type: "sonda.evento".to_owned(),
            api_version: None,
            occurred_at: None,
            handled: true,
            kept: None,
        })
    }

    fn handle<'a>(&'a self, event: &'a Event, work: &'a mut Work) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.follow(event, work))
    }
}

/// The job: its effect carries its `id` of the payload with `job:` in front.
pub struct ProbeJob(pub Arc<Probe>);

impl Job for ProbeJob {
    type Done = u32;

    fn kind(&self) -> &'static str {
        JOB
    }

    async fn act(&self, task: &Task) -> Result<u32, Failure> {
        let start = self.0.start(&effect(task));
        match script(&task.payload) {
            Script::Later(seconds) if start == 1 => Err(Failure::Retry {
                reason: "come back later".to_owned(),
                after: Some(Duration::from_secs(seconds)),
            }),
            Script::Wait => {
                self.0.wait().await;
                Ok(start)
            }
            _ => Ok(start),
        }
    }

    async fn record(&self, task: &Task, start: u32, work: &mut Work) -> Result<(), Failure> {
        write(work, &effect(task), self.0.who).await?;
        work.audit("sonda.anotada", "efectos", effect(task), json!({ "acto": start }));
        match script(&task.payload) {
            Script::FailInRecord if start == 1 => Err(Failure::retry("could not be written down")),
            Script::WaitInRecord => {
                self.0.wait().await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// What an event's bytes, or a job's payload, say.
pub fn payload(id: &str, script: &Script) -> Value {
    json!({ "id": id, "script": script })
}

fn script(payload: &Value) -> Script {
    // A scheduled job says nothing.
    serde_json::from_value(payload["script"].clone()).unwrap_or(Script::Write)
}

fn effect(task: &Task) -> String {
    format!("job:{}", task.payload["id"].as_str().unwrap_or("scheduled"))
}

const FAILS: &str = "the reaction fails";

/// An event with this id cannot be buried at the first attempt: the reaction panics.
pub const UNBURIABLE: &str = "unburiable";
static BURIALS: AtomicU32 = AtomicU32::new(0);

/// The story with two reactions more: one writes and then fails, one panics the first time.
pub fn react<'a>(fact: &'a Fact, work: &'a mut Work) -> BoxFuture<'a, Result<(), Failure>> {
    Box::pin(async move {
        match fact {
            Fact::SubscriptionUnmatched { subscription } if subscription == FAILS => {
                write(work, "reaction", "story").await?;
                Err(Failure::retry(FAILS))
            }
            Fact::Buried(closed)
                if closed.label.contains(UNBURIABLE) && BURIALS.fetch_add(1, Ordering::SeqCst) == 0 =>
            {
                panic!("the reaction panics")
            }
            _ => story::react(fact, work).await,
        }
    })
}

async fn write(work: &mut Work, id: &str, who: &str) -> Result<(), Failure> {
    let insert = sqlx::query("insert into efectos (id, who) values ($1, $2)");
    insert.bind(id).bind(who).execute(work.connection()).await?;
    Ok(())
}

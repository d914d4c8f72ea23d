//! A worker whose every step the test decides: which event it handles next, when it asks Stripe, when it writes the
//! answer down. The handlers, the transactions and PostgreSQL are the real ones.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use onlycar::engine::job::{Job, Task};
use onlycar::engine::queue::{Claim, Lane as Table};
use onlycar::engine::source::{Event, Source};
use onlycar::engine::work::Unit;
use onlycar::engine::{Engine, Failure};
use onlycar::ground::clock::Clock;
use onlycar::ground::facts::Actor;
use onlycar::payments::api::StripeApi;
use onlycar::payments::{Ask, Stripe};
use onlycar::story;
use onlycar::tools::db;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::story::began;
use crate::support::app::{self, simulator};
use crate::support::database;

/// What Stripe answered.
pub type Answer = <Ask as Job>::Done;

/// An event on its way to its handler.
#[derive(Clone)]
pub struct Delivery {
    pub row: Uuid,
    pub event: Event,
}

pub struct Lane {
    /// The test's own way to the database.
    pub pool: PgPool,
    pub clock: Clock,
    pub stripe: onlycar::dev::stripe::Simulator,
    engine: Arc<Engine>,
    source: Stripe,
    ask: Ask,
}

const SMALL: &str = "database.max_connections = 1\ninbox.writers = 1\n";

impl Lane {
    pub async fn open(database_url: &str, pool: &PgPool) -> Self {
        let clock = Clock::manual(began());
        let (stripe, api) = simulator(&clock).await;
        let neighbours = [("STRIPE_API_BASE", api.as_str())];
        let settings = app::settings(&database::as_service(database_url), &neighbours, &[], Some(SMALL));
        let pools = db::connect(&settings.database_url, &settings.file).await.unwrap();
        let api = StripeApi::new(&settings.stripe, &settings.file.stripe).unwrap();
        Self {
            pool: pool.clone(),
            engine: Arc::new(Engine::new(pools, clock.clone(), &settings.file, story::react)),
            source: Stripe::new(&settings.stripe),
            ask: Ask::new(api, clock.clone()),
            clock,
            stripe,
        }
    }

    pub fn set_time(&self, at: DateTime<Utc>) {
        self.clock.advance(at - self.clock.now());
    }

    /// Puts the events into the inbox, claimed by this worker.
    pub async fn keep(&self, events: Vec<Event>) -> Vec<Delivery> {
        let rows: Vec<Uuid> = events.iter().map(|_| self.clock.new_id()).collect();
        let insert = "insert into webhooks.events (id, provider, event_id, event_type, occurred_at, received_at, trust,
                          state, attempts, run_at, payload, payload_sha256)
                      select id, 'stripe', event_id, event_type, at, $4, 'hmac', 'processing', 1, $4, '', ''
                      from unnest($1::uuid[], $2::text[], $3::text[], $5::timestamptz[]) as t (id, event_id, event_type, at)";
        sqlx::query(insert)
            .bind(&rows)
            .bind(rows.iter().map(|row| format!("evt_{row}")).collect::<Vec<_>>())
            .bind(
                events
                    .iter()
                    .map(|event| event.event_type.clone())
                    .collect::<Vec<_>>(),
            )
            .bind(self.clock.now())
            .bind(events.iter().map(|event| event.occurred_at).collect::<Vec<_>>())
            .execute(&self.pool)
            .await
            .unwrap();
        let deliver = |(row, event)| Delivery { row, event };
        rows.into_iter().zip(events).map(deliver).collect()
    }

    /// Handles an event, as the `attempt`-th worker that claimed it.
    pub async fn handle(&self, delivery: &Delivery, attempt: i32) -> Result<(), Failure> {
        let claim = Claim {
            lane: Table::Events,
            id: delivery.row,
            attempt,
        };
        let unit = Unit {
            claim: Some(claim),
            cause: Some(delivery.row),
            ..Unit::by(Actor::Stripe)
        };
        let mut work = self.engine.begin(unit).await?;
        self.source.handle(&delivery.event, &mut work).await?;
        work.commit().await.map(drop)
    }

    /// Claims the questions that these events led to.
    pub async fn questions(&self, rows: &[Uuid]) -> Vec<Task> {
        let claim = "update engine.jobs set state = 'processing', attempts = 1
                     where cause = any($1) and kind = 'preguntar_a_stripe' and state = 'pending'
                     returning id, kind, payload, cause, created_at";
        let claim = sqlx::query_as(claim).bind(rows);
        claim.fetch_all(&self.pool).await.unwrap()
    }

    pub async fn act(&self, task: &Task) -> Answer {
        self.ask.act(task).await.unwrap()
    }

    pub async fn record(&self, task: &Task, answer: Answer, attempt: i32) -> Result<(), Failure> {
        let unit = Unit {
            claim: Some(Claim {
                lane: Table::Jobs,
                id: task.id,
                attempt,
            }),
            cause: task.cause,
            ..Unit::by(Actor::System)
        };
        let mut work = self.engine.begin(unit).await?;
        self.ask.record(task, answer, &mut work).await?;
        work.commit().await.map(drop)
    }

    /// Stripe's objects are now as this event shows them.
    pub fn happened(&self, event: &Value) {
        let object = &event["data"]["object"];
        self.stripe.put(if event["type"] == "customer.deleted" {
            serde_json::json!({ "id": object["id"], "object": "customer", "deleted": true })
        } else {
            object.clone()
        });
    }
}

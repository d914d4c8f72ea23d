//! Who is known and was not let in: written into the audit log, a row per person, route and minute, so that nobody can fill
//! the disk. Whoever is not known is counted and logged, and writes nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{Person, Role};
use crate::engine::work::Unit;
use crate::engine::{Engine, Failure};
use crate::ground::facts::Actor;
use crate::tools::client_ip::ClientIp;

const ONCE_IN: TimeDelta = TimeDelta::minutes(1);
/// So many persons and routes are remembered; beyond that nothing more is written within the minute.
const REMEMBERED: usize = 10_000;
/// The answer does not wait longer for the log.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes refusals down.
pub(super) struct Denials {
    engine: Arc<Engine>,
    told: Mutex<HashMap<(Uuid, String), DateTime<Utc>>>,
}

impl Denials {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            told: Mutex::default(),
        }
    }

    /// The refusal stands, also where it cannot be written down.
    pub(super) async fn note(&self, person: Person, parts: &Parts) {
        let path = parts.extensions.get::<MatchedPath>();
        // The template, as in /api/services/{id}: which one was asked for says nothing that we know to be true.
        let route = format!("{} {}", parts.method, path.map_or("?", MatchedPath::as_str));
        if !self.is_due(person.user, &route) {
            return;
        }
        let written = tokio::time::timeout(PATIENCE, self.write(person, &route, ClientIp::of(parts))).await;
        if !matches!(written, Ok(Ok(()))) {
            tracing::warn!(target: "security", "a refused access could not be written into the audit log");
        }
    }

    fn is_due(&self, user: Uuid, route: &str) -> bool {
        let now = self.engine.clock.now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (user, route.to_owned());
        if told.get(&key).is_some_and(|at| now - *at < ONCE_IN) {
            return false;
        }
        if told.len() >= REMEMBERED {
            told.retain(|_, at| now - *at < ONCE_IN);
        }
        told.len() < REMEMBERED && {
            told.insert(key, now);
            true
        }
    }

    async fn write(&self, person: Person, route: &str, from: ClientIp) -> Result<(), Failure> {
        let actor = match person.role {
            Some(Role::Operator) => Actor::Operator(person.user),
            Some(Role::Admin) => Actor::Admin(person.user),
            Some(Role::Customer) => Actor::Customer(person.user),
            None => Actor::User(person.user),
        };
        let mut work = self.engine.begin(Unit::by(actor).from(from)).await?;
        work.audit("acceso.negado", "rutas", route, json!({ "motivo": "otro-rol" }));
        work.commit().await.map(drop)
    }
}

//! What is being asked of Gigstack already, or waits for a person.

use std::collections::HashMap;

use uuid::Uuid;

use super::{KIND, Wanted};
use crate::engine::{Failure, history};
use crate::tools::db::Db;

/// The jobs that are not done.
pub struct Underway {
    about: HashMap<String, String>,
    rest: HashMap<Uuid, String>,
}

/// Looks at all of them.
pub async fn underway(pool: &Db) -> Result<Underway, Failure> {
    let mut underway = Underway {
        about: HashMap::new(),
        rest: HashMap::new(),
    };
    for (payload, state) in history::unfinished_jobs(pool, KIND).await? {
        match serde_json::from_value(payload) {
            Ok(Wanted::Rest { uuid }) => underway.rest.insert(uuid, state),
            Ok(Wanted::Invoice { id, .. } | Wanted::Receipt { id, .. }) => underway.about.insert(id, state),
            Err(_) => None,
        };
    }
    Ok(underway)
}

impl Underway {
    /// Where a job stands that is about something of these names. With `moving`, only one that will go on by itself:
    /// another one may be about what was before.
    pub fn state(&self, names: &[String], moving: bool) -> Option<&str> {
        let mut states = names.iter().filter_map(|name| self.about.get(name));
        let state = states.find(|state| !moving || !matches!(state.as_str(), "parked" | "dead"));
        state.map(String::as_str)
    }

    /// Where the job stands that asks for the rest of the documents of this invoice.
    pub fn rest(&self, uuid: Uuid) -> Option<&str> {
        self.rest.get(&uuid).map(String::as_str)
    }
}

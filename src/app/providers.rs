//! Providers that a part of the program may do without: their doors, and how they are asked.

use std::sync::Arc;

use crate::contracts::mifiel::api::MifielApi;
use crate::contracts::{self, Mifiel};
use crate::engine::Engine;
use crate::invoicing::gigstack::api::GigstackApi;
use crate::invoicing::{self, Gigstack};

/// Gigstack: its doors, and how it is asked.
pub struct Invoicer {
    /// To be given its doors.
    pub doors: Vec<(invoicing::Door, Arc<Gigstack>)>,
    /// To be asked.
    pub api: GigstackApi,
}

impl Invoicer {
    /// Asks what we may have missed, with the tables of `engine`.
    pub fn reconcile(&self, engine: &Engine) -> Option<invoicing::Reconcile> {
        let (_, source) = self.doors.first()?;
        Some(invoicing::Reconcile::new(
            engine,
            source.clone(),
            self.api.clone(),
        ))
    }
}

/// Mifiel: its door, and how it is asked.
pub struct Signatures {
    /// To be given its door.
    pub door: Arc<Mifiel>,
    /// To be asked.
    pub api: MifielApi,
}

impl Signatures {
    /// Asks what we may have missed, with the tables of `engine`.
    pub fn reconcile(&self, engine: &Engine) -> contracts::Reconcile {
        contracts::Reconcile::new(engine, self.door.clone(), self.api.clone())
    }
}

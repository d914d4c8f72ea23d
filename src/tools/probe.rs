//! Probes: a cheap question to a service outside, to see whether it answers us.

use std::fmt;

use futures_util::future::BoxFuture;

type Ask = dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync;

/// How a service is asked whether it is there and knows us.
pub struct Probe {
    /// The service's name, as figures and incidents have it.
    pub service: &'static str,
    ask: Box<Ask>,
}

impl Probe {
    /// Asks like this. What is wrong is told in Spanish to the team, without an address and without a secret.
    pub fn new<F, A>(service: &'static str, ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self {
            service,
            ask: Box::new(move || Box::pin(ask())),
        }
    }

    /// Asks once.
    pub fn ask(&self) -> BoxFuture<'static, Result<(), String>> {
        (self.ask)()
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Probe")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

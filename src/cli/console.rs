//! Who typed a command: the log names them, as it names who sends a request.

use serde_json::Value;

use crate::engine::work::Unit;
use crate::engine::{Engine, Failure};
use crate::ground::facts::Actor;

/// The user of this process, by their number: no name of a person leaves the machine.
pub fn console() -> Actor {
    Actor::Console(rustix::process::getuid().as_raw())
}

/// Writes down that this was done, where it changes no row that has an audit row of its own.
pub async fn note(
    engine: &Engine,
    by: Actor,
    action: &'static str,
    kind: &'static str,
    resource: impl ToString,
    detail: Value,
) -> Result<(), Failure> {
    let mut work = engine.begin(Unit::by(by)).await?;
    work.audit(action, kind, resource, detail);
    work.commit().await.map(drop)
}

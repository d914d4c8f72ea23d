//! Writes down every half minute what the doors counted in memory.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::store;
use crate::engine::work::Unit;
use crate::engine::{Engine, Failure};
use crate::ground::facts::Actor;

const EVERY: Duration = Duration::from_secs(30);

/// Until the stop, and once more then.
pub async fn keep_writing(engine: Arc<Engine>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => {}
            _ = tick.tick() => {}
        }
        if let Err(failure) = write(&engine).await {
            tracing::warn!(%failure, "what the doors refused could not be written down; it is tried again");
        }
        if stop.is_cancelled() {
            return;
        }
    }
}

/// Writes down what was counted since; what cannot be written is kept.
pub async fn write(engine: &Engine) -> Result<(), Failure> {
    let taken = engine.refusals.take();
    if taken.is_empty() {
        return Ok(());
    }
    let written = async {
        let mut work = engine.begin(Unit::by(Actor::System)).await?;
        for (provider, refused) in &taken {
            store::refused(&mut work, provider, refused).await?;
        }
        work.commit().await.map(drop)
    };
    let written = written.await;
    if written.is_err() {
        engine.refusals.put_back(&taken);
    }
    written
}

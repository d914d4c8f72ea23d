//! Waiting for a condition, never for a time.

use std::time::Duration;

/// Asks again and again until it is so, for at most 45 seconds.
pub async fn until(what: &str, so: impl AsyncFnMut() -> bool) {
    until_within(Duration::from_secs(45), what, so).await;
}

/// The same with another limit.
pub async fn until_within(limit: Duration, what: &str, mut so: impl AsyncFnMut() -> bool) {
    let asked = tokio::time::timeout(limit, async {
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        while !so().await {
            pause.tick().await;
        }
    });
    assert!(asked.await.is_ok(), "waited {limit:?} in vain until {what}");
}

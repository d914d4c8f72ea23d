//! Webhooks on their way to the program.

use std::time::Duration;

use anyhow::Context;
use reqwest::{RequestBuilder, Response};
use serde::{Deserialize, Serialize};

/// What the server answered to one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, as text.
    pub body: String,
}

impl Answer {
    /// Whether the webhook was taken.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The whole answer.
    pub async fn read(answer: Response) -> anyhow::Result<Self> {
        Ok(Self {
            status: answer.status().as_u16(),
            body: answer.text().await?,
        })
    }
}

/// Sends a body to `url`.
pub async fn post(request: RequestBuilder, url: &str, body: &[u8]) -> anyhow::Result<Response> {
    let answer = request.body(body.to_vec()).send().await;
    answer.with_context(|| format!("{url} does not answer"))
}

/// Attempts at a webhook that follows by itself and is not accepted, and the wait after each.
const PAUSES_MS: [u64; 6] = [100, 200, 400, 800, 1_600, 3_200];

/// Attempts it until it is taken, for some seconds; whether it was.
pub async fn insist<F: Future<Output = bool>>(attempt: impl Fn() -> F) -> bool {
    for pause in PAUSES_MS {
        if attempt().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    false
}

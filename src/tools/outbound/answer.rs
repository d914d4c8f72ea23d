//! What the APIs of all vendors have in common in their answers.

use std::time::Duration;

use reqwest::{Response, header};

/// Why an answer could not be read to its end.
#[derive(Debug)]
pub enum Broken {
    /// It broke off.
    Off(reqwest::Error),
    /// It is larger than was allowed.
    TooLarge,
}

/// What `Retry-After` says, in seconds; its other form is a date, and is done without.
pub fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    value.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// All of an answer, up to so many bytes.
pub async fn whole(mut response: Response, largest: usize) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Broken::Off)? {
        if bytes.len() + chunk.len() > largest {
            return Err(Broken::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

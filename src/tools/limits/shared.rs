//! The same buckets in Redis, for all replicas together: one question per request, whatever it counts against, decided
//! there at once by its own clock. Only what the limit itself could answer is believed.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::Client;
use super::bucket::Buckets;
use crate::tools::redis::{Redis, Script, Unanswered};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("gcra.lua")));
/// An answer repeats its question's number: one that belongs to another question does not count.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// For how many microseconds each has none; nothing when Redis does not say.
pub(super) async fn waits(redis: &Redis, asked: &[(&Buckets, Client)]) -> Option<Vec<i64>> {
    let number = ASKED.fetch_add(1, Ordering::Relaxed).to_string();
    let keys: Vec<String> = asked
        .iter()
        .map(|(buckets, client)| key(buckets, *client))
        .collect();
    let paces = asked.iter().map(|(buckets, _)| buckets.pace);
    let numbers = paces.flat_map(|pace| [pace.interval.to_string(), pace.tolerance.to_string()]);
    let arguments: Vec<String> = std::iter::once(number.clone()).chain(numbers).collect();
    let (outcome, waits) = match redis.run(&SCRIPT, &keys, &arguments).await {
        Ok(answer) => match believed(&answer, &number, asked) {
            Some(waits) if waits.iter().any(|wait| *wait > 0) => ("refused", Some(waits)),
            Some(waits) => ("admitted", Some(waits)),
            None => ("false", None),
        },
        Err(Unanswered::Resting) => ("skipped", None),
        Err(Unanswered::Failed) => ("failed", None),
    };
    metrics::counter!("rate_limit_shared_total", "outcome" => outcome).increment(1);
    waits
}

fn believed(answer: &[String], number: &str, asked: &[(&Buckets, Client)]) -> Option<Vec<i64>> {
    let (repeated, waits) = answer.split_first()?;
    let waits: Vec<i64> = waits
        .iter()
        .map(|wait| wait.parse().ok())
        .collect::<Option<_>>()?;
    let fits = |(wait, (buckets, _)): (&i64, &(&Buckets, Client))| (0..=buckets.pace.interval).contains(wait);
    let all_fit = waits.len() == asked.len() && waits.iter().zip(asked).all(fits);
    (repeated == number && all_fit).then_some(waits)
}

/// Who it is stays here: the key holds a digest.
fn key(buckets: &Buckets, client: Client) -> String {
    let digest = Sha256::digest(client.to_string());
    let short = digest.get(..16).unwrap_or_default();
    format!(
        "limite:{}:{}:{}",
        buckets.group.name(),
        buckets.by,
        hex::encode(short)
    )
}

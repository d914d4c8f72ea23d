//! What Cloudflare gives a whole account: 1,200 requests in five minutes.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

const REQUESTS: usize = 1_200;
const SPAN: TimeDelta = TimeDelta::minutes(5);

/// The requests of the last five minutes.
#[derive(Default)]
pub struct Window(VecDeque<DateTime<Utc>>);

impl Window {
    /// Counts a request; in how many seconds to come back, when it is one too many.
    pub fn count(&mut self, now: DateTime<Utc>) -> Result<(), u64> {
        while self.0.front().is_some_and(|first| *first <= now - SPAN) {
            self.0.pop_front();
        }
        if self.0.len() >= REQUESTS {
            return Err(SPAN.num_seconds().unsigned_abs());
        }
        self.0.push_back(now);
        Ok(())
    }
}

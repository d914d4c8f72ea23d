//! What is watched: each alert is made to happen, and to be over.

mod alerts;
mod drill;
mod probes;
mod queue;
mod refusals;
mod traffic;

use chrono::{DateTime, Utc};
use onlycar::ground::clock::Clock;

use crate::support::TestApp;

impl TestApp {
    /// Puts so many webhooks of Stripe's into the inbox, as if they had come then, each so late.
    async fn came(&self, count: i32, at: DateTime<Utc>, lag_ms: i32) {
        let sql = "insert into webhooks.events (id, provider, event_id, event_type, occurred_at, received_at, trust, state,
                                                run_at, payload_sha256)
                   select ($2::uuid[])[n], 'stripe', gen_random_uuid()::text, 'x', $1 - $4 * interval '1 ms', $1, 'hmac',
                          'ignored', $1, ''
                   from generate_series(1, $3) as n";
        let then = Clock::manual(at);
        let ids: Vec<uuid::Uuid> = (0..count).map(|_| then.new_id()).collect();
        let insert = sqlx::query(sql).bind(at).bind(ids).bind(count).bind(lag_ms);
        insert.execute(&self.pool).await.unwrap();
    }
}

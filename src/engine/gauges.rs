//! How the queue stands, for whoever watches: looked at every 15 seconds by each process that has workers.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use tokio_util::sync::CancellationToken;

use super::queue::Lane;
use crate::ground::clock::Clock;
use crate::tools::db::Db;

const EVERY: Duration = Duration::from_secs(15);

#[derive(FromRow)]
struct Standing {
    waiting: i64,
    oldest_seconds: i64,
    parked: i64,
    dead: i64,
}

/// Looks until it is told to stop.
pub(super) async fn keep(pool: Db, clock: Clock, stop: CancellationToken) {
    let mut pause = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = pause.tick() => {}
        }
        for lane in [Lane::Events, Lane::Jobs] {
            // What cannot be looked at stays as it was; that the database is away is told by others.
            if let Ok(standing) = look(&pool, lane, clock.now()).await {
                set(lane, &standing);
            }
        }
        let open = sqlx::query_scalar("select count(*)::float8 from engine.alerts where resolved_at is null");
        if let Ok(open) = open.fetch_one(&pool).await {
            metrics::gauge!("alerts_open").set::<f64>(open);
        }
    }
}

#[allow(clippy::cast_precision_loss)] // no queue is that long
fn set(lane: Lane, standing: &Standing) {
    let lane = lane.word();
    metrics::gauge!("queue_waiting", "lane" => lane).set(standing.waiting as f64);
    metrics::gauge!("queue_oldest_seconds", "lane" => lane).set(standing.oldest_seconds as f64);
    metrics::gauge!("queue_held", "lane" => lane, "state" => "parked").set(standing.parked as f64);
    metrics::gauge!("queue_held", "lane" => lane, "state" => "dead").set(standing.dead as f64);
}

/// By indexes of what is not done alone; what waits is counted up to 10,000, so that a storm does not make the question dear.
macro_rules! standing_of {
    ($table:literal) => {
        concat!(
            "select (select count(*) from (select from ",
            $table,
            " where state in ('pending', 'processing', 'failed')
                         limit 10000) as waiting) as waiting,
                    (select greatest(coalesce(extract(epoch from $1 - min(run_at)), 0), 0)::bigint from ",
            $table,
            "
                     where state in ('pending', 'failed')) as oldest_seconds,
                    (select count(*) from ",
            $table,
            " where state = 'parked') as parked,
                    (select count(*) from ",
            $table,
            " where state = 'dead') as dead"
        )
    };
}

async fn look(pool: &Db, lane: Lane, now: DateTime<Utc>) -> Result<Standing, sqlx::Error> {
    let sql = match lane {
        Lane::Events => standing_of!("webhooks.events"),
        Lane::Jobs => standing_of!("engine.jobs"),
    };
    sqlx::query_as(sql).bind(now).fetch_one(pool).await
}

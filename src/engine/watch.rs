//! Watching the database: a snapshot held open for long keeps dead rows alive, and a queue drowns in them.

use chrono::TimeDelta;

use super::Failure;
use super::job::{Job, Task};
use super::schedule::Schedule;
use super::work::Work;
use crate::ground::config;
use crate::ground::facts::{Fact, Health};
use crate::tools::db::Db;

const KIND: &str = "vigilar_base";

/// The job that looks at the oldest snapshot.
pub struct Watch {
    pool: Db,
    alert_seconds: i64,
}

/// The oldest snapshot that anybody holds.
pub struct Oldest {
    seconds: i64,
    holder: String,
}

impl Watch {
    /// Looks into the database of `pool`.
    pub fn new(pool: Db, settings: &config::Watch) -> Self {
        Self {
            pool,
            alert_seconds: settings.snapshot_alert_seconds,
        }
    }

    /// When it looks.
    pub fn schedule(settings: &config::Watch) -> Schedule {
        Schedule {
            kind: KIND,
            every: TimeDelta::seconds(i64::from(settings.every_seconds)),
        }
    }
}

impl Job for Watch {
    type Done = Option<Oldest>;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Option<Oldest>, Failure> {
        let oldest = sqlx::query!(
            r#"select pid as "pid!", coalesce(usename, '-') as "who!", coalesce(application_name, '-') as "application!",
                      coalesce(extract(epoch from clock_timestamp() - xact_start), 0)::bigint as "seconds!"
               from pg_stat_activity
               where datname = current_database() and backend_type = 'client backend'
                 and (backend_xmin is not null or backend_xid is not null)
               order by xact_start limit 1"#
        );
        let oldest = oldest.fetch_optional(&self.pool).await?.map(|row| Oldest {
            seconds: row.seconds,
            holder: format!("pid {}, {}, {}", row.pid, row.who, row.application),
        });
        let seconds = oldest.as_ref().map_or(0, |oldest| oldest.seconds);
        #[allow(clippy::cast_precision_loss)] // a gauge
        metrics::gauge!("database_oldest_snapshot_seconds").set(seconds as f64);
        Ok(oldest)
    }

    async fn record(&self, _task: &Task, oldest: Option<Oldest>, work: &mut Work) -> Result<(), Failure> {
        work.say(Fact::Health(match oldest {
            Some(Oldest { seconds, holder }) if seconds >= self.alert_seconds => {
                Health::SnapshotPinned { seconds, holder }
            }
            _ => Health::SnapshotReleased,
        }));
        Ok(())
    }
}

//! What is kept of the steps: `engine.checklist`.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::FromRow;

use super::steps::{STEPS, Step};
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::Actor;
use crate::tools::db::Db;

/// Who did a step, and when.
#[derive(Debug, Clone, FromRow, Serialize)]
pub struct Done {
    /// When it was said to be done.
    pub done_at: DateTime<Utc>,
    /// Who said so, as the audit log names them.
    pub done_by: String,
    /// What they noted.
    pub note: Option<String>,
}

/// How a step stands.
pub struct Kept {
    /// Which.
    pub step: &'static Step,
    /// Said to be done by a person.
    pub done: Option<Done>,
    /// Our own data have shown it since.
    pub seen: Option<DateTime<Utc>>,
}

impl Kept {
    /// Whether it was done so long ago that it has to be looked at again.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        let (Some(done), Some(days)) = (&self.done, self.step.valid_days) else {
            return false;
        };
        now - done.done_at > TimeDelta::days(i64::from(days))
    }
}

/// All steps, in the order of the checklist.
pub async fn kept(pool: &Db) -> Result<Vec<Kept>, sqlx::Error> {
    let mut all = Vec::new();
    for step in STEPS {
        let done = sqlx::query_as("select done_at, done_by, note from engine.checklist where step = $1");
        let seen = match step.seen {
            Some(sql) => sqlx::query_scalar(sql).fetch_one(pool).await?,
            None => None,
        };
        all.push(Kept {
            step,
            done: done.bind(step.key).fetch_optional(pool).await?,
            seen,
        });
    }
    Ok(all)
}

/// Notes that a step is done; said again, it is done anew. The note is for people, and so is not in the audit log.
pub async fn done(work: &mut Work, step: &Step, by: Actor, note: Option<&str>) -> Result<(), Failure> {
    let now = work.now();
    let upsert = "insert into engine.checklist (step, done_at, done_by, note) values ($1, $2, $3, $4)
                  on conflict (step) do update set done_at = excluded.done_at, done_by = excluded.done_by,
                      note = excluded.note";
    sqlx::query(upsert)
        .bind(step.key)
        .bind(now)
        .bind(by.to_string())
        .bind(note)
        .execute(work.connection())
        .await?;
    work.audit("requisito.cumplido", "requisito", step.key, json!({}));
    Ok(())
}

/// Takes that back; false where nobody had said so.
pub async fn undone(work: &mut Work, step: &Step) -> Result<bool, Failure> {
    let delete = sqlx::query("delete from engine.checklist where step = $1").bind(step.key);
    let there = delete.execute(work.connection()).await?.rows_affected() > 0;
    if there {
        work.audit("requisito.reabierto", "requisito", step.key, json!({}));
    }
    Ok(there)
}

//! Fire drills: each kind of alert is opened on purpose and takes the way of a real one, to see whether it arrives. Their causes
//! are their own, so no real incident is touched.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::incidents::Kind;
use super::{KIND, alert_key, alerts};
use crate::engine::work::Unit;
use crate::engine::{Engine, Failure};
use crate::tools::db::Db;

/// Drills that nobody ended are ended by the next one, after this time.
const FORGOTTEN: TimeDelta = TimeDelta::hours(1);

/// An alert that was opened on purpose.
#[derive(Debug, Clone, Copy)]
pub struct Fired {
    /// What it drills.
    pub kind: &'static Kind,
    /// Row of `engine.alerts`.
    pub alert: Uuid,
    /// When.
    pub at: DateTime<Utc>,
}

/// What became of its notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// It arrived.
    Arrived {
        /// `correo`, `canal`.
        ways: Vec<String>,
        /// How long it took.
        took_ms: i64,
    },
    /// It arrived, but not by every way that is configured.
    Partly {
        /// By these.
        ways: Vec<String>,
        /// Why not by the other.
        error: String,
    },
    /// No server has taken it up.
    NotTaken,
    /// It is tried again: what went wrong so far, if anything did.
    UnderWay {
        /// The last error.
        error: Option<String>,
    },
    /// It went nowhere.
    Lost {
        /// Why.
        reason: String,
    },
}

/// Opens an alert of each kind, all in one unit of work, and asks for their notices.
pub async fn fire(engine: &Engine, unit: Unit, kinds: &[&'static Kind]) -> Result<Vec<Fired>, Failure> {
    let mut work = engine.begin(unit).await?;
    let (at, mut fired) = (work.now(), Vec::new());
    alerts::end_forgotten_drills(&mut work, at - FORGOTTEN).await?;
    for kind in kinds {
        let alert = alerts::drill(&mut work, kind).await?;
        fired.push(Fired { kind, alert, at });
    }
    work.commit().await?;
    Ok(fired)
}

/// Ends the drills, whatever became of them. A notice that is not sent by then is not sent any more.
pub async fn end(engine: &Engine, unit: Unit, fired: &[Fired]) -> Result<(), Failure> {
    let mut work = engine.begin(unit).await?;
    let ids: Vec<Uuid> = fired.iter().map(|fired| fired.alert).collect();
    alerts::end_drills(&mut work, &ids).await?;
    work.commit().await.map(drop)
}

/// What became of each notice, in the order of the drills.
pub async fn look(pool: &Db, fired: &[Fired]) -> Result<Vec<Fate>, Failure> {
    let keys: Vec<String> = fired.iter().map(|fired| alert_key(fired.alert)).collect();
    let rows = sqlx::query!(
        r#"select key as "key!", state as "state!: String", attempts, last_error, processed_at,
                  array (select jsonb_array_elements_text(detalle -> 'medios') from logs_auditoria
                         where recurso_tipo = 'alertas' and recurso_id = substr(key, 8)
                           and accion = 'notificacion.enviada') as "ways!: Vec<String>",
                  (select detalle ->> 'fallaron' from logs_auditoria
                   where recurso_tipo = 'alertas' and recurso_id = substr(key, 8)
                     and accion = 'notificacion.enviada' limit 1) as failed
           from engine.jobs where kind = $1 and key = any($2)"#,
        KIND,
        &keys[..],
    );
    let rows = rows.fetch_all(pool).await?;
    let fate = |(fired, key): (&Fired, &String)| {
        let Some(row) = rows.iter().find(|row| row.key == *key) else {
            return Fate::NotTaken;
        };
        let (error, ways) = (row.last_error.clone(), row.ways.clone());
        if let Some(error) = row.failed.clone() {
            return Fate::Partly { ways, error };
        }
        match row.state.as_str() {
            "processed" => Fate::Arrived {
                ways,
                took_ms: row
                    .processed_at
                    .map_or(0, |at| (at - fired.at).num_milliseconds()),
            },
            "pending" if row.attempts == 0 => Fate::NotTaken,
            "pending" | "processing" | "failed" => Fate::UnderWay { error },
            _ => Fate::Lost {
                reason: error.unwrap_or_default(),
            },
        }
    };
    Ok(fired.iter().zip(&keys).map(fate).collect())
}

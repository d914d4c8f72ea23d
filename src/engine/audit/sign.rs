//! Signing: once a day the chain is sealed, what is new in it is proven, and its head goes into the store, signed. Whoever
//! rewrites the log after that, and seals it anew, has a log that does not fit its heads.

use bytes::Bytes;
use chrono::{NaiveDate, TimeDelta};

use super::chain::GENESIS;
use super::head::{FOLDER, SignedHead, day_of, key_of};
use super::seal;
use super::verify::{Broken, Intact, verify_from};
use crate::engine::job::{Job, Task};
use crate::engine::schedule::Schedule;
use crate::engine::work::Work;
use crate::engine::{Engine, Failure};
use crate::ground::clock::Clock;
use crate::ground::config::Settings;
use crate::ground::facts::{BrokenLog, Fact};
use crate::tools::db::Db;
use crate::tools::objects::{FIVE_YEARS, Meta, Objects, StoreError};
use crate::tools::signing::Signer;

const KIND: &str = "firmar_auditoria";

/// A head has some hundred bytes.
pub(super) const LARGEST: u64 = 16 * 1024;

pub(super) const REWRITTEN: &str =
    "this row no longer has the hash that was signed: the log was rewritten, and sealed anew";
const NO_HEAD: &str =
    "the head that was signed last cannot be believed: its copy in engine.audit_heads was changed";
const NO_FIT: &str =
    "a head in the store does not fit: it is no head of ours, or it does not follow the one before it";

/// The job that signs.
pub struct Sign {
    pool: Db,
    clock: Clock,
    objects: Objects,
    signer: Signer,
}

/// What a day's run came to.
#[derive(Default)]
pub struct Done {
    /// Heads that are in the store and not in the database yet: the new one, and those of a run that died in between.
    heads: Vec<SignedHead>,
    broken: Option<Broken>,
}

impl Sign {
    /// Adds it to `engine`, and lets it come once a day unless the settings switch that off.
    #[must_use]
    pub fn daily(engine: Engine, objects: &Objects, settings: &Settings) -> Engine {
        let Some(signer) = Signer::of(settings) else {
            return engine;
        };
        let sign = Self {
            pool: engine.pool.clone(),
            clock: engine.clock.clone(),
            objects: objects.clone(),
            signer,
        };
        let engine = engine.with_job(sign);
        if !settings.file.audit.sign_daily {
            return engine;
        }
        engine.with_schedule(Schedule {
            kind: KIND,
            every: TimeDelta::days(1),
        })
    }

    async fn sign(&self) -> Result<Result<Done, Broken>, Failure> {
        let mut last = match latest(&self.pool).await? {
            Ok(last) => last,
            Err(broken) => return Ok(Err(broken)),
        };
        seal(&self.pool).await?;
        let start = last.as_ref().map_or_else(Intact::nothing, SignedHead::proven);
        let intact = match verify_from(&self.pool, start).await? {
            Ok(intact) => intact,
            Err(broken) => return Ok(Err(broken)),
        };
        let mut done = Done::default();
        for (day, text) in self.unrecorded(last.as_ref()).await? {
            match self.adopt(day, &text, last.as_ref()).await? {
                Ok(head) => last = Some(head.clone()),
                Err(broken) => {
                    done.broken = Some(broken);
                    return Ok(Ok(done));
                }
            }
            done.heads.extend(last.clone());
        }
        let now = self.clock.now();
        if last
            .as_ref()
            .is_some_and(|last| last.head.day >= now.date_naive())
        {
            return Ok(Ok(done));
        }
        let head = SignedHead::sign(&self.signer, now, &intact, last.as_ref())?;
        match self.store(&head).await {
            Ok(()) => done.heads.push(head),
            // Another replica was faster: what it stored counts.
            Err(StoreError::Different { .. }) => match self.stored(&key_of(head.head.day)).await? {
                Some(text) => match self.adopt(head.head.day, &text, last.as_ref()).await? {
                    Ok(head) => done.heads.push(head),
                    Err(broken) => done.broken = Some(broken),
                },
                None => {
                    return Err(Failure::retry(
                        "the head of today was in the store, and now it is not",
                    ));
                }
            },
            Err(error) => return Err(error.into()),
        }
        Ok(Ok(done))
    }

    /// The heads in the store after the last that the database knows, in order.
    async fn unrecorded(&self, last: Option<&SignedHead>) -> Result<Vec<(NaiveDate, String)>, Failure> {
        let after = last.map(|last| key_of(last.head.day));
        let keys = self.objects.list(FOLDER, after.as_deref()).await?;
        let mut texts = Vec::new();
        for (day, key) in keys.iter().filter_map(|key| Some((day_of(key)?, key))) {
            texts.extend(self.stored(key).await?.map(|text| (day, text)));
        }
        Ok(texts)
    }

    async fn stored(&self, key: &str) -> Result<Option<String>, Failure> {
        Ok(read(&self.objects, key).await?)
    }

    /// A head that is in the store already is taken where it is the next one and the log still has its hash.
    async fn adopt(
        &self,
        day: NaiveDate,
        text: &str,
        last: Option<&SignedHead>,
    ) -> Result<Result<SignedHead, Broken>, Failure> {
        let id = last.map_or(0, |last| last.head.last_id);
        let next = SignedHead::read(text).ok();
        let Some(head) = next.filter(|head| head.head.day == day && head.follows(last)) else {
            return Ok(Err(Broken { id, reason: NO_FIT }));
        };
        let id = head.head.last_id;
        if hash_of(&self.pool, id).await?.as_ref() != Some(&head.head.last_hash) {
            return Ok(Err(Broken {
                id,
                reason: REWRITTEN,
            }));
        }
        Ok(Ok(head))
    }

    async fn store(&self, head: &SignedHead) -> Result<(), StoreError> {
        let key = key_of(head.head.day);
        let meta = Meta {
            content_type: "application/json",
            file_name: key.rsplit('/').next().unwrap_or_default(),
            cache_control: FIVE_YEARS,
            metadata: vec![("key-id", head.head.key_id.clone())],
        };
        let bytes = Bytes::from(head.text.clone());
        self.objects.put_bytes(&key, &meta, bytes).await.map(drop)
    }
}

impl Job for Sign {
    type Done = Done;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<Done, Failure> {
        Ok(self.sign().await?.unwrap_or_else(|broken| Done {
            heads: Vec::new(),
            broken: Some(broken),
        }))
    }

    async fn record(&self, _task: &Task, done: Done, work: &mut Work) -> Result<(), Failure> {
        for head in &done.heads {
            insert(work, head).await?;
        }
        if let Some(Broken { id, reason }) = done.broken {
            tracing::error!(target: "security", row = id, reason, "the audit log is broken; nothing was signed");
            work.say(Fact::AuditBroken(BrokenLog { row: id, reason }));
        }
        Ok(())
    }
}

/// A small object as text; none where there is none, and an empty one where it cannot be a head.
pub(super) async fn read(objects: &Objects, key: &str) -> Result<Option<String>, StoreError> {
    let Some(object) = objects.get(key).await? else {
        return Ok(None);
    };
    if object.head.bytes > LARGEST {
        return Ok(Some(String::new()));
    }
    let bytes = object.bytes().await?;
    Ok(Some(String::from_utf8(bytes.to_vec()).unwrap_or_default()))
}

/// The hash of a row, as it stands.
async fn hash_of(pool: &Db, id: i64) -> Result<Option<String>, sqlx::Error> {
    if id == 0 {
        return Ok(Some(GENESIS.to_owned()));
    }
    let hash = sqlx::query_scalar("select hash from logs_auditoria where id = $1");
    Ok(hash.bind(id).fetch_optional(pool).await?.flatten())
}

/// The last head that the database knows.
async fn latest(pool: &Db) -> Result<Result<Option<SignedHead>, Broken>, sqlx::Error> {
    let text: Option<(i64, String)> =
        sqlx::query_as("select last_id, document from engine.audit_heads order by day desc limit 1")
            .fetch_optional(pool)
            .await?;
    Ok(match text {
        None => Ok(None),
        Some((id, text)) => match SignedHead::read(&text) {
            Ok(head) => Ok(Some(head)),
            Err(_) => Err(Broken { id, reason: NO_HEAD }),
        },
    })
}

/// What another run recorded stays.
async fn insert(work: &mut Work, signed: &SignedHead) -> Result<(), sqlx::Error> {
    let head = &signed.head;
    let insert =
        "insert into engine.audit_heads (day, last_id, last_hash, rows, signed_at, key_id, sha256, document)
                  values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (day) do nothing";
    let insert = sqlx::query(insert)
        .bind(head.day)
        .bind(head.last_id)
        .bind(&head.last_hash)
        .bind(i64::try_from(head.rows).unwrap_or(i64::MAX))
        .bind(head.signed_at)
        .bind(&head.key_id)
        .bind(signed.sha256())
        .bind(&signed.text);
    insert.execute(work.connection()).await.map(drop)
}

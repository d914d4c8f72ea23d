//! Proving: the chain, then every head that was signed, from the store and from the database. The chain alone tells when a
//! row was changed; the heads tell when all of it was rewritten.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::chain::GENESIS;
use super::head::{FOLDER, SignedHead, day_of};
use super::sign::{REWRITTEN, read};
use super::verify::{Broken, Intact, verify};
use crate::tools::db::Db;
use crate::tools::objects::{Objects, StoreError};
use crate::tools::signing::PublicKey;

/// So many heads are asked for at the same time.
const AT_ONCE: usize = 8;
/// A head this old says that signing stands still.
const LATE: TimeDelta = TimeDelta::hours(49);
/// So many days are named in a sentence.
const NAMED: usize = 5;

/// What the log's proof came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The chain holds and every head fits.
    pub ok: bool,
    /// How far the chain holds, where it does.
    pub chain: Option<Intact>,
    /// The first row that does not fit.
    pub broken: Option<Broken>,
    /// How many heads were signed.
    pub heads: usize,
    /// The day of the last one, in UTC.
    pub last_head: Option<NaiveDate>,
    /// Whether the store was asked.
    pub store_asked: bool,
    /// The heads that do not fit, in the order of their days.
    pub faults: Vec<Fault>,
    /// What a person should know, and is no proof of anything.
    pub warnings: Vec<String>,
}

/// A head that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Its day, in UTC.
    pub day: NaiveDate,
    /// Up to which row it was signed, where that can be read.
    pub last_id: Option<i64>,
    /// What does not fit.
    pub reason: &'static str,
}

/// The two copies of a day's head.
#[derive(Default)]
struct Copies {
    database: Option<String>,
    store: Option<String>,
}

type Days = BTreeMap<NaiveDate, Copies>;

/// Proves what is sealed. Heads that none of `keys` signed are named, as a warning.
pub async fn prove(
    pool: &Db,
    objects: Option<&Objects>,
    keys: &[PublicKey],
    now: DateTime<Utc>,
) -> Result<Proof, sqlx::Error> {
    let chain = verify(pool).await?;
    let mut days = of_database(pool).await?;
    let mut warnings = Vec::new();
    let asked = match objects {
        None => Err("no store is configured here".to_owned()),
        Some(objects) => of_store(objects, &mut days)
            .await
            .map_err(|error| error.to_string()),
    };
    if let Err(why) = &asked {
        warnings.push(format!(
            "the store was not asked ({why}): only the database's own copies were compared"
        ));
    }
    let hashes = hashes(pool, &days).await?;
    let judged = judge(&days, &hashes, asked.is_ok());
    warnings.extend(judged.unrecorded.map(|day| {
        format!("the head of {day} is in the store and not in the database yet; a running server notes it within a day")
    }));
    warnings.extend(of_keys(&judged.keys, keys));
    warnings.extend(of_days(&days, now));
    Ok(Proof {
        ok: chain.is_ok() && judged.faults.is_empty(),
        broken: chain.clone().err(),
        chain: chain.ok(),
        heads: days.len(),
        last_head: days.keys().next_back().copied(),
        store_asked: asked.is_ok(),
        faults: judged.faults,
        warnings,
    })
}

async fn of_database(pool: &Db) -> Result<Days, sqlx::Error> {
    let rows: Vec<(NaiveDate, String)> =
        sqlx::query_as("select day, document from engine.audit_heads order by day")
            .fetch_all(pool)
            .await?;
    let copies = |text| Copies {
        database: Some(text),
        store: None,
    };
    Ok(rows.into_iter().map(|(day, text)| (day, copies(text))).collect())
}

/// Whoever could rewrite the database could empty its table of heads too: the store itself says which there are.
async fn of_store(objects: &Objects, days: &mut Days) -> Result<(), StoreError> {
    let keys = objects.list(FOLDER, None).await?;
    let keys = keys.into_iter().filter_map(|key| Some((day_of(&key)?, key)));
    let texts = stream::iter(keys).map(async |(day, key)| read(objects, &key).await.map(|text| (day, text)));
    let texts: Vec<_> = texts.buffered(AT_ONCE).try_collect().await?;
    for (day, text) in texts {
        days.entry(day).or_default().store = text;
    }
    Ok(())
}

/// The hashes, as they stand, of the rows that heads name.
async fn hashes(pool: &Db, days: &Days) -> Result<HashMap<i64, String>, sqlx::Error> {
    let texts = days.values().filter_map(Copies::text);
    let ids: Vec<i64> = texts
        .filter_map(|text| Some(SignedHead::read(text).ok()?.head.last_id))
        .collect();
    let rows: Vec<(i64, Option<String>)> =
        sqlx::query_as("select id, hash from logs_auditoria where id = any($1)")
            .bind(ids)
            .fetch_all(pool)
            .await?;
    let mut hashes: HashMap<_, _> = rows
        .into_iter()
        .filter_map(|(id, hash)| Some((id, hash?)))
        .collect();
    hashes.insert(0, GENESIS.to_owned());
    Ok(hashes)
}

#[derive(Default)]
struct Judged {
    faults: Vec<Fault>,
    /// The newest head, where only the store has it: its run died before it could note it, or is just doing so.
    unrecorded: Option<NaiveDate>,
    /// Which key signed, with the days.
    keys: Vec<(PublicKey, NaiveDate)>,
}

fn judge(days: &Days, hashes: &HashMap<i64, String>, store_asked: bool) -> Judged {
    let mut judged = Judged::default();
    let newest = days.keys().next_back().copied();
    let mut before: Option<SignedHead> = None;
    for (&day, copies) in days {
        let head = SignedHead::read(copies.text().unwrap_or_default());
        let mut reasons = Vec::new();
        match (&copies.database, &copies.store) {
            (Some(database), Some(store)) if database != store => {
                reasons.push("the database and the store hold different heads of this day");
            }
            (Some(_), None) if store_asked => {
                reasons.push("it is in the database and not in the store: it was removed there");
            }
            (None, Some(_)) if Some(day) == newest => judged.unrecorded = Some(day),
            (None, Some(_)) => {
                reasons.push("it is in the store and not in the database: it was removed there");
            }
            _ => {}
        }
        match &head {
            Err(reason) => reasons.push(reason),
            Ok(signed) => {
                judged.keys.push((signed.key, day));
                if signed.head.day != day {
                    reasons.push("it is the head of another day");
                }
                if !signed.follows(before.as_ref()) {
                    reasons.push("it does not follow the head before it: one was removed or exchanged");
                }
                if hashes.get(&signed.head.last_id) != Some(&signed.head.last_hash) {
                    reasons.push(REWRITTEN);
                }
            }
        }
        let last_id = head.as_ref().ok().map(|signed| signed.head.last_id);
        judged
            .faults
            .extend(reasons.into_iter().map(|reason| Fault { day, last_id, reason }));
        before = head.ok();
    }
    judged
}

impl Copies {
    /// The one that counts: nobody who has the database alone can write the store's.
    fn text(&self) -> Option<&str> {
        self.store.as_deref().or(self.database.as_deref())
    }
}

/// The heads that none of the keys signed.
fn of_keys(signed: &[(PublicKey, NaiveDate)], known: &[PublicKey]) -> Vec<String> {
    let mut foreign: BTreeMap<String, Vec<NaiveDate>> = BTreeMap::new();
    for (key, day) in signed.iter().filter(|(key, _)| !known.contains(key)) {
        foreign.entry(key.id()).or_default().push(*day);
    }
    let told = foreign.iter().map(|(id, days)| {
        format!(
            "the key {id} signed the heads of {}, and it is not ours of today; was it once? then name it with --key",
            named(days)
        )
    });
    told.collect()
}

/// What is odd about which days have a head.
fn of_days(days: &Days, now: DateTime<Utc>) -> Vec<String> {
    let (Some(first), Some(last)) = (days.keys().next(), days.keys().next_back()) else {
        return vec!["no head was signed yet: a running server with a store signs one a day".to_owned()];
    };
    let mut told = Vec::new();
    let all = first.iter_days().take_while(|day| day <= last);
    let missing: Vec<NaiveDate> = all.filter(|day| !days.contains_key(day)).collect();
    if !missing.is_empty() {
        told.push(format!(
            "no head was signed on {}; the next one holds what was written then",
            named(&missing)
        ));
    }
    if now.date_naive() - *last >= LATE {
        told.push(format!("the last head is of {last}: does firmar_auditoria run?"));
    }
    told
}

fn named(days: &[NaiveDate]) -> String {
    let shown: Vec<String> = days.iter().take(NAMED).map(NaiveDate::to_string).collect();
    match days.len().checked_sub(NAMED) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more days", shown.join(", ")),
    }
}

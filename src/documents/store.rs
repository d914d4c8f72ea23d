//! `documents.objects`, the register of what was stored, and `documents.faults`.

use serde_json::json;
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::{Fact, FaultyFiles, StoredFile};
use crate::tools::db::Db;

/// Notes a file that was stored, once, with an audit row: so the hash chain holds which bytes it was, from where, and by
/// which event and job it came.
pub async fn stored(work: &mut Work, stored: &StoredFile) -> Result<(), Failure> {
    let StoredFile {
        file,
        sha256,
        bytes,
        etag,
        source,
    } = stored;
    let now = work.now();
    let noted = sqlx::query!(
        "insert into documents.objects (key, kind, document, part, sha256, bytes, etag, source, stored_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (key) do nothing",
        file.key,
        file.kind,
        file.document,
        file.part,
        sha256,
        i64::try_from(*bytes).unwrap_or(i64::MAX),
        etag,
        source.as_deref(),
        now,
    );
    if noted.execute(work.connection()).await?.rows_affected() > 0 {
        let detail = json!({
            "archivo": file.part, "objeto": file.key, "sha256": sha256, "bytes": bytes, "etag": etag, "de": source,
        });
        work.audit("documento.guardado", file.kind, file.document, detail);
    }
    Ok(())
}

/// Forgets the files of a document that were removed, so that nobody misses them.
pub async fn erased(work: &mut Work, document: Uuid) -> Result<(), Failure> {
    let faults = "delete from documents.faults
                  where key in (select key from documents.objects where document = $1)";
    for forget in [faults, "delete from documents.objects where document = $1"] {
        sqlx::query(forget)
            .bind(document)
            .execute(work.connection())
            .await?;
    }
    Ok(())
}

/// What is wrong with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// It is not what was stored.
    Different,
}

impl Fault {
    /// As the table has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Different => "different",
        }
    }
}

/// Notes what is wrong with an object.
pub async fn faulty(work: &mut Work, key: &str, fault: Fault) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "insert into documents.faults (key, fault, found_at) values ($1, $2, $3)
         on conflict (key) do update set fault = excluded.fault",
        key,
        fault.name(),
        now,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// Of these objects, those that were noted as faulty.
pub async fn noted(pool: &Db, keys: &[String]) -> Result<Vec<String>, Failure> {
    let noted = sqlx::query_scalar!("select key from documents.faults where key = any ($1)", keys);
    Ok(noted.fetch_all(pool).await?)
}

/// Nothing is wrong with these objects any more.
pub async fn intact(work: &mut Work, keys: &[String]) -> Result<(), Failure> {
    sqlx::query!("delete from documents.faults where key = any ($1)", keys)
        .execute(work.connection())
        .await?;
    Ok(())
}

/// Says what is faulty now, all of it.
pub async fn tell_faults(work: &mut Work) -> Result<(), Failure> {
    let rows = sqlx::query!(
        r#"select fault, count(*) as "count!", min(key) as "key!" from documents.faults group by fault"#
    );
    let rows = rows.fetch_all(work.connection()).await?;
    let of = |fault: Fault| {
        let row = rows.iter().find(|row| row.fault == fault.name());
        row.map(|row| (row.count, row.key.clone()))
    };
    let faulty = FaultyFiles {
        missing: of(Fault::Missing),
        altered: of(Fault::Different),
    };
    work.say(Fact::FilesFaulty(faulty));
    Ok(())
}

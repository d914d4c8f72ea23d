//! Whether the store still has what was stored: every file is read and hashed.

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::find::{self, Document, File};
use super::kind::Kind;
use super::store::{self, Fault};
use crate::engine::work::Unit;
use crate::engine::{Engine, Failure};
use crate::ground::facts::Actor;
use crate::tools::db::Db;
use crate::tools::objects::Objects;

/// So many files are read at the same time, each piece by piece: together they hold some MiB.
const AT_ONCE: usize = 4;

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// How many documents were looked at.
    pub documents: u64,
    /// How many files they have.
    pub files: u64,
    /// How many bytes were read.
    pub bytes: u64,
    /// Files that no digest is known of: it was only seen that they can be read.
    pub without_digest: u64,
    /// The files that are not as they should be.
    pub findings: Vec<Finding>,
}

/// A file that is not as it should be.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// `facturas_emitidas` or `contratos_firmados`.
    pub kind: &'static str,
    /// The document.
    pub document: Uuid,
    /// Which file of it.
    pub file: &'static str,
    /// Its key in the store.
    pub key: String,
    /// `missing`, `different` or `unreadable`.
    pub finding: &'static str,
    /// More.
    pub detail: String,
}

/// How a file stands.
enum Stands {
    Fine {
        bytes: u64,
    },
    Faulty {
        fault: Fault,
        bytes: u64,
        detail: String,
    },
    Unreadable {
        detail: String,
    },
}

/// Reads every file of every document; of those since then, where that is said. What is missing or different is noted and
/// told to the team, and so is what is right again. `progress` hears how far it is.
pub async fn compare(
    engine: &Engine,
    objects: &Objects,
    since: Option<DateTime<Utc>>,
    mut progress: impl FnMut(&Report),
) -> Result<Report, Failure> {
    let mut report = Report::default();
    for kind in [Kind::Invoice, Kind::Contract] {
        let mut after = Uuid::nil();
        loop {
            let page = find::page(&engine.pool, kind, after, since).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            look(engine, objects, &page, &mut report).await?;
            progress(&report);
        }
    }
    Ok(report)
}

/// Writes down that it was done, and what came of it.
pub async fn write_down(
    engine: &Engine,
    by: Actor,
    report: &Report,
    since: Option<DateTime<Utc>>,
) -> Result<(), Failure> {
    let detail = json!({
        "documentos": report.documents,
        "archivos": report.files,
        "con_falla": report.findings.len(),
        "desde": since,
    });
    let mut work = engine.begin(Unit::by(by)).await?;
    work.audit("documentos.comparados", "almacen", "documentos", detail);
    work.commit().await.map(drop)
}

/// A comparison that came to its end.
#[derive(Debug, Clone)]
pub struct Compared {
    /// When.
    pub at: DateTime<Utc>,
    /// Whether of all documents, not of the recent ones alone.
    pub all: bool,
}

/// The last one that was noted.
pub async fn last(db: &Db) -> Result<Option<Compared>, sqlx::Error> {
    let row = sqlx::query_as!(
        Compared,
        r#"select ocurrido_en as at, detalle ->> 'desde' is null as "all!" from logs_auditoria
           where recurso_tipo = 'almacen' and recurso_id = 'documentos' and accion = 'documentos.comparados'
           order by id desc limit 1"#
    );
    row.fetch_optional(db).await
}

async fn look(
    engine: &Engine,
    objects: &Objects,
    page: &[Document],
    report: &mut Report,
) -> Result<(), Failure> {
    report.documents += page.len() as u64;
    let files = page
        .iter()
        .flat_map(|document| document.files.iter().map(move |file| (document, file)));
    let looks = files.map(|(document, file)| async move { (document, file, stands(objects, file).await) });
    let mut looks = futures_util::stream::iter(looks).buffer_unordered(AT_ONCE);
    let (mut fine, mut faulty) = (Vec::new(), Vec::new());
    while let Some((document, file, stands)) = looks.next().await {
        report.files += 1;
        report.without_digest += u64::from(file.sha256.is_none());
        let mut found = |finding, detail| {
            report.findings.push(Finding {
                kind: document.kind.table(),
                document: document.id,
                file: file.format.name(),
                key: file.key.clone(),
                finding,
                detail,
            });
        };
        match stands {
            Stands::Fine { bytes } => {
                report.bytes += bytes;
                fine.push(file.key.clone());
            }
            Stands::Faulty { fault, bytes, detail } => {
                found(fault.name(), detail);
                report.bytes += bytes;
                faulty.push((file.key.clone(), fault));
            }
            Stands::Unreadable { detail } => found("unreadable", detail),
        }
    }
    note(engine, &fine, &faulty).await
}

async fn stands(objects: &Objects, file: &File) -> Stands {
    let stored = match objects.sha256_of(&file.key).await {
        Ok(Some(stored)) => stored,
        Ok(None) => {
            return Stands::Faulty {
                fault: Fault::Missing,
                bytes: 0,
                detail: "it is not in the store".to_owned(),
            };
        }
        Err(error) => {
            return Stands::Unreadable {
                detail: error.to_string(),
            };
        }
    };
    let bytes = stored.bytes;
    let noted = file.as_stored.as_ref().map(|(bytes, _)| *bytes);
    let same_size = noted.is_none_or(|noted| u64::try_from(noted) == Ok(bytes));
    match &file.sha256 {
        Some(sha256) if *sha256 != stored.sha256 => Stands::Faulty {
            fault: Fault::Different,
            bytes,
            detail: format!("its SHA-256 is {}, and {sha256} was stored", stored.sha256),
        },
        _ if !same_size => Stands::Faulty {
            fault: Fault::Different,
            bytes,
            detail: format!(
                "it has {bytes} bytes, and {} were stored",
                noted.unwrap_or_default()
            ),
        },
        _ => Stands::Fine { bytes },
    }
}

/// Keeps what was found, if anything is new, and says how it stands now.
async fn note(engine: &Engine, fine: &[String], faulty: &[(String, Fault)]) -> Result<(), Failure> {
    let mended = store::noted(&engine.pool, fine).await?;
    if mended.is_empty() && faulty.is_empty() {
        return Ok(());
    }
    let mut work = engine.begin(Unit::by(Actor::System)).await?;
    store::intact(&mut work, &mended).await?;
    for (key, fault) in faulty {
        store::faulty(&mut work, key, *fault).await?;
    }
    store::tell_faults(&mut work).await?;
    work.commit().await.map(drop)
}

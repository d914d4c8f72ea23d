//! `contratos_firmados`: what was sent for signature, and what became of it.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::super::mifiel::shapes::Document;
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::{Document as Row, DocumentFile, Fact, StoredFile};
use crate::ground::values::ContractId;
use crate::tools::db::Db;
use crate::tools::objects;

/// A document of ours.
#[derive(Debug, Clone)]
pub struct Known {
    /// Row of `contratos_firmados`.
    pub id: Uuid,
    /// The contract.
    pub contract: ContractId,
    /// `suscripcion` or `servicio_unico`.
    pub kind: String,
    /// Mifiel's id, once it has the document.
    pub mifiel: Option<String>,
    /// `estado`.
    pub state: String,
    /// SHA-256 of what was sent.
    pub sha256_original: Option<String>,
    /// Whether every column about its files is filled, as far as it is signed.
    pub complete: bool,
}

/// Finds a document by Mifiel's id, or by the id that we gave it: its own, or that of a contract that has one document
/// which Mifiel has not named yet. None: it is none of ours.
pub async fn find(pool: &Db, mifiel: &str, external: Option<Uuid>) -> Result<Option<Known>, Failure> {
    let found = sqlx::query!(
        r#"select signed.id, contrato_id, tipo::text as "kind!", mifiel_document_id, signed.estado::text as "state!",
                  sha256_original,
                  num_nulls(url_pdf, sha256_pdf, url_xml, sha256_xml, url_evidencia, conservar_hasta) = 0 as "complete!"
           from contratos_firmados as signed join contratos_b2b on contratos_b2b.id = contrato_id
           where mifiel_document_id = $1
              or mifiel_document_id is null and (signed.id = $2 or contrato_id = $2)
           order by mifiel_document_id is null, signed.id = $2 desc, signed.creado_en desc limit 1"#,
        mifiel,
        external,
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|row| Known {
        id: row.id,
        contract: ContractId(row.contrato_id),
        kind: row.kind,
        mifiel: row.mifiel_document_id,
        state: row.state,
        sha256_original: row.sha256_original,
        complete: row.complete,
    }))
}

/// A document to be sent, as it lies in the store.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Row of `contratos_firmados` to be.
    pub id: Uuid,
    /// The contract.
    pub contract: ContractId,
    /// Where the PDF lies.
    pub url_original: String,
    /// Its digest.
    pub sha256_original: String,
    /// Since when it is to be sent: Mifiel had it no earlier.
    pub noted_at: DateTime<Utc>,
}

/// Whether a contract may be sent for signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayBeSent {
    /// It may.
    Yes,
    /// There is none with this id.
    NoContract,
    /// It is over.
    Inactive,
    /// This document of it waits for signatures.
    Waiting(Uuid),
    /// This document of it is signed.
    Signed(Uuid),
}

/// Whether a contract may be sent, as things are `now`. What is gone from Mifiel, or can be signed no more, is in nobody's
/// way.
pub async fn may_be_sent(
    database: impl PgExecutor<'_>,
    contract: ContractId,
    now: DateTime<Utc>,
) -> Result<MayBeSent, Failure> {
    let found = sqlx::query!(
        r#"select contratos_b2b.estado::text as "state!",
                  (select id from contratos_firmados
                   where contrato_id = $1 and estado = 'firmado' limit 1) as "signed?",
                  (select id from contratos_firmados
                   where contrato_id = $1 and estado = 'pendiente' and eliminado_en is null
                     and (vence_en is null or vence_en > $2)
                   limit 1) as "waiting?"
           from contratos_b2b where id = $1"#,
        contract.0,
        now,
    );
    let Some(found) = found.fetch_optional(database).await? else {
        return Ok(MayBeSent::NoContract);
    };
    Ok(match (found.signed, found.waiting) {
        _ if found.state == "inactivo" => MayBeSent::Inactive,
        (Some(document), _) => MayBeSent::Signed(document),
        (None, Some(document)) => MayBeSent::Waiting(document),
        (None, None) => MayBeSent::Yes,
    })
}

/// The same with the contract held: nobody else sends it meanwhile.
pub async fn hold(work: &mut Work, contract: ContractId) -> Result<MayBeSent, Failure> {
    sqlx::query!(
        "select id from contratos_b2b where id = $1 for update",
        contract.0
    )
    .fetch_optional(work.connection())
    .await?;
    let now = work.now();
    may_be_sent(work.connection(), contract, now).await
}

/// Notes a document that is to be sent.
pub async fn draft(work: &mut Work, draft: &Draft) -> Result<(), Failure> {
    sqlx::query!(
        "insert into contratos_firmados (id, contrato_id, url_original, sha256_original, creado_en)
         values ($1, $2, $3, $4, $5)",
        draft.id,
        draft.contract.0,
        draft.url_original,
        draft.sha256_original,
        draft.noted_at,
    )
    .execute(work.connection())
    .await?;
    said(work, draft.id, true);
    Ok(())
}

/// A draft that waits to be sent; none, when Mifiel has it by now, or refused it.
pub async fn sending(pool: &Db, id: Uuid) -> Result<Option<Draft>, Failure> {
    let row = sqlx::query!(
        r#"select contrato_id, url_original as "url!", sha256_original as "sha256!", creado_en,
                  mifiel_document_id is null and estado = 'pendiente' and eliminado_en is null as "waits!"
           from contratos_firmados where id = $1 and url_original is not null and sha256_original is not null"#,
        id,
    )
    .fetch_optional(pool)
    .await?;
    let row = row.ok_or_else(|| Failure::Park(format!("there is no document {id} to be sent any more")))?;
    let draft = Draft {
        id,
        contract: ContractId(row.contrato_id),
        url_original: row.url,
        sha256_original: row.sha256,
        noted_at: row.creado_en,
    };
    Ok(row.waits.then_some(draft))
}

/// Mifiel has it. None when that was known; else the contract.
pub async fn sent(work: &mut Work, id: Uuid, document: &Document) -> Result<Option<ContractId>, Failure> {
    let now = work.now();
    let noted = sqlx::query_scalar!(
        "update contratos_firmados set mifiel_document_id = $2, enviado_en = $3, vence_en = $4
         where id = $1 and mifiel_document_id is null
         returning contrato_id",
        id,
        document.id,
        now,
        document.expires_at,
    );
    let noted = noted.fetch_optional(work.connection()).await?;
    Ok(noted.map(ContractId))
}

/// Mifiel will not take it. False when it has it after all, or that was known.
pub async fn refused(work: &mut Work, id: Uuid) -> Result<bool, Failure> {
    let now = work.now();
    let noted = sqlx::query!(
        "update contratos_firmados set estado = 'rechazado', rechazado_en = $2, eliminado_en = $2
         where id = $1 and estado = 'pendiente' and mifiel_document_id is null",
        id,
        now,
    );
    let news = noted.execute(work.connection()).await?.rows_affected() > 0;
    Ok(said(work, id, news))
}

/// The documents of a signed contract, as they are stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The signed PDF.
    pub pdf: StoredFile,
    /// The signed XML.
    pub xml: StoredFile,
    /// The evidence.
    pub evidence: StoredFile,
    /// Until when all of it is kept.
    pub until: NaiveDate,
}

impl Known {
    /// A file of it that is stored; `from` that host, unless it was there already.
    pub fn file(
        &self,
        part: &'static str,
        key: String,
        stored: objects::Stored,
        from: Option<String>,
    ) -> StoredFile {
        stored_file(self.id, part, key, stored, from)
    }
}

/// A file of the document with this id.
pub fn stored_file(
    document: Uuid,
    part: &'static str,
    key: String,
    stored: objects::Stored,
    source: Option<String>,
) -> StoredFile {
    StoredFile {
        file: DocumentFile {
            kind: "contratos_firmados",
            document,
            part,
            key,
        },
        sha256: stored.sha256,
        bytes: stored.bytes,
        etag: stored.etag,
        source,
    }
}

/// What recording a signed document came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// It is news.
    Signed,
    /// It was known, and something about its files was missing.
    Completed,
    /// Nothing is new.
    Known,
}

/// Records that everybody has signed; that is the last word, and what is recorded of it stays.
pub async fn signed(
    work: &mut Work,
    known: &Known,
    document: &Document,
    at: DateTime<Utc>,
    stored: &Stored,
) -> Result<Noted, Failure> {
    let now = work.now();
    let before = sqlx::query_scalar!(
        r#"with before as (select id, estado from contratos_firmados where id = $1 for update)
         update contratos_firmados as row set estado = 'firmado', mifiel_document_id = $2,
             firmado_en = coalesce(firmado_en, $3), url_pdf = coalesce(url_pdf, $4),
             sha256_pdf = coalesce(sha256_pdf, $5), url_xml = coalesce(url_xml, $6),
             sha256_xml = coalesce(sha256_xml, $7), url_evidencia = coalesce(url_evidencia, $8),
             conservar_hasta = coalesce(conservar_hasta, $9), rechazado_en = null, eliminado_en = null,
             enviado_en = coalesce(enviado_en, $10)
         from before
         where row.id = before.id
           and (before.estado <> 'firmado'
                or num_nulls(url_pdf, sha256_pdf, url_xml, sha256_xml, url_evidencia, conservar_hasta) > 0)
         returning before.estado::text as "before!""#,
        known.id,
        document.id,
        at,
        stored.pdf.file.key,
        stored.pdf.sha256,
        stored.xml.file.key,
        stored.xml.sha256,
        stored.evidence.file.key,
        stored.until,
        now,
    );
    let before = before.fetch_optional(work.connection()).await?;
    said(work, known.id, before.is_some());
    Ok(match before.as_deref() {
        None => Noted::Known,
        Some("firmado") => Noted::Completed,
        Some(_) => Noted::Signed,
    })
}

/// Records that a signer declined. False when it was known, or everybody has signed after all.
pub async fn declined(work: &mut Work, known: &Known, document: &Document) -> Result<bool, Failure> {
    let now = work.now();
    let noted = sqlx::query!(
        "update contratos_firmados set estado = 'rechazado', mifiel_document_id = $2, rechazado_en = $3,
             enviado_en = coalesce(enviado_en, $3)
         where id = $1 and estado = 'pendiente'",
        known.id,
        document.id,
        now,
    );
    let news = noted.execute(work.connection()).await?.rows_affected() > 0;
    Ok(said(work, known.id, news))
}

/// Records that it is gone from Mifiel. What was signed stays. False when it was known.
pub async fn deleted(work: &mut Work, known: &Known) -> Result<bool, Failure> {
    let now = work.now();
    let noted = sqlx::query!(
        "update contratos_firmados set estado = 'rechazado', rechazado_en = coalesce(rechazado_en, $2),
             eliminado_en = $2
         where id = $1 and estado <> 'firmado' and eliminado_en is null",
        known.id,
        now,
    );
    let news = noted.execute(work.connection()).await?.rows_affected() > 0;
    Ok(said(work, known.id, news))
}

/// Keeps what Mifiel tells of a document that still waits: its id, and until when it can be signed. False when all of it
/// was known.
pub async fn progressed(work: &mut Work, known: &Known, document: &Document) -> Result<bool, Failure> {
    let now = work.now();
    let noted = sqlx::query!(
        "update contratos_firmados set vence_en = coalesce($2, vence_en), enviado_en = coalesce(enviado_en, $4),
             mifiel_document_id = coalesce(mifiel_document_id, $3)
         where id = $1 and estado = 'pendiente'
           and (vence_en, mifiel_document_id) is distinct from
               (coalesce($2, vence_en), coalesce(mifiel_document_id, $3))",
        known.id,
        document.expires_at,
        document.id,
        now,
    );
    Ok(noted.execute(work.connection()).await?.rows_affected() > 0)
}

/// Tells the rest of the program that the row is another now, if it is.
fn said(work: &mut Work, id: Uuid, news: bool) -> bool {
    if news {
        work.say(Fact::DocumentMoved(Row::Contract(id)));
    }
    news
}

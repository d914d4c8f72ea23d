//! Documents as the tables of other slices have them: read, never written.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::kind::{Format, Kind};
use crate::engine::Failure;
use crate::tools::db::Db;

/// A document, and whom it concerns.
#[derive(Debug, Clone)]
pub struct Document {
    /// Which kind.
    pub kind: Kind,
    /// Its row.
    pub id: Uuid,
    /// `estado`.
    pub state: String,
    /// Whom it concerns.
    pub concerns: Concerned,
    /// Its files that are stored.
    pub files: Vec<File>,
}

/// Whom a document concerns, by their users at Supabase.
#[derive(Debug, Clone, Default)]
pub struct Concerned {
    /// The clients it is about.
    pub customers: Vec<Uuid>,
    /// Who serves them.
    pub operator: Option<Uuid>,
    /// Whether it is about the sales of a whole month, those of others among them.
    pub everybody: bool,
}

/// A file of a document.
#[derive(Debug, Clone)]
pub struct File {
    /// Which.
    pub format: Format,
    /// Its key in the store.
    pub key: String,
    /// SHA-256 of its bytes, where its row or the register has it.
    pub sha256: Option<String>,
    /// How large it is and how the store calls it, where the register has it.
    pub as_stored: Option<(i64, String)>,
}

impl Document {
    /// One of its files.
    pub fn file(&self, format: Format) -> Option<&File> {
        self.files.iter().find(|file| file.format == format)
    }
}

/// Every document that this id may name, for a command.
pub async fn named(pool: &Db, id: Uuid) -> Result<Vec<Document>, Failure> {
    let mut found = Vec::from_iter(invoice(pool, id).await?);
    let signed = sqlx::query_scalar!(
        "select id from contratos_firmados where id = $1 or contrato_id = $1 order by creado_en, id",
        id
    );
    for id in signed.fetch_all(pool).await? {
        found.extend(contract(pool, id).await?);
    }
    Ok(found)
}

/// So many documents are read at a time.
const PAGE: i64 = 200;

/// The documents of a kind behind this id, by their ids, that were made or had a file stored since then. An empty page is
/// the end.
pub async fn page(
    pool: &Db,
    kind: Kind,
    after: Uuid,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<Document>, Failure> {
    let made = match kind {
        Kind::Invoice => "creada_en",
        Kind::Contract => "creado_en",
    };
    let table = kind.table();
    let sql = format!(
        "select id from {table} where id > $1 and ($2::timestamptz is null or {made} >= $2
             or exists (select from documents.objects
                        where kind = '{table}' and document = {table}.id and stored_at >= $2))
         order by id limit {PAGE}"
    );
    let ids = sqlx::query_scalar(AssertSqlSafe(sql)).bind(after).bind(since);
    let ids: Vec<Uuid> = ids.fetch_all(pool).await?;
    let mut documents = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(mut found) = document(pool, kind, id).await? {
            registered(pool, &mut found).await?;
            documents.push(found);
        }
    }
    Ok(documents)
}

/// The document with this id: an invoice's may be its UUID at SAT, a contract's that of the contract; then it is the newest
/// one that is signed, else the newest.
pub async fn document(pool: &Db, kind: Kind, id: Uuid) -> Result<Option<Document>, Failure> {
    match kind {
        Kind::Invoice => invoice(pool, id).await,
        Kind::Contract => contract(pool, id).await,
    }
}

/// Without its files, where they were removed with the person whom they were about: the row stays.
async fn as_kept(pool: &Db, found: Option<Document>) -> Result<Option<Document>, Failure> {
    let Some(mut document) = found else {
        return Ok(None);
    };
    let (table, column) = match document.kind {
        Kind::Invoice => (document.kind.table(), "suprimida_en"),
        Kind::Contract => (document.kind.table(), "suprimido_en"),
    };
    let sql = format!("select {column} is not null from {table} where id = $1");
    let erased = sqlx::query_scalar(AssertSqlSafe(sql)).bind(document.id);
    if erased.fetch_one(pool).await? {
        document.files.clear();
    }
    Ok(Some(document))
}

async fn invoice(pool: &Db, id: Uuid) -> Result<Option<Document>, Failure> {
    let found = sqlx::query!(
        r#"select invoice.id, invoice.estado::text as "state!",
                  invoice.origen = 'global' or invoice.periodo is not null as "everybody!",
                  servicios.operador_id as "operator?",
                  array_remove(array[of_service.auth_user_id, of_contract.auth_user_id], null) as "customers!: Vec<Uuid>",
                  url_pdf, sha256_pdf, url_xml, sha256_xml, url_acuse, sha256_acuse
           from facturas_emitidas as invoice
           left join servicios on servicios.id = invoice.servicio_id
           left join clientes as of_service on of_service.id = servicios.cliente_id
           left join contratos_b2b on contratos_b2b.id = invoice.contrato_id
           left join clientes as of_contract on of_contract.id = contratos_b2b.cliente_id
           where invoice.id = $1 or invoice.uuid_sat = $1
           order by invoice.id = $1 desc limit 1"#,
        id,
    );
    let found = found.fetch_optional(pool).await?.map(|row| Document {
        kind: Kind::Invoice,
        id: row.id,
        state: row.state,
        concerns: Concerned {
            customers: row.customers,
            operator: row.operator,
            everybody: row.everybody,
        },
        files: files([
            (Format::Pdf, row.url_pdf, row.sha256_pdf),
            (Format::Xml, row.url_xml, row.sha256_xml),
            (Format::Acuse, row.url_acuse, row.sha256_acuse),
        ]),
    });
    as_kept(pool, found).await
}

async fn contract(pool: &Db, id: Uuid) -> Result<Option<Document>, Failure> {
    let found = sqlx::query!(
        r#"select signed.id, signed.estado::text as "state!", clientes.auth_user_id as "customer?",
                  url_pdf, sha256_pdf, url_xml, sha256_xml, url_original, sha256_original, url_evidencia
           from contratos_firmados as signed
           join contratos_b2b on contratos_b2b.id = contrato_id
           left join clientes on clientes.id = contratos_b2b.cliente_id
           where signed.id = $1 or contrato_id = $1
           order by signed.id = $1 desc, signed.estado = 'firmado' desc, signed.creado_en desc, signed.id desc limit 1"#,
        id,
    );
    let found = found.fetch_optional(pool).await?.map(|row| Document {
        kind: Kind::Contract,
        id: row.id,
        state: row.state,
        concerns: Concerned {
            customers: row.customer.into_iter().collect(),
            ..Concerned::default()
        },
        files: files([
            (Format::Pdf, row.url_pdf, row.sha256_pdf),
            (Format::Xml, row.url_xml, row.sha256_xml),
            (Format::Original, row.url_original, row.sha256_original),
            (Format::Evidence, row.url_evidencia, None),
        ]),
    });
    as_kept(pool, found).await
}

fn files<const COUNT: usize>(columns: [(Format, Option<String>, Option<String>); COUNT]) -> Vec<File> {
    let file = |(format, key, sha256): (Format, Option<String>, Option<String>)| {
        Some(File {
            format,
            key: key?,
            sha256,
            as_stored: None,
        })
    };
    columns.into_iter().filter_map(file).collect()
}

/// Adds what the register has of its files. Where the row has a digest, that one counts.
pub async fn registered(pool: &Db, document: &mut Document) -> Result<(), Failure> {
    let keys: Vec<String> = document.files.iter().map(|file| file.key.clone()).collect();
    let rows = sqlx::query!(
        "select key, sha256, bytes, etag from documents.objects where key = any ($1)",
        &keys[..]
    );
    for row in rows.fetch_all(pool).await? {
        if let Some(file) = document.files.iter_mut().find(|file| file.key == row.key) {
            file.sha256.get_or_insert(row.sha256);
            file.as_stored = Some((row.bytes, row.etag));
        }
    }
    Ok(())
}

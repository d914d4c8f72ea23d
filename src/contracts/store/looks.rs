//! What Mifiel is asked about by ourselves, and when it last was (`contracts.attention`): the longest unasked comes first.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::engine::Failure;
use crate::tools::db::Db;

/// A document of ours that Mifiel has, as far as it is compared.
#[derive(Debug, Clone)]
pub struct Ours {
    /// The row.
    pub id: Uuid,
    /// Mifiel's id.
    pub mifiel: String,
    /// `estado`.
    pub state: String,
    /// Until when it can be signed, as far as we know.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A document of which we do not know whether Mifiel has it.
#[derive(Debug, Clone)]
pub struct Unsent {
    /// The row.
    pub id: Uuid,
    /// When it was to be sent.
    pub created_at: DateTime<Utc>,
}

/// Documents that may have moved on: those that wait, those that a signer declined (a later signature wins) while they
/// can be signed or were sent since, and signed ones whose files are not all recorded.
pub async fn longest_unasked(
    pool: &Db,
    sent_since: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Ours>, Failure> {
    let found = sqlx::query_as!(
        Ours,
        r#"select id, mifiel_document_id as "mifiel!", estado::text as "state!", vence_en as expires_at
           from contratos_firmados left join contracts.attention on attention.document = contratos_firmados.id
           where mifiel_document_id is not null and eliminado_en is null
             and (estado = 'pendiente'
                  or estado = 'rechazado' and (enviado_en >= $1 or vence_en >= $2)
                  or estado = 'firmado'
                     and num_nulls(url_pdf, sha256_pdf, url_xml, sha256_xml, url_evidencia, conservar_hasta) > 0)
           order by coalesce(looked_at, creado_en), id limit $3"#,
        sent_since,
        now,
        limit,
    );
    Ok(found.fetch_all(pool).await?)
}

/// Documents that were to be sent before then, and that no answer of Mifiel's named.
pub async fn unsent(pool: &Db, before: DateTime<Utc>, limit: i64) -> Result<Vec<Unsent>, Failure> {
    let found = sqlx::query_as!(
        Unsent,
        "select id, creado_en as created_at from contratos_firmados
         where mifiel_document_id is null and estado = 'pendiente' and creado_en < $1
         order by creado_en desc, id limit $2",
        before,
        limit,
    );
    Ok(found.fetch_all(pool).await?)
}

/// Notes that Mifiel was asked about this one just now.
pub async fn looked(pool: &Db, document: Uuid, now: DateTime<Utc>) -> Result<(), Failure> {
    sqlx::query!(
        "insert into contracts.attention (document, looked_at) values ($1, $2)
         on conflict (document) do update set looked_at = excluded.looked_at",
        document,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

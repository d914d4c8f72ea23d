//! A client is erased: documents that were never signed, or whose time is over, go from the bucket.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::values::ClientId;
use crate::tools::db::Db;

/// Subscriptions of the client that are in force.
pub async fn in_force(work: &mut Work, client: ClientId) -> Result<Vec<Uuid>, Failure> {
    let contracts = sqlx::query_scalar!(
        "select id from contratos_b2b
         where cliente_id = $1 and tipo = 'suscripcion' and estado in ('activo', 'moroso') order by id",
        client.0,
    );
    Ok(contracts.fetch_all(work.connection()).await?)
}

/// Documents that can be signed still.
pub async fn signable(work: &mut Work, client: ClientId) -> Result<Vec<Uuid>, Failure> {
    let now = work.now();
    let documents = sqlx::query_scalar!(
        "select signed.id from contratos_firmados as signed join contratos_b2b on contratos_b2b.id = contrato_id
         where cliente_id = $1 and signed.estado = 'pendiente' and eliminado_en is null
           and (vence_en is null or vence_en > $2)
         order by signed.id",
        client.0,
        now,
    );
    Ok(documents.fetch_all(work.connection()).await?)
}

/// The client's contracts, and what Mifiel calls their documents.
pub async fn theirs(work: &mut Work, client: ClientId) -> Result<(Vec<Uuid>, Vec<String>), Failure> {
    let row = sqlx::query!(
        r#"select coalesce(array_agg(distinct contratos_b2b.id), '{}') as "contracts!",
                  coalesce(array_agg(distinct mifiel_document_id) filter (where mifiel_document_id is not null), '{}') as "mifiel!"
           from contratos_b2b left join contratos_firmados on contrato_id = contratos_b2b.id where cliente_id = $1"#,
        client.0,
    );
    let row = row.fetch_one(work.connection()).await?;
    Ok((row.contracts, row.mifiel))
}

/// The documents of a client's contracts.
pub struct Documents {
    /// Those that may go and lie in the bucket still.
    pub over: Vec<Uuid>,
    /// How many signed ones are to be kept.
    pub kept: u64,
    /// Until when.
    pub until: Option<NaiveDate>,
}

/// What of them is to be kept.
pub async fn documents(work: &mut Work, client: ClientId, today: NaiveDate) -> Result<Documents, Failure> {
    let now = work.now();
    let row = sqlx::query!(
        r#"select coalesce(array_agg(signed.id order by signed.id) filter (where suprimido_en is null and case signed.estado
                      when 'firmado' then conservar_hasta <= $2
                      when 'rechazado' then true
                      else eliminado_en is not null or vence_en <= $3 end), '{}') as "over!",
                  count(*) filter (where signed.estado = 'firmado' and (conservar_hasta > $2 or conservar_hasta is null)) as "kept!",
                  max(conservar_hasta) filter (where conservar_hasta > $2) as until
           from contratos_firmados as signed join contratos_b2b on contratos_b2b.id = contrato_id where cliente_id = $1"#,
        client.0,
        today,
        now,
    );
    let row = row.fetch_one(work.connection()).await?;
    Ok(Documents {
        over: row.over,
        kept: u64::try_from(row.kept).unwrap_or_default(),
        until: row.until,
    })
}

/// A document that may go.
pub struct Going {
    /// Its contract.
    pub contract: Uuid,
    /// The keys of its objects that are recorded.
    pub keys: Vec<String>,
}

/// Looks again whether it may go: it may have been signed meanwhile.
pub async fn going(
    pool: &Db,
    document: Uuid,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Option<Going>, Failure> {
    let row = sqlx::query!(
        r#"select contrato_id, array_remove(array[url_original, url_pdf, url_xml, url_evidencia], null) as "keys!"
           from contratos_firmados
           where id = $1 and suprimido_en is null and case estado
               when 'firmado' then conservar_hasta <= $2
               when 'rechazado' then true
               else eliminado_en is not null or vence_en <= $3 end"#,
        document,
        today,
        now,
    );
    let row = row.fetch_optional(pool).await?;
    Ok(row.map(|row| Going {
        contract: row.contrato_id,
        keys: row.keys,
    }))
}

/// Notes that its objects are gone. False: that was known.
pub async fn removed(work: &mut Work, document: Uuid) -> Result<bool, Failure> {
    let now = work.now();
    let noted = sqlx::query!(
        "update contratos_firmados set suprimido_en = $2 where id = $1 and suprimido_en is null",
        document,
        now,
    );
    Ok(noted.execute(work.connection()).await?.rows_affected() > 0)
}

//! What is compared with Gigstack, and when it was last looked at (`invoicing.looks`): the longest unasked comes first.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::engine::Failure;
use crate::tools::db::Db;

/// An invoice of ours, as far as it is compared.
#[derive(Debug, Clone)]
pub struct Ours {
    /// The row.
    pub id: Uuid,
    /// `uuid_sat`.
    pub uuid: Option<Uuid>,
    /// Gigstack's id.
    pub gigstack_id: Option<String>,
    /// `estado`.
    pub state: String,
    /// `monto_total`.
    pub total: Option<Decimal>,
    /// `moneda`.
    pub currency: Option<String>,
    /// Whether its PDF is stored.
    pub has_pdf: bool,
    /// Whether the receipt of its cancellation is.
    pub has_acuse: bool,
}

/// A self-invoice that its client has not made yet, as far as we know.
pub struct OpenRequest {
    /// Row of `invoicing.requests`.
    pub id: Uuid,
    /// Gigstack's receipt.
    pub receipt: String,
}

/// Those of these invoices that we have, by Gigstack's id or by the UUID.
pub async fn ours(pool: &Db, ids: &[String], uuids: &[Uuid]) -> Result<Vec<Ours>, Failure> {
    let found = sqlx::query_as!(
        Ours,
        r#"select id, uuid_sat as uuid, gigstack_id, estado::text as "state!", monto_total as total,
                  moneda::text as currency, url_pdf is not null as "has_pdf!", url_acuse is not null as "has_acuse!"
           from facturas_emitidas where gigstack_id = any ($1) or uuid_sat = any ($2)"#,
        ids,
        uuids,
    );
    Ok(found.fetch_all(pool).await?)
}

/// Valid invoices issued since, except `but`: those first that nobody looked at for the longest time.
pub async fn longest_unasked(
    pool: &Db,
    issued_since: DateTime<Utc>,
    but: &[Uuid],
    limit: i64,
) -> Result<Vec<Ours>, Failure> {
    let found = sqlx::query_as!(
        Ours,
        r#"select id, uuid_sat as uuid, gigstack_id, estado::text as "state!", monto_total as total,
                  moneda::text as currency, url_pdf is not null as "has_pdf!", url_acuse is not null as "has_acuse!"
           from facturas_emitidas left join invoicing.looks on looks.subject = facturas_emitidas.id
           where estado = 'vigente' and fecha_emision >= $1 and id <> all ($2)
           order by coalesce(looked_at, creada_en), id limit $3"#,
        issued_since,
        but,
        limit,
    );
    Ok(found.fetch_all(pool).await?)
}

/// Self-invoices that wait for their client: those first that nobody looked at for the longest time.
pub async fn open_requests(pool: &Db, limit: i64) -> Result<Vec<OpenRequest>, Failure> {
    let found = sqlx::query_as!(
        OpenRequest,
        r#"select requests.id, gigstack_id as "receipt!"
           from invoicing.requests left join invoicing.looks on looks.subject = requests.id
           where kind = 'self_invoice' and state in ('requested', 'open') and gigstack_id is not null
           order by coalesce(looked_at, created_at), requests.id limit $1"#,
        limit,
    );
    Ok(found.fetch_all(pool).await?)
}

/// Notes that Gigstack was asked about these just now.
pub async fn looked(pool: &Db, subjects: &[Uuid], now: DateTime<Utc>) -> Result<(), Failure> {
    sqlx::query!(
        "insert into invoicing.looks (subject, looked_at) select distinct subject, $2::timestamptz
         from unnest($1::uuid[]) as asked (subject)
         on conflict (subject) do update set looked_at = greatest(looks.looked_at, excluded.looked_at)",
        subjects,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

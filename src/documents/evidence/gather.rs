//! What the tables know of a document.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::AssertSqlSafe;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::find::Document;
use super::super::kind::Kind;
use crate::engine::Failure;
use crate::engine::audit::Link;
use crate::tools::db::Db;

type Row = Map<String, Value>;

/// Columns by name: what is added to a table later and may be personal is not carried away by itself.
const OF_INVOICE: &str = "id, servicio_id, contrato_id, stripe_payment_intent_id, periodo, uuid_sat, sello_sat,
    fecha_timbrado, fecha_timbrado_texto, serie, folio, fecha_emision, fecha_emision_texto,
    monto_total::text as monto_total, moneda, tipo_comprobante, forma_pago, url_pdf, url_xml, url_acuse, sha256_pdf,
    sha256_xml, sha256_acuse, estado, cancelada_en, proveedor, origen, gigstack_id, conservar_hasta, creada_en";
const OF_CONTRACT: &str = "id, contrato_id, mifiel_document_id, estado, creado_en, enviado_en, vence_en, firmado_en,
    rechazado_en, eliminado_en, url_original, url_pdf, url_xml, url_evidencia, sha256_original, sha256_pdf, sha256_xml,
    conservar_hasta";
const OF_EVENT: &str =
    "id, provider, event_id, event_type, occurred_at, received_at, trust, state, processed_at,
    encode(payload_sha256, 'hex') as payload_sha256";
const OF_JOB: &str = "id, kind, cause, created_at, state, attempts, processed_at";

/// The row of the document.
pub async fn columns(pool: &Db, document: &Document) -> Result<Row, Failure> {
    let columns = match document.kind {
        Kind::Invoice => OF_INVOICE,
        Kind::Contract => OF_CONTRACT,
    };
    let rows = rows(pool, columns, document.kind.table(), &[document.id]).await?;
    let row = rows.into_iter().next();
    row.ok_or_else(|| Failure::Park("the document is not there any more".to_owned()))
}

/// The events that caused these rows of the log.
pub async fn events(pool: &Db, log: &[Link]) -> Result<Vec<Row>, Failure> {
    let ids = causes(log, |link| link.causes().0);
    rows(pool, OF_EVENT, "webhooks.events", &ids).await
}

/// The jobs.
pub async fn jobs(pool: &Db, log: &[Link]) -> Result<Vec<Row>, Failure> {
    let ids = causes(log, |link| link.causes().1);
    rows(pool, OF_JOB, "engine.jobs", &ids).await
}

fn causes(log: &[Link], cause: impl Fn(&Link) -> Option<&str>) -> Vec<Uuid> {
    log.iter().filter_map(|link| cause(link)?.parse().ok()).collect()
}

async fn rows(pool: &Db, columns: &str, table: &str, ids: &[Uuid]) -> Result<Vec<Row>, Failure> {
    let sql = format!(
        "select to_jsonb(row) from (select {columns} from {table} where id = any ($1) order by id) as row"
    );
    let rows = sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids);
    let rows: Vec<Json<Row>> = rows.fetch_all(pool).await?;
    Ok(rows.into_iter().map(|Json(row)| row).collect())
}

/// Where a file came from and when it was noted.
pub async fn origin(pool: &Db, key: &str) -> Result<(Option<String>, Option<DateTime<Utc>>), Failure> {
    let row = sqlx::query!(
        "select source, stored_at from documents.objects where key = $1",
        key
    );
    let row = row.fetch_optional(pool).await?;
    Ok(row.map_or((None, None), |row| (row.source, Some(row.stored_at))))
}

//! Contracts as they are listed, each with its newest document.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::engine::Failure;
use crate::tools::db::Db;
use crate::tools::paging::Place;

/// A contract and its newest document, if it has one.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which.
    pub id: Uuid,
    /// Its client.
    pub client_id: Uuid,
    /// The client's name.
    pub client: String,
    /// `tipo`.
    pub kind: String,
    /// `estado`.
    pub state: String,
    /// Row of `contratos_firmados`.
    pub document: Option<Uuid>,
    /// Mifiel's id of it.
    pub mifiel: Option<String>,
    /// Its `estado`.
    pub document_state: Option<String>,
    /// When it was handed over.
    pub created_at: Option<DateTime<Utc>>,
    /// When Mifiel got it.
    pub sent_at: Option<DateTime<Utc>>,
    /// Until when it can be signed.
    pub expires_at: Option<DateTime<Utc>>,
    /// When everybody had signed.
    pub signed_at: Option<DateTime<Utc>>,
    /// When a signer declined, or it was deleted.
    pub declined_at: Option<DateTime<Utc>>,
    /// By what it stands in the list: the end of its time, while it waits.
    pub waits_until: Option<DateTime<Utc>>,
}

/// Which contracts. What is none restricts nothing.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Those in this `estado`.
    pub state: Option<String>,
    /// Those whose newest document is in this `estado`.
    pub document_state: Option<String>,
    /// Those that come after this one in the list.
    pub after: Option<Place>,
}

/// Some of those: what waits for a signature first, by the end of its time.
pub async fn list(pool: &Db, which: &Which, count: i64) -> Result<Vec<Row>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        r#"select contratos_b2b.id, cliente_id as client_id, nombre as client, tipo::text as "kind!",
                  contratos_b2b.estado::text as "state!", newest.id as "document?", mifiel_document_id as "mifiel?",
                  newest.estado::text as document_state, newest.creado_en as "created_at?", enviado_en as "sent_at?",
                  vence_en as "expires_at?", firmado_en as "signed_at?", rechazado_en as "declined_at?", waits_until
           from contratos_b2b join clientes on clientes.id = cliente_id
           left join lateral (select * from contratos_firmados where contrato_id = contratos_b2b.id
                              order by contratos_firmados.creado_en desc, contratos_firmados.id desc limit 1)
                     as newest on true
           cross join lateral (select case when newest.estado = 'pendiente' then vence_en end as waits_until) as place
           where ($1::text is null or contratos_b2b.estado = $1) and ($2::text is null or newest.estado = $2)
             and ($3::uuid is null
                  or (coalesce(waits_until, 'infinity'), contratos_b2b.id) > (coalesce($4::timestamptz, 'infinity'), $3))
           order by coalesce(waits_until, 'infinity'), contratos_b2b.id limit $5"#,
        which.state,
        which.document_state,
        which.after.map(|place| place.id),
        which.after.and_then(|place| place.at),
        count,
    );
    Ok(rows.fetch_all(pool).await?)
}

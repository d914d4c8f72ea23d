//! Contracts with what became of their newest document: those that wait for a signature first, by the end of their time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use super::store::list::Which;
use super::store::list::{self, Row};
use crate::access::Admin;
use crate::engine::{Engine, Failure};
use crate::tools::db::Db;
use crate::tools::extract::QueryParams;
use crate::tools::paging::{self, Place, one_of};
use crate::tools::problem::Problem;

/// What a contract's `estado` can be.
pub const STATES: [&str; 5] = ["pendiente_firma", "activo", "moroso", "inactivo", "rechazado"];
/// What a document's can be.
pub const DOCUMENT_STATES: [&str; 3] = ["pendiente", "firmado", "rechazado"];

/// Qué contratos.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// `pendiente_firma`, `activo`, `moroso`, `inactivo` o `rechazado`.
    estado: Option<String>,
    /// El estado de su documento más reciente: `pendiente` (espera firmas), `firmado` o `rechazado`.
    documento: Option<String>,
    /// Cuántos cuando mucho: 50 si no se dice, 200 como máximo.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// El `next` de la página anterior.
    cursor: Option<String>,
}

/// Una página de contratos: primero los que esperan firma, del que vence antes al que vence después.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContractPage)]
pub struct Page {
    /// Los contratos.
    pub contracts: Vec<Contract>,
    /// Va como `cursor` para pedir la página siguiente; nulo en la última.
    pub next: Option<String>,
}

/// Un contrato con su documento más reciente.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contract {
    /// `contratos_b2b.id`.
    pub id: Uuid,
    /// De quién es.
    pub client: Client,
    /// `suscripcion` o `servicio_unico`.
    pub kind: String,
    /// `pendiente_firma`, `activo`, `moroso`, `inactivo` o `rechazado`.
    pub state: String,
    /// El último que se mandó a firmar; nulo si no se ha mandado ninguno.
    pub document: Option<Document>,
}

/// El cliente de un contrato.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContractClient)]
pub struct Client {
    /// `clientes.id`.
    pub id: Uuid,
    /// Su nombre.
    pub name: String,
}

/// Un documento mandado a firmar. Quiénes lo firman sólo consta en Mifiel y en el documento.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContractDocument)]
pub struct Document {
    /// `contratos_firmados.id`.
    pub id: Uuid,
    /// `pendiente`, `firmado` o `rechazado`.
    pub state: String,
    /// El id en Mifiel; nulo mientras no llega ahí.
    pub mifiel_document_id: Option<String>,
    /// Cuándo se entregó para mandarlo a firmar, en UTC.
    pub created_at: Option<DateTime<Utc>>,
    /// Cuándo lo recibió Mifiel.
    pub sent_at: Option<DateTime<Utc>>,
    /// Hasta cuándo se puede firmar.
    pub expires_at: Option<DateTime<Utc>>,
    /// Cuándo firmó el último.
    pub signed_at: Option<DateTime<Utc>>,
    /// Cuándo lo rechazó un firmante o se eliminó.
    pub declined_at: Option<DateTime<Utc>>,
}

/// Los contratos y su firma: primero los que la esperan, del que vence antes al que vence después.
#[utoipa::path(
    get,
    path = "/api/admin/contracts",
    tag = "contratos",
    security(("supabase" = [])),
    params(Filter),
    responses(
        (status = 200, body = Page),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo administración", body = Problem),
        (status = 422, description = "Un filtro no es válido; `errors` dice cuál", body = Problem),
    )
)]
pub async fn contracts(
    _admin: Admin,
    State(engine): State<Arc<Engine>>,
    QueryParams(filter): QueryParams<Filter>,
) -> Result<Json<Page>, Problem> {
    let (which, count) = filter.check()?;
    Ok(Json(page(&engine.pool, &which, count).await?))
}

/// One page of those.
pub async fn page(pool: &Db, which: &Which, count: i64) -> Result<Page, Failure> {
    let mut rows = list::list(pool, which, count + 1).await?;
    let more = paging::cut(&mut rows, count);
    let last = rows.last().filter(|_| more).map(|row| Place {
        at: row.waits_until,
        id: row.id,
    });
    Ok(Page {
        contracts: rows.into_iter().map(Contract::from).collect(),
        next: last.map(Place::cursor),
    })
}

impl Filter {
    /// Everything that is wrong, at once.
    fn check(self) -> Result<(Which, i64), Problem> {
        let mut errors = Vec::new();
        let state = one_of("estado", self.estado, &STATES, &mut errors);
        let document_state = one_of("documento", self.documento, &DOCUMENT_STATES, &mut errors);
        let count = paging::limit(self.limit.as_deref(), &mut errors);
        let after = paging::cursor(self.cursor.as_deref(), &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let which = Which {
            state,
            document_state,
            after,
        };
        Ok((which, count))
    }
}

impl From<Row> for Contract {
    fn from(row: Row) -> Self {
        let document = row.document.zip(row.document_state).map(|(id, state)| Document {
            id,
            state,
            mifiel_document_id: row.mifiel,
            created_at: row.created_at,
            sent_at: row.sent_at,
            expires_at: row.expires_at,
            signed_at: row.signed_at,
            declined_at: row.declined_at,
        });
        Self {
            id: row.id,
            client: Client {
                id: row.client_id,
                name: row.client,
            },
            kind: row.kind,
            state: row.state,
            document,
        }
    }
}

//! `POST /api/admin/contracts/{id}/send`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{LARGEST_PDF, NotSent, Order, Wrong};
use crate::access::Admin;
use crate::contracts::mifiel::api::Signer;
use crate::engine::Engine;
use crate::ground::values::ContractId;
use crate::tools::extract::{JsonBody, PathId};
use crate::tools::objects::Objects;
use crate::tools::problem::{FieldError, Problem};

/// Base64 takes a third more, and the signers are a few lines.
const LARGEST_BODY: usize = LARGEST_PDF / 3 * 4 + 64 * 1024;

/// El contrato por firmar.
#[derive(Deserialize, ToSchema)]
pub struct Form {
    /// El PDF, en base64; 20 MiB como máximo.
    pdf_base64: String,
    /// Quiénes firman, de 1 a 20.
    signers: Vec<FormSigner>,
}

/// Un firmante. Sus datos van a Mifiel y al documento; no quedan en la base de datos.
#[derive(Deserialize, ToSchema)]
pub struct FormSigner {
    /// Nombre completo.
    name: String,
    /// Correo: ahí le escribe Mifiel.
    email: String,
    /// RFC, si sólo vale su e.firma.
    tax_id: Option<String>,
}

/// El documento que se mandará a firmar.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContractSent)]
pub struct Sent {
    contract_id: Uuid,
    /// `contratos_firmados.id`, el external_id en Mifiel.
    document_id: Uuid,
    /// `pendiente`.
    state: &'static str,
}

/// Manda un contrato a firmar en Mifiel.
///
/// Se guarda de inmediato y se envía segundos después, aunque Mifiel no conteste ahora.
#[utoipa::path(
    post,
    path = "/api/admin/contracts/{id}/send",
    tag = "contratos",
    security(("supabase" = [])),
    params(("id" = Uuid, Path, description = "El contrato")),
    request_body = Form,
    responses(
        (status = 202, description = "Guardado; se envía en segundos", body = Sent),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo administración", body = Problem),
        (status = 404, description = "No existe", body = Problem),
        (status = 409, body = Problem, description = "`contrato-en-firma`, `contrato-firmado` o `contrato-inactivo`"),
        (status = 422, description = "Hay datos que corregir; `errors` dice cuáles", body = Problem),
        (status = 503, description = "La base de datos o el almacén no está; ver Retry-After", body = Problem),
    )
)]
pub async fn send(
    admin: Admin,
    PathId(contract): PathId<ContractId>,
    State(engine): State<Arc<Engine>>,
    State(objects): State<Option<Objects>>,
    JsonBody(form): JsonBody<Form, LARGEST_BODY>,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let objects = objects.ok_or_else(|| {
        let detail = "El almacén de documentos no está configurado (R2_*).";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "almacen-no-configurado", detail)
    })?;
    let pdf = STANDARD.decode(form.pdf_base64.trim()).map_err(|_| {
        let detail = "El PDF no está en base64.";
        Problem::invalid(vec![FieldError::new("pdf_base64", "no-es-base64", detail)])
    })?;
    let signer = |signer: FormSigner| Signer {
        name: signer.name.trim().to_owned(),
        email: signer.email.trim().to_owned(),
        tax_id: signer
            .tax_id
            .map(|id| id.trim().to_uppercase())
            .filter(|id| !id.is_empty()),
    };
    let order = Order {
        contract,
        pdf: pdf.into(),
        signers: form.signers.into_iter().map(signer).collect(),
    };
    let document = order.place(&engine, &objects, admin.unit()).await?;
    let sent = Sent {
        contract_id: contract.0,
        document_id: document,
        state: "pendiente",
    };
    Ok((StatusCode::ACCEPTED, Json(sent)))
}

impl From<NotSent> for Problem {
    fn from(why: NotSent) -> Self {
        let detail = why.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, detail.clone());
        match why {
            NotSent::Wrong(wrong) => Self::invalid(wrong.into_iter().map(field_error).collect()),
            NotSent::NoContract => Self::unknown(),
            NotSent::Inactive => conflict("contrato-inactivo"),
            NotSent::Waiting(_) => conflict("contrato-en-firma"),
            NotSent::Signed(_) => conflict("contrato-firmado"),
            NotSent::Later(failure) => failure.into(),
        }
    }
}

/// As the form calls it.
fn field_error(wrong: Wrong) -> FieldError {
    let field = if wrong.field == "pdf" {
        "pdf_base64".to_owned()
    } else {
        wrong.field
    };
    FieldError::new(field, "valor-no-valido", wrong.detail)
}

//! An operator took the money. It is written down at once, whoever else is away; the invoice follows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::store::counter::{self, Held};
use super::decision::{self, Step};
use super::form::{Confirmation, Form};
use super::list;
use super::shown::{Invoice, Payment, Service};
use crate::access::Staff;
use crate::engine::work::Work;
use crate::engine::{Engine, Failure};
use crate::ground::facts::{CounterInvoice, Fact};
use crate::ground::values::ServiceId;
use crate::tools::extract::{JsonBody, PathId};
use crate::tools::problem::Problem;

/// Who changed the same rows in another order had its way then, and is done by the next try.
const TRIES: u32 = 3;

/// El servicio, su pago y su factura, como quedaron.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfirmedPayment)]
pub struct Confirmed {
    service: Service,
    payment: Payment,
    invoice: Invoice,
}

/// Confirma un pago recibido en el mostrador.
///
/// El pago queda confirmado de inmediato, aunque Gigstack no conteste: la liga de la factura aparece después en
/// `invoice.url` y llega por correo. Repetir la misma llamada contesta lo mismo y no cobra dos veces. Quien confirmó sin
/// factura puede pedirla después, mientras la venta no esté en la factura global del mes. Los importes van en unidades de
/// la moneda (pesos, no centavos); los campos vacíos valen como ausentes.
#[utoipa::path(
    post,
    path = "/api/services/{id}/confirm-payment-presencial",
    tag = "servicios",
    security(("supabase" = [])),
    params(("id" = uuid::Uuid, Path, description = "El servicio")),
    request_body = Form,
    responses(
        (status = 200, description = "Confirmado, ahora o antes", body = Confirmed),
        (status = 401, description = "Falta el token, o no es válido", body = Problem),
        (status = 403, description = "Sólo operadores y administración", body = Problem),
        (status = 404, description = "No existe, o no está asignado a quien pregunta", body = Problem),
        (status = 409, body = Problem, description = "`pagado-por-stripe`, `ya-pagado`, `pago-devuelto`, \
            `servicio-cancelado`, `importe-distinto-del-precio`, `otro-metodo-de-pago`, `otro-importe`, \
            `factura-ya-solicitada` o `venta-en-factura-global`"),
        (status = 422, description = "Hay datos que corregir; `errors` dice cuáles", body = Problem),
        (status = 503, description = "La base de datos no está; ver Retry-After", body = Problem),
    )
)]
pub async fn confirm(
    staff: Staff,
    PathId(service): PathId<ServiceId>,
    State(engine): State<Arc<Engine>>,
    JsonBody(form): JsonBody<Form>,
) -> Result<Json<Confirmed>, Problem> {
    let confirmation = form.check()?;
    let mut tries = 1;
    loop {
        match settle(&engine, staff, service, &confirmation).await {
            Ok(answer) => break answer?,
            Err(failure) if failure.is_overtaken() && tries < TRIES => tries += 1,
            Err(failure) => return Err(failure.into()),
        }
    }
    let service = list::one(&engine.pool, staff, service).await?;
    Ok(Json(Confirmed {
        payment: service.payment.clone(),
        invoice: service.invoice.clone(),
        service,
    }))
}

/// One transaction, with the service held in it. What is refused leaves nothing behind.
async fn settle(
    engine: &Engine,
    staff: Staff,
    service: ServiceId,
    confirmation: &Confirmation,
) -> Result<Result<(), Problem>, Failure> {
    let mut work = engine.begin(staff.unit()).await?;
    let Some(held) = counter::hold(&mut work, service, list::operator(staff)).await? else {
        return Ok(Err(Problem::unknown()));
    };
    match decision::step(&held, confirmation) {
        Err(problem) => return Ok(Err(problem)),
        Ok(Step::Nothing) => return Ok(Ok(())),
        Ok(Step::Reach) => {}
        Ok(Step::Pay) => pay(&held, service, confirmation, &mut work).await?,
        Ok(Step::WantInvoice) => {
            if let Some(sale) = counter::claimed_sale(&mut work, service).await? {
                return Ok(Err(decision::in_global_invoice(&sale)));
            }
            counter::want_invoice(&mut work, service).await?;
            let detail = json!({ "antes": false, "ahora": true });
            work.audit("servicio.requiere_factura", "servicios", service, detail);
        }
    }
    work.say(Fact::PaidAtCounter {
        service,
        invoice: confirmation.invoice.clone(),
    });
    work.commit().await?;
    Ok(Ok(()))
}

async fn pay(
    held: &Held,
    service: ServiceId,
    confirmation: &Confirmation,
    work: &mut Work,
) -> Result<(), Failure> {
    let requires_invoice = matches!(confirmation.invoice, CounterInvoice::SelfService(_));
    counter::pay(work, service, confirmation.method, requires_invoice).await?;
    let detail = json!({
        "antes": held.payment_state,
        "metodo": confirmation.method,
        "monto": format!("{} {}", held.price, held.currency),
        "requiere_factura": requires_invoice,
    });
    work.audit("servicio.pagado_presencial", "servicios", service, detail);
    Ok(())
}

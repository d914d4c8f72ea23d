//! What a confirmation comes to, by how the service stands. It knows no SQL and no network.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use super::super::store::counter::{ClaimedSale, Held};
use super::form::{Confirmation, name_of};
use crate::ground::clock::BUSINESS_ZONE;
use crate::ground::facts::CounterInvoice;
use crate::tools::problem::Problem;

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// It is paid now.
    Pay,
    /// It was confirmed like this before.
    Nothing,
    /// It was confirmed like this before; how the client can be reached may be new.
    Reach,
    /// It was confirmed without an invoice of its own, and its client wants one now.
    WantInvoice,
}

/// The same call again comes to nothing, also after the service was cancelled: it is paid, and that is what is answered.
pub fn step(held: &Held, confirmation: &Confirmation) -> Result<Step, Problem> {
    match (held.channel.as_deref(), held.payment_state.as_str()) {
        (Some("presencial"), "pagado") => again(held, confirmation),
        (Some("presencial"), _) => Err(given_back(held)),
        (Some(_), _) => Err(paid_by_stripe(held)),
        (None, "pagado" | "reembolsado" | "parcialmente_reembolsado") => Err(paid_elsewhere()),
        (None, _) if held.state == "cancelado" => Err(cancelled()),
        (None, _) if confirmation.amount.is_some_and(|amount| amount != held.price) => Err(other_price(held)),
        (None, _) => Ok(Step::Pay),
    }
}

fn again(held: &Held, confirmation: &Confirmation) -> Result<Step, Problem> {
    if held.method.as_deref() != Some(confirmation.method) {
        return Err(other_method(held));
    }
    if confirmation
        .amount
        .is_some_and(|amount| Some(amount) != held.paid)
    {
        return Err(other_amount(held));
    }
    match (&confirmation.invoice, held.requires_invoice) {
        (CounterInvoice::Global, false) => Ok(Step::Nothing),
        (CounterInvoice::SelfService(_), true) => Ok(Step::Reach),
        (CounterInvoice::Global, true) => Err(invoice_asked()),
        (CounterInvoice::SelfService(_), false) if held.state == "cancelado" => Err(cancelled()),
        (CounterInvoice::SelfService(_), false) => Ok(Step::WantInvoice),
    }
}

fn conflict(code: &'static str, detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail)
}

fn paid_by_stripe(held: &Held) -> Problem {
    let payment = held.stripe_payment.as_deref().unwrap_or("sin número");
    let detail = match held.payment_state.as_str() {
        "reembolsado" | "parcialmente_reembolsado" => format!(
            "El cliente pagó este servicio por Stripe (pago {payment}) y ese dinero se le devolvió, todo o en parte. Un \
             cobro nuevo no va en este servicio: pide a administración que dé de alta otro."
        ),
        _ => format!(
            "El cliente ya pagó este servicio por Stripe{} (pago {payment}, {}). No lo cobres otra vez: si recibiste \
             dinero, devuélveselo. Su factura sale del pago en línea.",
            on(held.paid_at),
            paid(held),
        ),
    };
    conflict("pagado-por-stripe", detail)
}

fn paid_elsewhere() -> Problem {
    conflict(
        "ya-pagado",
        "Este servicio ya aparece pagado y no se sabe por dónde. No lo cobres otra vez: pregunta a administración.",
    )
}

fn given_back(held: &Held) -> Problem {
    let detail = format!(
        "El pago de este servicio, {}, se devolvió al cliente. Un cobro nuevo no va en este servicio: pide a \
         administración que dé de alta otro.",
        paid(held),
    );
    conflict("pago-devuelto", detail)
}

fn cancelled() -> Problem {
    conflict(
        "servicio-cancelado",
        "El servicio está cancelado. Si el cliente sí lo recibió, pide a administración que lo reactive; si ya te pagó, \
         devuélvele el dinero.",
    )
}

fn other_price(held: &Held) -> Problem {
    let detail = format!(
        "El precio del servicio es {} {}, y el importe que mandaste es otro. Cobra el precio; si está mal, pide a \
         administración que lo cambie antes de confirmar.",
        held.price, held.currency,
    );
    conflict("importe-distinto-del-precio", detail)
}

fn other_method(held: &Held) -> Problem {
    let method = held.method.as_deref().unwrap_or_default();
    let detail = format!(
        "El pago ya quedó confirmado{} con {method} ({}). Si el método está mal, avisa a administración; no se registra \
         otro cobro.",
        on(held.paid_at),
        name_of(method),
    );
    conflict("otro-metodo-de-pago", detail)
}

fn other_amount(held: &Held) -> Problem {
    let detail = format!(
        "El pago ya quedó confirmado{} por {}, y el importe que mandaste es otro. Si hubo un error al cobrar, avisa a \
         administración; no se registra otro cobro.",
        on(held.paid_at),
        paid(held),
    );
    conflict("otro-importe", detail)
}

fn invoice_asked() -> Problem {
    conflict(
        "factura-ya-solicitada",
        "La factura de este pago ya se pidió para el cliente, y desde aquí no puede pasar a la factura global. Si el \
         cliente no la quiere, avisa a administración.",
    )
}

/// SAT's own way out (Guía de llenado del CFDI global, appendix 2, case III) touches no invoice that was stamped.
pub fn in_global_invoice(sale: &ClaimedSale) -> Problem {
    let ClaimedSale { folio, month } = sale;
    let detail = format!(
        "La venta (folio {folio}) ya está en la factura global de {month} y no se puede facturar aparte desde aquí. \
         Pásaselo a administración: según la Guía de llenado del CFDI global del SAT (apéndice 2, caso III) se emite un \
         CFDI de egreso por esta venta, relacionado con la factura global, y después la factura a nombre del cliente."
    );
    conflict("venta-en-factura-global", detail)
}

fn paid(held: &Held) -> String {
    let amount = held.paid.unwrap_or(held.price);
    format!("{amount} {}", held.currency)
}

/// In the clock of the counter.
fn on(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(String::new, |at| {
        let there = at.with_timezone(&BUSINESS_ZONE);
        there.format(" el %d/%m/%Y a las %H:%M").to_string()
    })
}

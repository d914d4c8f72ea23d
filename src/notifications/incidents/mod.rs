//! What an incident says: its cause, once open per cause, and in Spanish for the team what happened and what to do next.

mod contracts;
mod documents;
mod edge;
mod health;
mod kinds;
mod machine;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use contracts::{
    contract_declined, contract_expired, contract_not_sent, contract_withdrawn, document_unconfirmed,
    of_declined, of_expired, of_unconfirmed_document,
};
pub use documents::{FILES_ALTERED, FILES_MISSING, files_altered, files_missing};
pub use edge::{MIRROR, mirror_behind};
pub use health::{
    QUEUE_LATE, of_down, of_failing_webhooks, of_refused, of_silent, provider_silent, queue_late,
    service_down, signatures_refused, webhooks_failing,
};
pub use kinds::{KINDS, Kind};
pub use machine::{SNAPSHOT, audit_broken, buried, parked, snapshot_pinned};

use crate::ground::clock::CENTRAL_ZONE;
use crate::ground::values::ServiceId;

/// An incident to open.
pub struct Incident {
    /// One of a cause is open at a time.
    pub cause: String,
    /// A line.
    pub title: &'static str,
    /// What happened, and what to do next.
    pub detail: String,
}

/// A failed payment that names nobody.
pub fn failed_payment_of_nobody(payment: &str) -> Incident {
    Incident {
        cause: format!("pago-sin-dueno:{payment}"),
        title: "Un pago fallido no tiene dueño",
        detail: format!(
            "El pago {payment} falló y no nombra ningún servicio ni cliente nuestro, así que no se avisó a nadie.\n\
             Siguiente paso: búscalo en Stripe y corrige su metadata.service_id."
        ),
    }
}

/// The cause of [`payment_unmatched`].
pub fn of_unmatched(payment: &str) -> String {
    format!("pago-sin-servicio:{payment}")
}

/// Money that names nothing of ours.
pub fn payment_unmatched(payment: &str, amount: &str) -> Incident {
    Incident {
        cause: of_unmatched(payment),
        title: "Llegó un pago sin servicio",
        detail: format!(
            "Llegó el pago {payment} por {amount} y no nombra ningún servicio nuestro (metadata.service_id) ni paga\n\
             ninguna factura de suscripción.\n\
             El dinero está en Stripe y el evento está guardado. Siguiente paso: búscalo en Stripe y asígnalo."
        ),
    }
}

/// Money for a service that was paid already.
pub fn paid_twice(service: ServiceId, payment: &str) -> Incident {
    Incident {
        cause: format!("pago-doble:{payment}"),
        title: "Un servicio se pagó dos veces",
        detail: format!(
            "El servicio {service} ya estaba pagado y llegó otro pago, {payment}.\n\
             Siguiente paso: revisa en Stripe si hay que reembolsarlo."
        ),
    }
}

/// Another amount than the price.
pub fn paid_other_amount(service: ServiceId, payment: &str, expected: &str, paid: &str) -> Incident {
    Incident {
        cause: format!("pago-distinto:{payment}"),
        title: "Un pago no coincide con el precio",
        detail: format!(
            "El servicio {service} cuesta {expected} y el pago {payment} fue de {paid}. Quedó como pagado.\n\
             Siguiente paso: revisa si falta cobrar o hay que devolver la diferencia."
        ),
    }
}

/// The cause of [`refunded`].
pub fn of_refund(service: ServiceId) -> String {
    format!("factura-por-corregir:{service}")
}

/// Money went back: the service's invoice is not right any more.
pub fn refunded(service: ServiceId, payment: &str, refunded: &str, whole: bool) -> Incident {
    let (title, next) = if whole {
        (
            "Se reembolsó un servicio: su factura se debe cancelar",
            "cancela la factura (CFDI) del servicio, si ya se emitió",
        )
    } else {
        (
            "Se reembolsó parte de un servicio: su factura necesita una nota de crédito",
            "emite una nota de crédito (CFDI de egreso) por lo devuelto, si ya se facturó",
        )
    };
    Incident {
        cause: of_refund(service),
        title,
        detail: format!(
            "Del pago {payment} del servicio {service} se devolvieron {refunded}.\nSiguiente paso: {next}."
        ),
    }
}

/// What a webhook of Gigstack's names could not be confirmed, or its documents are not what they should be.
pub fn invoice_unconfirmed(subject: &str, reason: &str) -> Incident {
    Incident {
        cause: format!("factura-sin-confirmar:{subject}"),
        title: "Un aviso de Gigstack no se pudo confirmar",
        detail: format!(
            "Gigstack avisó de {subject}: {reason}.\nNo se cambió nada y el aviso está guardado (parked).\n\
             Siguiente paso: búscala en el panel de Gigstack; si es nuestra y ya está bien, repite el aviso con \
             onlycar events replay. Si no es nuestra, alguien conoce el secreto de los avisos: cámbialo."
        ),
    }
}

/// An invoice that is not the same here and at Gigstack.
pub fn invoice_differs(invoice: Uuid, difference: &str) -> Incident {
    Incident {
        cause: format!("factura-distinta:{invoice}"),
        title: "Una factura no coincide con Gigstack",
        detail: format!(
            "La factura {invoice} no es la misma aquí y en Gigstack: {difference}.\nNo se cambió nada.\n\
             Siguiente paso: compara su XML guardado con el panel de Gigstack; si el registro es el que está mal, \
             corrígelo con el contador."
        ),
    }
}

/// The cause of [`invoiced_twice`].
pub fn of_second_invoice(service: ServiceId) -> String {
    format!("factura-doble:{service}")
}

/// One sale, two invoices.
pub fn invoiced_twice(service: ServiceId, invoices: &[Uuid]) -> Incident {
    let invoices: Vec<String> = invoices.iter().map(Uuid::to_string).collect();
    Incident {
        cause: of_second_invoice(service),
        title: "Un servicio tiene dos facturas vigentes",
        detail: format!(
            "El servicio {service} está en {} facturas vigentes: {}.\n\
             Siguiente paso: cancela la que sobra (motivo 02 o 03); si una es la global, emite un CFDI de egreso por \
             esa venta.",
            invoices.len(),
            invoices.join(", ")
        ),
    }
}

/// A global invoice that does not hold what it was asked for.
pub fn global_invoice_differs(invoice: Uuid, month: &str, difference: &str) -> Incident {
    Incident {
        cause: format!("factura-global-distinta:{invoice}"),
        title: "La factura global no coincide con las ventas",
        detail: format!(
            "La factura global de {month} ({invoice}) no tiene exactamente las ventas que se pidieron: {difference}.\n\
             Siguiente paso: compárala en Gigstack con onlycar global-invoice preview --month {month} y corrígela con \
             el contador antes de la declaración."
        ),
    }
}

/// An own invoice for a sale that the global invoice has.
pub fn wanted_after_global(service: ServiceId, month: &str) -> Incident {
    Incident {
        cause: format!("factura-despues-de-global:{service}"),
        title: "Un cliente pide factura de una venta que está en la global",
        detail: format!(
            "La venta del servicio {service} ya está en la factura global de {month}, y su cliente pide factura propia.\n\
             Siguiente paso: emite en Gigstack un CFDI de egreso por esa venta, relacionado con la factura global, y \
             después la factura del cliente. Se puede dentro del mismo año."
        ),
    }
}

/// The cause of [`global_invoice_late`].
pub fn of_late_global_invoice(month: &str) -> String {
    format!("factura-global-tarde:{month}")
}

/// Sales of a month that is over, in no stamped global invoice.
pub fn global_invoice_late(month: &str, sales: i64) -> Incident {
    Incident {
        cause: of_late_global_invoice(month),
        title: "Faltan ventas en la factura global",
        detail: format!(
            "{sales} ventas de {month} no están en ninguna factura global timbrada. El SAT pide timbrarla a más tardar 24 \
             horas después de que termina el mes.\n\
             Siguiente paso: mira qué la detiene con onlycar global-invoice preview --month {month}, y pídela otra vez \
             con onlycar global-invoice run --month {month}."
        ),
    }
}

/// The cause of [`global_invoice_cancelled`].
pub fn of_cancelled_global_invoice(month: &str) -> String {
    format!("factura-global-cancelada:{month}")
}

/// A global invoice that was cancelled.
pub fn global_invoice_cancelled(month: &str) -> Incident {
    Incident {
        cause: of_cancelled_global_invoice(month),
        title: "Se canceló una factura global",
        detail: format!(
            "La factura global de {month} se canceló ante el SAT y sus ventas quedaron otra vez sin factura.\n\
             Siguiente paso: cuando se deba volver a emitir, onlycar global-invoice run --month {month}."
        ),
    }
}

/// The payer did not get the money.
pub fn refund_failed(refund: &str, reason: &str) -> Incident {
    Incident {
        cause: format!("reembolso-fallido:{refund}"),
        title: "Un reembolso no llegó al cliente",
        detail: format!(
            "El reembolso {refund} no se completó ({reason}): el dinero sigue con OnlyCar.\n\
             Siguiente paso: ponte de acuerdo con el cliente y devuélvelo de otra manera."
        ),
    }
}

/// The cause of [`disputed`].
pub fn of_dispute(dispute: &str) -> String {
    format!("disputa:{dispute}")
}

/// A payer asked the bank for the money back.
pub fn disputed(
    dispute: &str,
    payment: Option<&str>,
    amount: &str,
    status: &str,
    due: Option<DateTime<Utc>>,
) -> Incident {
    let next = match (status, due) {
        ("under_review" | "warning_under_review", _) => {
            "espera la decisión del banco; las pruebas ya se entregaron".to_owned()
        }
        (_, Some(due)) => format!(
            "responde en Stripe con las pruebas del servicio antes del {} (hora del centro de México)",
            due.with_timezone(&CENTRAL_ZONE).format("%d/%m/%Y %H:%M")
        ),
        _ => "revisa en Stripe si hay que responder con pruebas del servicio".to_owned(),
    };
    Incident {
        cause: of_dispute(dispute),
        title: "Un cliente disputa un cargo con su banco",
        detail: format!(
            "La disputa {dispute}{} por {amount} {}.\nSiguiente paso: {next}.",
            of_payment(payment),
            standing(status)
        ),
    }
}

/// The bank decided for the payer.
pub fn dispute_lost(dispute: &str, payment: Option<&str>, amount: &str) -> Incident {
    Incident {
        cause: format!("disputa-perdida:{dispute}"),
        title: "Se perdió una disputa: el dinero salió de la cuenta",
        detail: format!(
            "El banco resolvió la disputa {dispute}{} a favor del cliente: salieron {amount}.\n\
             Siguiente paso: revisa la factura (CFDI) del servicio y si hay que cobrarlo de otra manera.",
            of_payment(payment)
        ),
    }
}

fn of_payment(payment: Option<&str>) -> String {
    payment.map_or_else(String::new, |payment| format!(" del pago {payment}"))
}

/// Where a dispute stands, for people (docs.stripe.com/disputes/how-disputes-work).
fn standing(status: &str) -> String {
    match status {
        "needs_response" => "espera nuestra respuesta".to_owned(),
        "under_review" => "está en revisión".to_owned(),
        "warning_needs_response" => {
            "es por ahora una consulta del banco y espera nuestra respuesta".to_owned()
        }
        "warning_under_review" => "es por ahora una consulta del banco y está en revisión".to_owned(),
        other => format!("está en «{other}»"),
    }
}

/// A subscription of no contract.
pub fn subscription_unmatched(subscription: &str) -> Incident {
    Incident {
        cause: format!("suscripcion-sin-contrato:{subscription}"),
        title: "Una suscripción no tiene contrato",
        detail: format!(
            "Stripe habla de la suscripción {subscription} y ningún contrato la tiene.\n\
             Siguiente paso: anótala en el contrato (stripe_subscription_id) o agrega metadata.contract_id en Stripe."
        ),
    }
}

/// Stripe could not finish an invoice, so nobody is charged.
pub fn invoice_stuck(invoice: &str, reason: &str) -> Incident {
    Incident {
        cause: format!("factura-stripe-detenida:{invoice}"),
        title: "Stripe no pudo cerrar la factura de una suscripción",
        detail: format!(
            "La factura {invoice} no se pudo finalizar ({reason}) y no se cobrará sola.\n\
             Siguiente paso: ábrela en Stripe, corrige lo que pide y finalízala."
        ),
    }
}

/// The cause of [`events_missed`].
pub fn of_missed(provider: &str) -> String {
    format!("avisos-perdidos:{provider}")
}

/// A provider did not bring what it lists.
pub fn events_missed(provider: &str, count: usize) -> Incident {
    Incident {
        cause: of_missed(provider),
        title: "Un proveedor no nos avisó de todo",
        detail: format!(
            "Al comparar con {provider} faltaban {count} eventos que nunca llegaron; ya se repusieron y se procesan.\n\
             Siguiente paso: revisa en el proveedor que el webhook esté activo y qué contestamos a sus intentos."
        ),
    }
}

/// The cause of [`endpoint_trouble`].
pub fn of_endpoint(provider: &str) -> String {
    format!("webhook-con-problema:{provider}")
}

/// A provider does not call us as it should, or does not let us ask.
pub fn endpoint_trouble(provider: &str, trouble: &str) -> Incident {
    Incident {
        cause: of_endpoint(provider),
        title: "La conexión con un proveedor no está como debe",
        detail: format!("{provider}: {trouble}.\nSiguiente paso: corrígelo en el panel del proveedor."),
    }
}

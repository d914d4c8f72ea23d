//! How pages say things: times where OnlyCar works, states in Spanish.

use chrono::{DateTime, Utc};

use crate::ground::clock::BUSINESS_ZONE;

/// A time in Nuevo Laredo, to the second; the page says once which zone it is.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.with_timezone(&BUSINESS_ZONE)
        .format("%d/%m/%Y %H:%M:%S")
        .to_string()
}

/// The same, where there may be none.
pub(super) fn time_or_dash(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "–".to_owned(), time)
}

/// Where something stands: an event, a job, a document, an alert, a payment.
pub(super) fn state(state: &str) -> &str {
    match state {
        "pending" => "pendiente",
        "processing" => "en proceso",
        "processed" => "procesado",
        "ignored" => "ignorado",
        "parked" => "apartado",
        "failed" => "fallando",
        "dead" => "muerto",
        "requested" => "solicitada",
        "open" => "abierta",
        "completed" => "facturada",
        "withdrawn" => "retirada",
        "pendiente_firma" => "pendiente de firma",
        "parcialmente_reembolsado" => "reembolsado en parte",
        "missing" => "falta",
        "different" => "no es el guardado",
        other => other,
    }
}

/// The class that such a state is shown with; its word is there as well.
pub(super) fn tone(state: &str) -> &'static str {
    match state {
        "processed" | "completed" | "vigente" | "pagado" | "firmado" | "activo" | "resuelta" | "guardado" => {
            "good"
        }
        "parked" | "failed" | "open" | "pendiente" | "pendiente_firma" | "atendida" => "warn",
        "dead" | "fallido" | "rechazado" | "moroso" | "missing" | "different" | "sin atender" => "bad",
        _ => "soft",
    }
}

/// How it was trusted.
pub(super) fn trust(trust: &str) -> &str {
    match trust {
        "hmac" => "firma verificada (hmac)",
        "refetch" => "confirmado con la API del proveedor (refetch)",
        other => other,
    }
}

/// A method of payment, by Stripe's word or SAT's code.
pub(super) fn method(method: &str) -> &str {
    match method {
        "card" | "tarjeta" => "tarjeta",
        "01" => "efectivo (01)",
        "03" => "transferencia (03)",
        "04" => "tarjeta de crédito (04)",
        "28" => "tarjeta de débito (28)",
        "customer_balance" => "transferencia (SPEI)",
        "oxxo" => "OXXO",
        "" => "sin método",
        other => other,
    }
}

/// What a word of the database is called; what has no name is shown as it is.
pub(super) fn named<'a>(names: &[(&'static str, &'static str)], word: &'a str) -> &'a str {
    let found = names.iter().find(|(known, _)| *known == word);
    found.map_or(word, |(_, name)| name)
}

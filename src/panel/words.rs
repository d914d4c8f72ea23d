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

/// Where an event or a job stands.
pub(super) fn state(state: &str) -> &str {
    match state {
        "pending" => "pendiente",
        "processing" => "en proceso",
        "processed" => "procesado",
        "ignored" => "ignorado",
        "parked" => "apartado",
        "failed" => "fallando",
        "dead" => "muerto",
        other => other,
    }
}

/// The class that such a state is shown with; its word is there as well.
pub(super) fn tone(state: &str) -> &'static str {
    match state {
        "processed" => "good",
        "parked" | "failed" => "warn",
        "dead" => "bad",
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

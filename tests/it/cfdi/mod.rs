//! The reader of invoices. Every document here is made by us (`dev/cfdi.rs`); `corpus.rs` reads published samples where
//! they are at hand.

mod checks;
mod command;
mod corpus;
mod global;
mod hostile;
mod mutations;
mod oracle;
mod places;
mod refused;
mod values;

use chrono::{DateTime, Utc};
use onlycar::dev::cfdi::{Invoice, Line, Party};
use onlycar::invoicing::cfdi::{Accept, Cfdi, Reason, read};
use rust_decimal::Decimal;

const UUID: &str = "6f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7c11";
const ISSUER: &str = "HEÑ&800101AB1";
const RECEIVER: &str = "XIA190128J61";

fn party(rfc: &str, nombre: &str) -> Party {
    Party {
        rfc: rfc.to_owned(),
        nombre: nombre.to_owned(),
        regimen: "612".to_owned(),
    }
}

fn at(instant: &str) -> DateTime<Utc> {
    instant.parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Issued and stamped on 22 November 2026 at noon in Nuevo Laredo, for 1500.50 and 116.00 pesos.
fn invoice() -> Invoice {
    let mut invoice = Invoice::new(
        UUID.parse().unwrap(),
        at("2026-11-22T18:00:00Z"),
        party(ISSUER, "HERNÁNDEZ & \"ÑANDÚ\" <TALLER>"),
        party(RECEIVER, "XENON INDUSTRIAL ARTICLES"),
    );
    invoice.stamped_at = at("2026-11-22T18:00:12Z");
    let (a, b) = (decimal("1500.50"), decimal("116"));
    invoice.conceptos = vec![
        Line::paid(None, "Limpieza detallada", a, decimal("0.16")),
        Line::paid(None, "Encerado", b, decimal("0.08")),
    ];
    invoice
}

fn accepted(xml: &str) -> Cfdi {
    read(xml.as_bytes(), Accept::default()).unwrap_or_else(|rejection| panic!("{rejection}\n{xml}"))
}

fn reason(bytes: impl AsRef<[u8]>) -> Option<Reason> {
    read(bytes.as_ref(), Accept::default())
        .err()
        .map(|rejection| rejection.reason)
}

/// The good document with one part of it, which is there once, written otherwise.
fn with(from: &str, to: &str) -> String {
    let xml = invoice().xml();
    assert_eq!(xml.matches(from).count(), 1, "{from} in {xml}");
    xml.replace(from, to)
}

/// The good document with the value of an attribute that is there once; without it for `None`.
fn attribute(name: &str, value: Option<&str>) -> String {
    let xml = invoice().xml();
    let start = format!(" {name}=\"");
    assert_eq!(xml.matches(&start).count(), 1, "{name} in {xml}");
    let (before, after) = xml.split_once(&start).unwrap();
    let (_, after) = after.split_once('"').unwrap();
    let written = value.map_or_else(String::new, |value| format!("{start}{value}\""));
    format!("{before}{written}{after}")
}

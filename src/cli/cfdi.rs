//! `onlycar cfdi`

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::SecondsFormat;
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Outcome, Usage, say};
use crate::ground::clock::{BUSINESS_ZONE, CENTRAL_ZONE};
use crate::invoicing::cfdi::{self, Accept, Expected, MAX_BYTES, Moment, Rfc};

/// Look into an invoice
///
/// Example: onlycar cfdi inspect invoice.xml
#[derive(Subcommand)]
pub enum Cfdi {
    Inspect(Inspect),
}

/// Read the XML of an invoice as the service does: the verdict, and every value that would be recorded
///
/// Exit code 0 when the document would be accepted, 1 when it would be rejected; the reason stands behind `reject:`.
/// Nothing is stored and nothing is asked. What the document says of its receiver is not printed.
///
/// Example: onlycar cfdi inspect invoice.xml --json
#[derive(Args)]
pub struct Inspect {
    /// The XML as it was downloaded; - reads standard input
    file: PathBuf,
    /// Reject the document when another RFC issued it
    #[arg(long, value_name = "RFC")]
    issuer: Option<String>,
    /// Accept CFDI 3.3 besides 4.0
    #[arg(long = "accept-3.3")]
    accept_33: bool,
    /// Print JSON: `verdict`, and the columns of facturas_emitidas by their names
    #[arg(long)]
    json: bool,
}

/// What became of the document.
struct Inspected {
    verdict: String,
    /// Why it is rejected.
    detail: Option<String>,
    /// Read although it is another issuer's.
    cfdi: Option<cfdi::Cfdi>,
    sha256: String,
}

impl Cfdi {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Self::Inspect(inspect) = self;
        inspect.run()
    }
}

impl Inspect {
    fn run(self) -> anyhow::Result<Outcome> {
        if self.issuer.as_ref().is_some_and(|rfc| Rfc::parse(rfc).is_none()) {
            let text = "--issuer is not an RFC\nhint: 13 characters for a person, 12 for a company, as in XAXX010101000";
            return Err(Usage(text.to_owned()).into());
        }
        let inspected = self.judge(&bytes_of(&self.file)?);
        if self.json {
            say(serde_json::to_string(&inspected.json())?)?;
        } else {
            say(inspected.text())?;
        }
        Ok(if inspected.detail.is_none() {
            Outcome::Done
        } else {
            Outcome::FellShort
        })
    }

    fn judge(&self, bytes: &[u8]) -> Inspected {
        let accept = Accept {
            cfdi_33: self.accept_33,
        };
        let expected = Expected {
            emisor_rfc: self.issuer.as_deref(),
            ..Expected::default()
        };
        let sha256 = hex::encode(Sha256::digest(bytes));
        let (refused, cfdi) = match cfdi::read(bytes, accept) {
            Err(rejection) => (Some((rejection.verdict(), rejection.to_string())), None),
            Ok(cfdi) => {
                let refused = cfdi::check(&cfdi, &expected).err();
                (
                    refused.map(|mismatch| (mismatch.verdict(), mismatch.to_string())),
                    Some(cfdi),
                )
            }
        };
        let (verdict, detail) = refused.map_or_else(
            || ("accept".to_owned(), None),
            |(verdict, detail)| (verdict, Some(detail)),
        );
        Inspected {
            verdict,
            detail,
            cfdi,
            sha256,
        }
    }
}

/// One byte more than may be, so that a file that is too large is told as such without being read to its end.
fn bytes_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = MAX_BYTES as u64 + 1;
    let read = if path == Path::new("-") {
        std::io::stdin().take(most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        // A file that is not there is a wrong call, not a rejected invoice.
        Err(error) => Err(Usage(format!(
            "{} cannot be read: {error}\nhint: name the XML of an invoice, or - for standard input",
            path.display()
        ))
        .into()),
    }
}

/// With the offset of its own zone: an instant that begins with what the document says.
fn instant(moment: &Moment, zone: Tz) -> String {
    moment
        .at
        .with_timezone(&zone)
        .to_rfc3339_opts(SecondsFormat::Secs, false)
}

impl Inspected {
    fn json(&self) -> Value {
        let mut json = json!({
            "verdict": self.verdict,
            "detail": self.detail,
            "sha256_xml": self.sha256,
        });
        if let (Some(json), Some(cfdi)) = (json.as_object_mut(), &self.cfdi) {
            let columns = columns(cfdi).into_iter();
            json.extend(columns.map(|(name, value)| (name.to_owned(), value)));
        }
        json
    }

    fn text(&self) -> String {
        let mut lines = vec![self.verdict.clone()];
        lines.extend(self.detail.clone());
        if let Some(cfdi) = &self.cfdi {
            let zones = [
                ("fecha_timbrado", &cfdi.fecha_timbrado, "central time"),
                ("fecha_emision", &cfdi.fecha_emision, "on the border"),
            ];
            for (name, value) in columns(cfdi) {
                let value = match value {
                    Value::Null => "-".to_owned(),
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                let zone = zones.iter().find(|(column, ..)| *column == name);
                let note = zone.map(|(_, moment, zone)| format!("  ({} {zone})", moment.text));
                lines.push(format!("  {name:<20} {value}{}", note.unwrap_or_default()));
            }
        }
        lines.push(format!("  {:<20} {}", "sha256_xml", self.sha256));
        lines.join("\n")
    }
}

/// The values that are recorded, by the names of their columns, then others that say nothing of the receiver.
fn columns(cfdi: &cfdi::Cfdi) -> Vec<(&'static str, Value)> {
    vec![
        ("uuid_sat", json!(cfdi.uuid)),
        ("sello_sat", json!(cfdi.sello_sat)),
        (
            "fecha_timbrado",
            json!(instant(&cfdi.fecha_timbrado, CENTRAL_ZONE)),
        ),
        ("serie", json!(cfdi.serie)),
        ("folio", json!(cfdi.folio)),
        (
            "fecha_emision",
            json!(instant(&cfdi.fecha_emision, BUSINESS_ZONE)),
        ),
        ("monto_total", json!(cfdi.total.to_string())),
        ("moneda", json!(cfdi.moneda.code())),
        ("tipo_comprobante", json!(cfdi.tipo_comprobante.code())),
        ("forma_pago", json!(cfdi.forma_pago)),
        ("conservar_hasta", json!(cfdi.conservar_hasta())),
        ("version", json!(cfdi.version.code())),
        ("metodo_pago", json!(cfdi.metodo_pago)),
        ("lugar_expedicion", json!(cfdi.lugar_expedicion)),
        (
            "informacion_global",
            json!(cfdi.informacion_global.map(|global| json!({
                "periodicidad": format!("{:02}", global.periodicidad),
                "meses": format!("{:02}", global.meses),
                "anio": global.anio,
            }))),
        ),
        ("no_certificado_sat", json!(cfdi.no_certificado_sat)),
        (
            "rfc_prov_certif",
            json!(cfdi.rfc_prov_certif.as_ref().map(Rfc::reveal)),
        ),
        ("conceptos", json!(cfdi.conceptos.len())),
        ("warning", json!(warning(cfdi))),
    ]
}

/// What is accepted, and yet would make a person look twice: the service refuses it.
fn warning(cfdi: &cfdi::Cfdi) -> Option<String> {
    let expected = Expected {
        sealed: true,
        ..Expected::default()
    };
    let mismatch = cfdi::check(cfdi, &expected).err();
    mismatch.map(|mismatch| format!("{mismatch} ({})", mismatch.code()))
}

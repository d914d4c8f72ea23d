//! `onlycar evidence verify`

use std::path::PathBuf;

use clap::Args;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::cli::{Outcome, Usage, say};
use crate::documents::evidence::{self, Checked, NoBundle};
use crate::engine::audit::Link;
use crate::invoicing::cfdi::{self, Accept, Cfdi, MAX_BYTES};
use crate::tools::signing::PublicKey;

/// Check a bundle of evidence: no network, no database
///
/// Every file against its digest, none missing and none too many; every row of the audit log against its hash; what the
/// XML of an invoice says against what was recorded; and the signature. Each fault is named. Exit code 0 when all fits, 1
/// when something does not.
///
/// Without --key, the signature is checked with the key in the bundle: that shows that nothing changed since it was
/// signed, and not by whom. `onlycar audit key` prints the key of the house.
///
/// Example: onlycar evidence verify evidencia.zip --key 3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
#[derive(Args)]
pub struct Verify {
    /// The bundle
    file: PathBuf,
    /// The public key that must have signed it, in base64
    #[arg(long, value_name = "PUBLICKEY")]
    key: Option<PublicKey>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        if !self.file.is_file() {
            let text = format!(
                "{} is no file\nhint: name a bundle that onlycar evidence export made",
                self.file.display()
            );
            return Err(Usage(text).into());
        }
        let checked = evidence::check(&self.file, self.key, MAX_BYTES as u64);
        let (faults, checked) = match checked {
            Err(NoBundle(why)) => (vec![format!("this is no bundle of evidence: {why}")], None),
            Ok(mut checked) => {
                let of_cfdi = checked
                    .cfdi
                    .take()
                    .map(|xml| invoice(&xml, &checked.manifest.documento.columnas));
                let mut faults = std::mem::take(&mut checked.faults);
                faults.extend(of_cfdi.unwrap_or_default());
                (faults, Some(checked))
            }
        };
        say(if self.json {
            self.json_of(&faults, checked.as_ref())?
        } else {
            self.text_of(&faults, checked.as_ref())
        })?;
        Ok(if faults.is_empty() {
            Outcome::Done
        } else {
            Outcome::FellShort
        })
    }

    fn json_of(&self, faults: &[String], checked: Option<&Checked>) -> anyhow::Result<String> {
        let key = checked.and_then(|checked| checked.key);
        let document = checked.map(|checked| {
            let document = &checked.manifest.documento;
            json!({ "kind": document.tipo, "id": document.id })
        });
        let json = json!({
            "verdict": if faults.is_empty() { "fits" } else { "does-not-fit" },
            "faults": faults,
            "notes": checked.map(|checked| &checked.notes),
            "document": document,
            "key_id": key.map(|key| key.id()),
            "public_key": key.map(|key| key.to_string()),
            "key_pinned": self.key.is_some() && key == self.key,
        });
        Ok(serde_json::to_string_pretty(&json)?)
    }

    fn text_of(&self, faults: &[String], checked: Option<&Checked>) -> String {
        let mut lines = checked.map(told).unwrap_or_default();
        if let Some(key) = checked.and_then(|checked| checked.key) {
            lines.push(if self.key == Some(key) {
                format!("signature  Ed25519, by the key that you named ({})", key.id())
            } else {
                format!(
                    "signature  Ed25519, by the key in the bundle ({}): nothing changed since; who signed it is not shown\n\
                     hint: compare {key} with what onlycar audit key prints, or name that with --key",
                    key.id()
                )
            });
        }
        lines.extend(faults.iter().map(|fault| format!("does not fit: {fault}")));
        lines.push(match faults.len() {
            0 => "everything fits".to_owned(),
            1 => "one thing does not fit".to_owned(),
            count => format!("{count} things do not fit"),
        });
        lines.join("\n")
    }
}

/// The chain, from the provider's event to who had the document.
fn told(checked: &Checked) -> Vec<String> {
    let manifest = &checked.manifest;
    let document = &manifest.documento;
    let text = |row: &Map<String, Value>, name: &str| {
        let value = row.get(name).and_then(Value::as_str).unwrap_or("-");
        value.to_owned()
    };
    let mut lines = vec![format!(
        "document   {} {} {}, exported {}",
        document.tipo,
        document.id,
        text(&document.columnas, "estado"),
        manifest.generado_en.to_rfc3339()
    )];
    lines.extend(manifest.eventos.iter().map(|event| {
        let [provider, kind, id, at, trust] =
            ["provider", "event_type", "event_id", "received_at", "trust"].map(|name| text(event, name));
        format!("event      {provider} {kind} {id}, {at}, trusted by {trust}")
    }));
    lines.extend(manifest.trabajos.iter().map(|job| {
        let [kind, id, at] = ["kind", "id", "created_at"].map(|name| text(job, name));
        format!("job        {kind} {id}, {at}")
    }));
    lines.extend(manifest.archivos.iter().map(|entry| {
        let from = entry.objeto.as_ref().and_then(|object| object.de.as_ref());
        let from = from.map(|host| format!(", from {host}")).unwrap_or_default();
        format!(
            "file       {}, {} bytes, sha256 {}{from}",
            entry.nombre, entry.bytes, entry.sha256
        )
    }));
    lines.extend(manifest.bitacora.iter().map(row));
    lines.extend(checked.notes.iter().map(|note| format!("note       {note}")));
    lines
}

fn row(link: &Link) -> String {
    // PostgreSQL prints an address as a network of one.
    let ip = link.ip().and_then(|ip| ip.split('/').next());
    let ip = ip.map(|ip| format!(" from {ip}")).unwrap_or_default();
    let detail = link.detail();
    let file = detail.get("archivo").and_then(Value::as_str);
    let file = file.map(|file| format!(" {file}")).unwrap_or_default();
    let (id, at) = (link.id(), link.at().to_rfc3339());
    format!(
        "audit row  {id}, {at}, {}{ip}: {}{file}",
        link.actor(),
        link.action()
    )
}

/// What the XML says that was recorded otherwise.
fn invoice(xml: &[u8], columns: &Map<String, Value>) -> Vec<String> {
    // Which versions were accepted is not the question here.
    let cfdi = match cfdi::read(xml, Accept { cfdi_33: true }) {
        Ok(cfdi) => cfdi,
        Err(rejection) => return vec![format!("the XML is no valid CFDI: {rejection}")],
    };
    let column = |name: &str| columns.get(name).and_then(Value::as_str);
    let said = said(&cfdi);
    let differs = said.iter().filter(|(name, said)| {
        let recorded = column(name);
        let same_amount = || {
            recorded?
                .parse::<Decimal>()
                .ok()
                .zip(said.as_deref()?.parse().ok())
        };
        match *name {
            "monto_total" => {
                same_amount().is_none_or(|(recorded, said): (Decimal, Decimal)| recorded != said)
            }
            _ => recorded != said.as_deref(),
        }
    });
    differs
        .map(|(name, said)| {
            let (said, recorded) = (
                said.as_deref().unwrap_or("nothing"),
                column(name).unwrap_or("nothing"),
            );
            format!("the XML says {said} for {name}, and {recorded} is recorded")
        })
        .collect()
}

fn said(cfdi: &Cfdi) -> Vec<(&'static str, Option<String>)> {
    vec![
        ("uuid_sat", Some(cfdi.uuid.to_string())),
        ("monto_total", Some(cfdi.total.to_string())),
        ("moneda", Some(cfdi.moneda.code().to_owned())),
        ("sello_sat", Some(cfdi.sello_sat.clone())),
        ("fecha_timbrado_texto", Some(cfdi.fecha_timbrado.text.clone())),
        ("fecha_emision_texto", Some(cfdi.fecha_emision.text.clone())),
        ("tipo_comprobante", Some(cfdi.tipo_comprobante.code().to_owned())),
        ("serie", cfdi.serie.clone()),
        ("folio", cfdi.folio.clone()),
    ]
}

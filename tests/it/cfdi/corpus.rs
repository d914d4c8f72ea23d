//! Published samples of CFDI with what is known of each. They hold tax ids of third parties and are never committed:
//! the folder is `../shared/corpus/cfdi` beside the checkout, or the one that `CFDI_CORPUS` names.

use std::collections::HashMap;
use std::path::PathBuf;

use onlycar::invoicing::cfdi::{Accept, Cfdi, read};

type Row = HashMap<String, String>;

fn folder() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/cfdi");
    let named = std::env::var_os("CFDI_CORPUS").map(PathBuf::from);
    let folder = named.unwrap_or(beside);
    folder.join("index.tsv").is_file().then_some(folder)
}

fn rows(index: &str) -> Vec<Row> {
    let mut lines = index.lines();
    let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let row = |line: &str| {
        let values = line.split('\t').chain(std::iter::repeat(""));
        names
            .iter()
            .map(|name| (*name).to_owned())
            .zip(values.map(str::to_owned))
            .collect()
    };
    lines.filter(|line| !line.is_empty()).map(row).collect()
}

fn same_values(cfdi: &Cfdi, row: &Row) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let global = if cfdi.informacion_global.is_some() {
        "yes"
    } else {
        "no"
    };
    let agree = if cfdi.seals_agree { "yes" } else { "no" };
    let pac = cfdi.rfc_prov_certif.as_ref().map_or("", |rfc| rfc.reveal());
    for (column, read) in [
        ("version", cfdi.version.code()),
        ("fecha_timbrado", &cfdi.fecha_timbrado.text),
        ("fecha", &cfdi.fecha_emision.text),
        ("total", &cfdi.total.to_string()),
        ("moneda", cfdi.moneda.code()),
        ("serie", &text(&cfdi.serie)),
        ("folio", &text(&cfdi.folio)),
        ("tipo", cfdi.tipo_comprobante.code()),
        ("forma_pago", &text(&cfdi.forma_pago)),
        ("metodo_pago", &text(&cfdi.metodo_pago)),
        ("lugar_expedicion", &cfdi.lugar_expedicion),
        ("rfc_emisor", cfdi.emisor_rfc.reveal()),
        ("rfc_receptor", cfdi.receptor_rfc.reveal()),
        ("has_informacion_global", global),
        ("rfc_prov_certif", pac),
        ("no_certificado_sat", &cfdi.no_certificado_sat),
        ("sellocfd_eq_sello", agree),
        ("sello_sat", &cfdi.sello_sat),
    ] {
        assert_eq!(read, row[column], "{column} of {}", row["file"]);
    }
    assert_eq!(
        cfdi.uuid.to_string(),
        row["uuid"].to_lowercase(),
        "{}",
        row["file"]
    );
}

/// `accept (or reject:unsupported_version if the service is 4.0-only)` is what is said of 3.3.
fn suggested(row: &Row, cfdi_33: bool) -> &str {
    let text = row["suggested_outcome"].as_str();
    match text.split_once(" (or ") {
        Some((accept, _)) if cfdi_33 => accept,
        Some((_, or)) => or.split(' ').next().unwrap(),
        None => text,
    }
}

#[test]
fn every_sample_has_its_outcome_and_its_values() {
    let Some(folder) = folder() else {
        println!("no samples of CFDI here: name their folder in CFDI_CORPUS");
        return;
    };
    let rows = rows(&std::fs::read_to_string(folder.join("index.tsv")).unwrap());
    assert!(!rows.is_empty());
    for row in &rows {
        let bytes = std::fs::read(folder.join(&row["file"])).unwrap();
        for cfdi_33 in [false, true] {
            let outcome = read(&bytes, Accept { cfdi_33 });
            let verdict = match &outcome {
                Ok(_) => "accept".to_owned(),
                Err(rejection) => rejection.verdict(),
            };
            assert_eq!(verdict, suggested(row, cfdi_33), "{}", row["file"]);
            if let Ok(cfdi) = outcome {
                same_values(&cfdi, row);
            }
        }
    }
}

//! What is read, and exactly what is written.

use onlycar::invoicing::cfdi::{Accept, Reason, TipoComprobante, Version, read};

use super::{ISSUER, RECEIVER, UUID, accepted, at, attribute, decimal, invoice, reason, with};

#[test]
fn every_value_of_an_ordinary_invoice() {
    let cfdi = accepted(&invoice().xml());
    assert_eq!(cfdi.version, Version::V40);
    assert_eq!(cfdi.uuid.to_string(), UUID);
    assert_eq!(cfdi.sello_sat.len(), 344);
    assert!(cfdi.seals_agree);
    assert_eq!(cfdi.fecha_timbrado.text, "2026-11-22T12:00:12");
    assert_eq!(cfdi.fecha_timbrado.at, at("2026-11-22T18:00:12Z"));
    assert_eq!(cfdi.fecha_emision.text, "2026-11-22T12:00:00");
    assert_eq!(cfdi.fecha_emision.at, at("2026-11-22T18:00:00Z"));
    assert_eq!(cfdi.conservar_hasta().to_string(), "2032-05-01");
    assert_eq!(
        (cfdi.serie.as_deref(), cfdi.folio.as_deref()),
        (Some("A"), Some("1"))
    );
    assert_eq!(cfdi.total.to_string(), "1616.50");
    assert_eq!(cfdi.moneda.code(), "MXN");
    assert_eq!(cfdi.tipo_comprobante, TipoComprobante::Ingreso);
    assert_eq!(cfdi.forma_pago.as_deref(), Some("03"));
    assert_eq!(cfdi.metodo_pago.as_deref(), Some("PUE"));
    assert_eq!(cfdi.lugar_expedicion, "88000");
    assert_eq!(cfdi.no_certificado_sat, "30001000000500003456");
    assert!(cfdi.rfc_prov_certif.as_ref().unwrap().is("spr190613i52 "));
    assert!(cfdi.emisor_rfc.is(ISSUER) && cfdi.receptor_rfc.is(RECEIVER));
    assert_eq!(cfdi.informacion_global, None);
    let totals: Vec<_> = cfdi
        .conceptos
        .iter()
        .map(|line| line.total().to_string())
        .collect();
    assert_eq!(totals, ["1500.50", "116.00"]);
}

#[test]
fn who_prints_an_invoice_prints_nobody() {
    let printed = format!("{:?}", accepted(&invoice().xml()));
    for secret in [ISSUER, RECEIVER, "XENON"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn a_uuid_is_36_characters_in_either_case() {
    for good in [
        "6F2AD6A1-52C5-4F3E-9C0B-0D3A1F9E7C11",
        "6f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7c11",
        " 6f2aD6A1-52c5-4f3E-9C0b-0d3a1f9e7C11\n",
    ] {
        assert_eq!(accepted(&attribute("UUID", Some(good))).uuid.to_string(), UUID);
    }
    // PACs make versions 1 and 5 too, and samples have no version at all.
    for other in [
        "CEE4BE01-ADFA-11EF-8421-ADD60F0BEDAC",
        "AF124DC7-BD75-5EFF-8EDF-28C1E7D43B1D",
        "11111111-1111-1111-1111-111111111111",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ] {
        accepted(&attribute("UUID", Some(other)));
    }
    for bad in [
        "",
        "00000000-0000-0000-0000-000000000000",
        "6f2ad6a152c54f3e9c0b0d3a1f9e7c11",
        "{6f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7c11}",
        "urn:uuid:6f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7c11",
        "6f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7c1",
        "6f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7c111",
        "6f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7cEG",
        "6f2ad6a1-52c5-4f3e-9c0b0-d3a1f9e7c11",
        "6f2ad6a1 52c5-4f3e-9c0b-0d3a1f9e7c11",
        "６f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7c",
    ] {
        let xml = attribute("UUID", Some(bad));
        assert_eq!(reason(xml), Some(Reason::InvalidUuid), "{bad}");
    }
}

#[test]
fn an_amount_keeps_its_decimals() {
    for good in [
        "0",
        "0.00",
        "6.9",
        "1000.00",
        "0.000001",
        "007.10",
        "999999999999999999.999999",
    ] {
        let total = accepted(&attribute("Total", Some(good))).total;
        assert_eq!(total.to_string(), good.trim_start_matches("00"), "{good}");
    }
    for bad in [
        "",
        "-1.00",
        "+1.00",
        "1e3",
        "1,000.00",
        "1.",
        ".5",
        "1.0000000",
        "1000000000000000000",
        "1 000",
        "NaN",
        "0x10",
        "1_000",
        "１",
        "1.5.0",
    ] {
        let xml = attribute("Total", Some(bad));
        assert_eq!(reason(xml), Some(Reason::InvalidTotal), "{bad}");
    }
}

#[test]
fn the_two_clocks() {
    let mut invoice = invoice();
    for (issued, stamped, fecha, timbrado) in [
        // In summer it was stamped "an hour before it was issued", and in another month.
        (
            "2025-07-01T05:30:00Z",
            "2025-07-01T05:30:10Z",
            "2025-07-01T00:30:00",
            "2025-06-30T23:30:10",
        ),
        (
            "2026-01-01T05:59:58Z",
            "2026-01-01T06:00:03Z",
            "2025-12-31T23:59:58",
            "2026-01-01T00:00:03",
        ),
        // The hour that happens twice: before and after the clock is set back.
        (
            "2026-11-01T06:30:00Z",
            "2026-11-01T06:30:10Z",
            "2026-11-01T01:30:00",
            "2026-11-01T00:30:10",
        ),
        (
            "2026-11-01T07:30:00Z",
            "2026-11-01T07:30:10Z",
            "2026-11-01T01:30:00",
            "2026-11-01T01:30:10",
        ),
        // The minutes around the hour that is skipped.
        (
            "2026-03-08T07:59:59Z",
            "2026-03-08T08:00:00Z",
            "2026-03-08T01:59:59",
            "2026-03-08T02:00:00",
        ),
        (
            "2026-03-08T08:00:00Z",
            "2026-03-08T08:00:00Z",
            "2026-03-08T03:00:00",
            "2026-03-08T02:00:00",
        ),
    ] {
        (invoice.issued_at, invoice.stamped_at) = (at(issued), at(stamped));
        let cfdi = accepted(&invoice.xml());
        assert_eq!(cfdi.fecha_emision.text, fecha);
        assert_eq!(cfdi.fecha_timbrado.text, timbrado);
        assert_eq!(cfdi.fecha_emision.at, at(issued), "{fecha}");
        assert_eq!(cfdi.fecha_timbrado.at, at(stamped), "{timbrado}");
    }
}

#[test]
fn the_exercise_is_the_year_on_the_border() {
    let mut invoice = invoice();
    for (issued, kept) in [
        ("2026-01-01T05:59:59Z", "2031-05-01"),
        ("2026-01-01T06:00:00Z", "2032-05-01"),
        ("2026-12-31T23:00:00Z", "2032-05-01"),
    ] {
        (invoice.issued_at, invoice.stamped_at) = (at(issued), at(issued));
        assert_eq!(accepted(&invoice.xml()).conservar_hasta().to_string(), kept);
    }
}

#[test]
fn optional_values_may_be_left_out() {
    for name in ["Serie", "Folio", "FormaPago", "MetodoPago", "RfcProvCertif"] {
        accepted(&attribute(name, None));
    }
    let without = accepted(&attribute("Serie", None));
    assert_eq!((without.serie, without.folio.as_deref()), (None, Some("1")));
    let folio = "000220750002700001";
    assert_eq!(
        accepted(&attribute("Folio", Some(folio))).folio.as_deref(),
        Some(folio)
    );
}

#[test]
fn values_are_read_as_xml_writes_them() {
    let serie = |written: &str| accepted(&attribute("Serie", Some(written))).serie;
    assert_eq!(serie("&#65;&amp;&#x42;&quot;").as_deref(), Some("A&B\""));
    assert_eq!(serie("A\tB\r\nC").as_deref(), Some("A B C"));
    assert_eq!(serie(" A ").as_deref(), Some("A"));
    let single = with(" Serie=\"A\"", " Serie = 'A\"'");
    assert_eq!(accepted(&single).serie.as_deref(), Some("A\""));
    let wrapped = accepted(&attribute("SelloSAT", Some("QUJD\n  REVG")));
    assert_eq!(wrapped.sello_sat, "QUJDREVG");
}

#[test]
fn a_mark_of_byte_order_and_no_declaration_are_fine() {
    let xml = invoice().xml();
    accepted(&format!("\u{FEFF}{xml}"));
    let (_, bare) = xml.split_once("?>").unwrap();
    accepted(bare);
    accepted(&format!("\u{FEFF}\n<!-- a -->{bare}<?a b?>\n<!-- c -->"));
    assert_eq!(
        reason(format!("\u{FEFF}\u{FEFF}{xml}")),
        Some(Reason::MalformedXml)
    );
    assert_eq!(reason(format!("\n{xml}")), Some(Reason::MalformedXml));
}

#[test]
fn cfdi_33_is_read_where_it_is_asked_for() {
    let xml = invoice()
        .xml()
        .replace("http://www.sat.gob.mx/cfd/4\"", "http://www.sat.gob.mx/cfd/3\"")
        .replace(" Version=\"4.0\"", " Version=\"3.3\"");
    assert_eq!(reason(&xml), Some(Reason::UnsupportedVersion));
    let cfdi = read(xml.as_bytes(), Accept { cfdi_33: true }).unwrap();
    assert_eq!((cfdi.version, cfdi.total), (Version::V33, decimal("1616.50")));
    // 3.3 allows several Complemento; the stamp may be in any.
    let second = xml.replace("<cfdi:Complemento>", "<cfdi:Complemento/><cfdi:Complemento>");
    read(second.as_bytes(), Accept { cfdi_33: true }).unwrap();
}

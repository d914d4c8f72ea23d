//! A part counts by its namespace and its place, however it is spelt.

use onlycar::invoicing::cfdi::Reason;

use super::{UUID, accepted, invoice, reason, with};

/// The stamp of the good document, declaration and all.
fn stamp() -> String {
    let xml = invoice().xml();
    let start = xml.find("<tfd:").unwrap();
    let length = xml[start..].find("/>").unwrap() + 2;
    xml[start..start + length].to_owned()
}

fn forged() -> String {
    stamp().replace("6F2AD6A1", "BAD00000")
}

#[test]
fn prefixes_do_not_matter() {
    let xml = invoice().xml();
    let renamed = xml.replace("cfdi:", "factura:").replace(":cfdi", ":factura");
    assert_eq!(accepted(&renamed).uuid.to_string(), UUID);
    let default = xml.replace("xmlns:cfdi=", "xmlns=").replace("cfdi:", "");
    assert_eq!(accepted(&default).uuid.to_string(), UUID);
    let at_root = xml
        .replace(" xmlns:tfd=\"http://www.sat.gob.mx/TimbreFiscalDigital\"", "")
        .replace(
            " xmlns:cfdi=",
            " xmlns:tfd=\"http://www.sat.gob.mx/TimbreFiscalDigital\" xmlns:cfdi=",
        );
    assert_eq!(accepted(&at_root).uuid.to_string(), UUID);
    let escaped = xml.replace(
        "http://www.sat.gob.mx/cfd/4\"",
        "http://www.sat.gob.mx/cfd/&#52;\"",
    );
    assert_eq!(accepted(&escaped).uuid.to_string(), UUID);
}

#[test]
fn the_right_prefix_in_another_namespace_is_nothing() {
    let xml = invoice().xml();
    assert_eq!(
        reason(xml.replace("/cfd/4\"", "/cfd/5\"")),
        Some(Reason::NotAComprobante)
    );
    assert_eq!(
        reason(xml.replace("/cfd/4\"", "/CFD/4\"")),
        Some(Reason::NotAComprobante)
    );
    assert_eq!(
        reason(xml.replace("/TimbreFiscalDigital\"", "/timbrefiscaldigital\"")),
        Some(Reason::NotStamped)
    );
    let no_namespace = xml
        .replace("tfd:", "")
        .replace(" xmlns:tfd=\"http://www.sat.gob.mx/TimbreFiscalDigital\"", "");
    let no_namespace = no_namespace.replace(":tfd", ":a");
    assert_eq!(reason(no_namespace), Some(Reason::NotStamped));
    // An attribute with a prefix is another attribute.
    let prefixed = with(" UUID=", " xmlns:a=\"urn:a\" a:UUID=");
    assert_eq!(reason(prefixed), Some(Reason::InvalidUuid));
    let both = with(" UUID=", " xmlns:a=\"urn:a\" a:UUID=\"BAD\" UUID=");
    assert_eq!(accepted(&both).uuid.to_string(), UUID);
}

#[test]
fn a_stamp_elsewhere_is_no_stamp() {
    let (stamp, forged) = (stamp(), forged());
    let end = "</cfdi:Comprobante>";
    for hidden in [
        format!("<cfdi:Addenda>{forged}</cfdi:Addenda>"),
        format!("<cfdi:Addenda><a><cfdi:Complemento>{forged}</cfdi:Complemento></a></cfdi:Addenda>"),
        format!(
            "<!-- <cfdi:Complemento>{}</cfdi:Complemento> -->",
            forged.replace("--", "")
        ),
        format!("<cfdi:Addenda><![CDATA[<cfdi:Complemento>{forged}</cfdi:Complemento>]]></cfdi:Addenda>"),
        format!("<?a {forged}?>"),
    ] {
        let beside = with(end, &format!("{hidden}{end}"));
        assert_eq!(accepted(&beside).uuid.to_string(), UUID, "{hidden}");
        let instead = beside.replace(&stamp, "");
        assert_eq!(reason(instead), Some(Reason::NotStamped), "{hidden}");
    }
}

#[test]
fn a_second_stamp_outside_of_the_addenda_is_one_too_many() {
    let forged = forged();
    for (from, to) in [
        ("</cfdi:Complemento>", format!("{forged}</cfdi:Complemento>")),
        (
            "</cfdi:Complemento>",
            format!("<a>{forged}</a></cfdi:Complemento>"),
        ),
        (
            "</cfdi:Complemento>",
            format!("</cfdi:Complemento><cfdi:Complemento>{forged}</cfdi:Complemento>"),
        ),
        ("<cfdi:Conceptos>", format!("{forged}<cfdi:Conceptos>")),
    ] {
        assert_eq!(reason(with(from, &to)), Some(Reason::MultipleStamps), "{to}");
    }
    for (before, after) in [("<a>", "</a>"), ("<cfdi:Complemento>", "</cfdi:Complemento>")] {
        let wrapped = with(&stamp(), &format!("{before}{}{after}", stamp()));
        assert_eq!(reason(wrapped), Some(Reason::NotStamped), "{before}");
    }
}

#[test]
fn parts_of_other_complements_are_not_those_of_the_invoice() {
    let end = "</cfdi:Complemento>";
    let inner = "<p:Pagos xmlns:p=\"http://www.sat.gob.mx/Pagos20\"><p:Emisor Rfc=\"X\"/><cfdi:Emisor Rfc=\"X\"/>\
                 <cfdi:Concepto Importe=\"x\"/><cfdi:InformacionGlobal/></p:Pagos>";
    let cfdi = accepted(&with(end, &format!("{inner}{end}")));
    assert_eq!((cfdi.conceptos.len(), cfdi.informacion_global), (2, None));
}

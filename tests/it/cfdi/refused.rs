//! Every reason to refuse a document, each by a document that is good but for one thing.

use std::collections::HashSet;

use onlycar::invoicing::cfdi::{Accept, MAX_BYTES, Reason, read};

use super::{attribute, invoice, reason, with};

const STAMP: &str = "http://www.sat.gob.mx/TimbreFiscalDigital";

type Example = (Reason, String);

/// Each with a document that gives it.
fn examples() -> Vec<(Reason, Vec<u8>)> {
    let mut latin = invoice().xml().into_bytes();
    latin.push(0xE9);
    let texts = [limits(), kinds(), values(), parts(), dates()].concat();
    let mut examples: Vec<_> = texts
        .into_iter()
        .map(|(reason, text)| (reason, text.into_bytes()))
        .collect();
    examples.push((Reason::UnsupportedEncoding, latin));
    examples
}

/// What is refused whatever it means.
fn limits() -> Vec<Example> {
    let xml = invoice().xml();
    let (root, end) = ("<cfdi:Comprobante ", "</cfdi:Comprobante>");
    let many = |count: usize, one: &dyn Fn(usize) -> String| -> String { (0..count).map(one).collect() };
    let attributes = many(120, &|at| format!("a{at}=\"\" "));
    let namespaces = many(127, &|at| format!("xmlns:n{at}=\"urn:n{at}\" "));
    let concepts = "<cfdi:Concepto Importe=\"1\"/>".repeat(20_001);
    let deep = format!("{}{}{end}", "<a>".repeat(64), "</a>".repeat(64));
    let doctype = with("?>\n", "?><!DOCTYPE a [<!ENTITY b \"c\">]>");
    let namespaces = with("<cfdi:Conceptos>", &format!("<cfdi:Conceptos {namespaces}>"));
    let concepts = with("</cfdi:Conceptos>", &format!("{concepts}</cfdi:Conceptos>"));
    vec![
        (Reason::Empty, String::new()),
        (Reason::TooLarge, format!("{xml}{}", " ".repeat(MAX_BYTES))),
        (Reason::UnsupportedEncoding, with("UTF-8", "ISO-8859-1")),
        (Reason::DtdNotAllowed, doctype),
        (Reason::MalformedXml, xml.replace(end, "")),
        (Reason::TooDeep, with(end, &deep)),
        (
            Reason::TooManyAttributes,
            with(root, &format!("{root}{attributes}")),
        ),
        (Reason::TooManyNamespaces, namespaces),
        (Reason::TooManyConcepts, concepts),
    ]
}

/// What is another document, or was never stamped.
fn kinds() -> Vec<Example> {
    let xml = invoice().xml();
    let version = " Version=\"4.0\"";
    let other = xml.replace("cfdi:Comprobante", "cfdi:Retenciones");
    let old = xml.replace("cfd/4\"", "cfd/3\"");
    let stamp = format!("<t:TimbreFiscalDigital xmlns:t=\"{STAMP}\"/></cfdi:Complemento>");
    let old_stamp = with("Version=\"1.1\"", "Version=\"1.0\"");
    vec![
        (Reason::NotAComprobante, other),
        (Reason::UnsupportedVersion, with(version, " Version=\"4.1\"")),
        (Reason::UnsupportedVersion, with(version, "")),
        (
            Reason::UnsupportedVersion32,
            old.replace(version, " version=\"3.2\""),
        ),
        (Reason::VersionNamespaceMismatch, old),
        (Reason::NotStamped, xml.replace(STAMP, "urn:another")),
        (Reason::MultipleStamps, with("</cfdi:Complemento>", &stamp)),
        (Reason::UnsupportedStampVersion, old_stamp),
    ]
}

fn values() -> Vec<Example> {
    let long = "A".repeat(26);
    [
        (Reason::InvalidUuid, "UUID", None),
        (Reason::InvalidSeal, "SelloSAT", None),
        (Reason::InvalidSeal, "SelloCFD", Some("ñ")),
        (
            Reason::InvalidCertificateNumber,
            "NoCertificadoSAT",
            Some("3000100000050000345"),
        ),
        (
            Reason::InvalidStampDate,
            "FechaTimbrado",
            Some("2026-02-29T00:00:00"),
        ),
        (Reason::InvalidTotal, "Total", None),
        (Reason::InvalidCurrency, "Moneda", Some("mxn")),
        (Reason::InvalidType, "TipoDeComprobante", Some("i")),
        (Reason::InvalidSerie, "Serie", Some(&*long)),
        (Reason::InvalidSerie, "Serie", Some(" ")),
        (Reason::InvalidFolio, "Folio", Some("A|B")),
        (Reason::InvalidPaymentForm, "FormaPago", Some("3")),
        (Reason::InvalidPaymentMethod, "MetodoPago", Some("pue")),
        (Reason::InvalidPlace, "LugarExpedicion", Some("8800")),
    ]
    .map(|(reason, name, value)| (reason, attribute(name, value)))
    .to_vec()
}

fn parts() -> Vec<Example> {
    let none = invoice().xml().replace("<cfdi:Emisor", "<cfdi:Another");
    let issuer = "<cfdi:Emisor ";
    let before = |what: &str| with(issuer, &format!("{what}{issuer}"));
    let line = " Descripcion=\"Encerado\"";
    vec![
        (Reason::InvalidIssuer, none),
        (
            Reason::InvalidIssuer,
            before("<cfdi:Emisor Rfc=\"XAXX010101000\"/>"),
        ),
        (Reason::InvalidReceiver, with("XIA190128J61", "XIA19O128J61")),
        (
            Reason::InvalidGlobal,
            before("<cfdi:InformacionGlobal Meses=\"01\"/>"),
        ),
        (Reason::InvalidConcept, with(line, " NoIdentificacion=\"\"")),
        (Reason::InvalidConcept, with(line, " Descuento=\"-1\"")),
        (
            Reason::InvalidConcept,
            with(
                " Importe=\"8.59\"/></cfdi:Traslados></cfdi:Impuestos>",
                " Importe=\"8,59\"/></cfdi:Traslados></cfdi:Impuestos>",
            ),
        ),
    ]
}

fn dates() -> Vec<Example> {
    let good = "Fecha=\"2026-11-22T12:00:00\"";
    BAD_DATES
        .map(|bad| (Reason::InvalidIssueDate, with(good, &format!("Fecha=\"{bad}\""))))
        .to_vec()
}

const BAD_DATES: [&str; 12] = [
    "",
    "2026-11-22",
    "2026-11-22 12:00:00",
    "2026-11-22T12:00:00Z",
    "2026-11-22T12:00:00-06:00",
    "2026-11-22T12:00:00.000",
    "2026-11-22T24:00:00",
    "2026-11-22T12:00:60",
    "2026-11-31T12:00:00",
    "2026-13-01T12:00:00",
    "26-11-22T12:00:00",
    "2026-1-22T012:00:00",
];

#[test]
fn each_reason_has_its_document() {
    let mut seen = HashSet::new();
    for (expected, bytes) in examples() {
        let rejection = read(&bytes, Accept::default()).expect_err(expected.code());
        assert_eq!(rejection.reason, expected, "{rejection}");
        assert_eq!(rejection.verdict(), format!("reject:{}", expected.code()));
        assert!(rejection.to_string().len() > 15, "{rejection}");
        seen.insert(expected);
    }
    let unseen: Vec<_> = Reason::ALL
        .iter()
        .filter(|reason| !seen.contains(reason))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

#[test]
fn the_codes_are_distinct() {
    let codes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes.len(), Reason::ALL.len());
}

#[test]
fn a_rejection_says_where_and_quotes_nothing() {
    let broken = with("<cfdi:Receptor ", "<cfdi:Receptor secreto ");
    let said = read(broken.as_bytes(), Accept::default())
        .unwrap_err()
        .to_string();
    assert!(said.starts_with("line 4: "), "{said}");
    for (_, bytes) in examples() {
        let said = read(&bytes, Accept::default()).unwrap_err().to_string();
        for secret in ["XIA19", "HEÑ", "XENON", "secreto"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}

#[test]
fn what_xml_forbids_is_refused_where_readers_let_it_pass() {
    let end = "</cfdi:Comprobante>";
    let inside = |what: &str| with(end, &format!("{what}{end}"));
    let after = |what: &str| with(end, &format!("{end}{what}"));
    let before = |what: &str| with("?>\n", &format!("?>\n{what}"));
    for malformed in [
        after("<cfdi:Comprobante/>"),
        after("text"),
        after("<![CDATA[]]>"),
        after("&amp;"),
        after("</cfdi:Comprobante>"),
        before("text"),
        before("<?xml version=\"1.0\"?>"),
        inside("<a>"),
        inside("<a></b>"),
        inside("<x:a/>"),
        inside("<a x:b=\"\"/>"),
        inside("<a b=\"\" b=\"\"/>"),
        inside("<a xmlns:x=\"urn:x\" xmlns:y=\"urn:x\" x:b=\"\" y:b=\"\"/>"),
        inside("<a xmlns:x=\"urn:x\" xmlns:x=\"urn:y\"/>"),
        inside("<a xmlns:x=\"\"/>"),
        inside("<a xmlns:x=\"not a uri\"/>"),
        inside("<a xmlns:xml=\"urn:x\"/>"),
        inside("<a xmlns:xmlns=\"urn:x\"/>"),
        inside("<a xmlns:x=\"http://www.w3.org/2000/xmlns/\"/>"),
        inside("<a xmlns:x=\"http://www.w3.org/XML/1998/namespace\"/>"),
        inside("<a b=\"<\"/>"),
        inside("<a b=\"&c;\"/>"),
        inside("<a b=\"&#0;\"/>"),
        inside("<a b=\"&#+65;\"/>"),
        inside("<a b=\"&#xD800;\"/>"),
        inside("<a b=\"&#xFFFE;\"/>"),
        inside("<a b=\"&amp\"/>"),
        inside("<a b=c/>"),
        inside("<a b/>"),
        inside("<a b=\"\"c=\"\"/>"),
        inside("<a 1b=\"\"/>"),
        inside("<1a/>"),
        inside("< a/>"),
        inside("<a:b:c/>"),
        inside("<:a/>"),
        inside("<a / >"),
        inside("&b;"),
        inside("&"),
        inside("& "),
        inside("&#1;"),
        inside("]]>"),
        inside("<!-- a -- b -->"),
        inside("<!-- a --->"),
        inside("<!-->"),
        inside("<!-- a"),
        inside("<![CDATA[ a"),
        inside("<![cdata[]]>"),
        inside("<!ELEMENT a>"),
        inside("<?xml a?>"),
        inside("<?XML a?>"),
        inside("<??>"),
        inside("<? a?>"),
        inside("\u{1}"),
        inside("\u{FFFF}"),
        with("version=\"1.0\"", "version=\"1.1\""),
        with(
            "version=\"1.0\" encoding=\"UTF-8\"",
            "encoding=\"UTF-8\" version=\"1.0\"",
        ),
        with(
            "version=\"1.0\" encoding=\"UTF-8\"",
            "version=\"1.0\" standalone=\"maybe\"",
        ),
        "text".to_owned(),
        " ".to_owned(),
        "\u{FEFF}".to_owned(),
        "<!-- a -->".to_owned(),
        "{\"error\":\"not found\"}".to_owned(),
    ] {
        assert_eq!(reason(&malformed), Some(Reason::MalformedXml), "{malformed}");
    }
    for doctype in [
        "<!DOCTYPE a>",
        "<!doctype html><html>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE",
    ] {
        assert_eq!(reason(before(doctype)), Some(Reason::DtdNotAllowed), "{doctype}");
    }
}

#[test]
fn what_xml_allows_is_read() {
    let end = "</cfdi:Comprobante>";
    for good in [
        "<a xmlns=\"urn:a\"><b xmlns=\"\"/></a >",
        "<a xml:lang='es' b = \"&gt;&#10;&#x10FFFF;'>\"\n/>",
        "<x:a xmlns:x=\"urn:x\" x:b=\"\" b=\"\"/>",
        "<a xmlns:x=\"urn:x\" xmlns:cfdi2=\"http://www.sat.gob.mx/cfd/4\" cfdi2:x=\"\"/>",
        "<![CDATA[<a>&b; ]] >]]>",
        "<!-- <a> &b; - -->",
        "<?a-b?><?a <b> ?>",
        "text &amp; &lt; > ' \" \u{85}",
        "<ñandú.1 Año=\"\"/>",
    ] {
        super::accepted(&with(end, &format!("{good}{end}")));
    }
}

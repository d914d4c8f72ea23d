//! No input panics, and what is accepted has good values, whatever was done to a good document.

use onlycar::invoicing::cfdi::{Accept, read};
use proptest::prelude::*;

use super::invoice;

/// Reads it, and looks at what came out.
fn judge(bytes: &[u8]) {
    for cfdi_33 in [false, true] {
        match read(bytes, Accept { cfdi_33 }) {
            Ok(cfdi) => {
                assert!(!cfdi.uuid.is_nil());
                assert_eq!(cfdi.fecha_emision.text.len(), 19);
                assert_eq!(cfdi.lugar_expedicion.len(), 5);
                assert!(cfdi.total.scale() <= 6 && !cfdi.total.is_sign_negative());
                assert!(cfdi.serie.is_none_or(|serie| !serie.is_empty()));
                assert!(cfdi.conceptos.len() <= 20_000);
            }
            Err(rejection) => {
                assert!(!rejection.to_string().is_empty());
                assert!(rejection.verdict().starts_with("reject:"));
            }
        }
    }
}

/// Pieces that mean something to XML or to the reader.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(vec![
        "<",
        ">",
        "/>",
        "</",
        "&",
        "&#",
        "&#x41;",
        ";",
        "\"",
        "'",
        "=",
        " ",
        "\n",
        ":",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "<!DOCTYPE",
        "xmlns",
        "xmlns:a=\"urn:a\"",
        "cfdi:",
        "<a>",
        "</a>",
        "4.0",
        "3.3",
        "\u{FEFF}",
        "Año",
        "\u{0}",
    ]);
    prop_oneof![
        known.prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        judge(&bytes);
    }

    #[test]
    fn any_text_is_judged(text in "\\PC{0,200}") {
        judge(text.as_bytes());
    }

    #[test]
    fn a_good_document_with_changes_is_judged(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), 0_usize..12, piece()), 1..5)
    ) {
        let mut bytes = invoice().xml().into_bytes();
        for (at, gone, put) in changes {
            let at = at.index(bytes.len());
            let end = (at + gone).min(bytes.len());
            bytes.splice(at..end, put);
        }
        judge(&bytes);
    }
}

#[test]
fn a_document_cut_off_anywhere_is_refused() {
    let xml = invoice().xml();
    let bytes = xml.trim_end().as_bytes();
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end], Accept::default()).is_err(), "cut at {end}");
    }
    assert!(read(bytes, Accept::default()).is_ok());
}

/// A byte that is taken away or turned changes what is accepted only to something that is acceptable.
#[test]
fn each_byte_turned_is_judged() {
    let bytes = invoice().xml().into_bytes();
    for at in (0..bytes.len()).step_by(3) {
        let mut turned = bytes.clone();
        turned[at] ^= 1 << (at % 8);
        judge(&turned);
        turned.remove(at);
        judge(&turned);
    }
}

//! Whether a document is the one that was meant.

use onlycar::invoicing::cfdi::{Expected, Mismatch, TipoComprobante, check};

use super::{ISSUER, UUID, accepted, attribute, decimal, invoice};

fn expected() -> Expected<'static> {
    Expected {
        uuid: Some(UUID.to_uppercase().parse().unwrap()),
        emisor_rfc: Some(ISSUER),
        total: Some(decimal("1616.5")),
        moneda: Some("mxn".parse().unwrap()),
        tipo: Some(TipoComprobante::Ingreso),
        global: None,
        sealed: true,
    }
}

#[test]
fn the_document_that_was_meant_passes() {
    let cfdi = accepted(&invoice().xml());
    assert_eq!(check(&cfdi, &expected()), Ok(()));
    assert_eq!(check(&cfdi, &Expected::default()), Ok(()));
    let spelt = Expected {
        emisor_rfc: Some(" heñ&800101ab1 "),
        ..expected()
    };
    assert_eq!(check(&cfdi, &spelt), Ok(()));
}

#[test]
fn each_difference_is_told() {
    let cfdi = accepted(&invoice().xml());
    let differing = [
        (
            Mismatch::Uuid,
            Expected {
                uuid: Some("6f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7c12".parse().unwrap()),
                ..expected()
            },
        ),
        (
            Mismatch::Issuer,
            Expected {
                emisor_rfc: Some("HENÑ800101AB1"),
                ..expected()
            },
        ),
        (
            Mismatch::Issuer,
            Expected {
                emisor_rfc: Some(""),
                ..expected()
            },
        ),
        (
            Mismatch::Total,
            Expected {
                total: Some(decimal("1616.51")),
                ..expected()
            },
        ),
        (
            Mismatch::Currency,
            Expected {
                moneda: Some("usd".parse().unwrap()),
                ..expected()
            },
        ),
        (
            Mismatch::Type,
            Expected {
                tipo: Some(TipoComprobante::Egreso),
                ..expected()
            },
        ),
    ];
    for (mismatch, expected) in differing {
        assert_eq!(check(&cfdi, &expected), Err(mismatch));
        assert_eq!(mismatch.verdict(), format!("reject:{}", mismatch.code()));
    }
}

#[test]
fn a_document_that_was_edited_or_never_sealed_is_told() {
    let edited = accepted(&attribute("Sello", Some("QUJD")));
    assert!(!edited.seals_agree);
    assert_eq!(check(&edited, &expected()), Err(Mismatch::Seal));
    let lenient = Expected {
        sealed: false,
        ..expected()
    };
    assert_eq!(check(&edited, &lenient), Ok(()));
    for seal in ["", "SELLO_SAT_DEMO", "ABC", "A===", "===="] {
        let sample = accepted(&attribute("SelloSAT", Some(seal)));
        assert_eq!(check(&sample, &expected()), Err(Mismatch::NoSeal), "{seal}");
    }
}

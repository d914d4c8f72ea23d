//! The global invoice of a month: its period, and each sale with what was paid for it.

use onlycar::dev::cfdi::{Global, Invoice, Line, Party};
use onlycar::invoicing::cfdi::{Concepto, Expected, InformacionGlobal, Mismatch, check};
use rust_decimal::Decimal;

use super::{accepted, decimal, invoice};

fn global(sales: usize) -> Invoice {
    let rate = |at: usize| decimal(if at.is_multiple_of(2) { "0.16" } else { "0.08" });
    let paid = |at: usize| Decimal::new(10_000 + 7 * i64::try_from(at).unwrap(), 2);
    Invoice {
        receptor: Party::public(),
        global: Some(Global {
            periodicidad: "04".to_owned(),
            meses: "12".to_owned(),
            anio: 2025,
        }),
        conceptos: (0..sales)
            .map(|at| Line::paid(Some(&format!("venta-{at}")), "Venta", paid(at), rate(at)))
            .collect(),
        ..invoice()
    }
}

#[test]
fn its_sales_add_up_to_its_total() {
    let cfdi = accepted(&global(2_000).xml());
    assert_eq!(
        cfdi.informacion_global,
        Some(InformacionGlobal::monthly(2025, 12))
    );
    assert!(cfdi.receptor_rfc.is_public());
    assert_eq!(cfdi.conceptos.len(), 2_000);
    let sum: Decimal = cfdi.conceptos.iter().map(Concepto::total).sum();
    assert_eq!(sum, cfdi.total);
    let last = cfdi.conceptos.last().unwrap();
    assert_eq!(last.no_identificacion.as_deref(), Some("venta-1999"));
    assert_eq!(last.total().to_string(), "239.93");
}

#[test]
fn nine_thousand_sales_fit() {
    let xml = global(9_000).xml();
    assert_eq!(accepted(&xml).conceptos.len(), 9_000);
}

#[test]
fn discounts_and_withheld_taxes_count() {
    let withheld = "</cfdi:Traslados><cfdi:Retenciones><cfdi:Retencion Importe=\"10.5\"/></cfdi:Retenciones>\
                    </cfdi:Impuestos>\n    </cfdi:Concepto>";
    let xml = global(1)
        .xml()
        .replace(" Descripcion=\"Venta\"", " Descuento=\"5.00\"")
        .replace(
            "</cfdi:Traslados></cfdi:Impuestos>\n    </cfdi:Concepto>",
            withheld,
        );
    let line = accepted(&xml).conceptos.remove(0);
    assert_eq!(line.total(), decimal("84.50"));
}

#[test]
fn it_is_that_of_the_month_that_was_asked_for() {
    let cfdi = accepted(&global(3).xml());
    let of = |global| Expected {
        global: Some(global),
        ..Expected::default()
    };
    let december = InformacionGlobal::monthly(2025, 12);
    assert_eq!(check(&cfdi, &of(december)), Ok(()));
    for other in [
        InformacionGlobal::monthly(2026, 12),
        InformacionGlobal::monthly(2025, 11),
        InformacionGlobal {
            periodicidad: 5,
            ..december
        },
    ] {
        assert_eq!(check(&cfdi, &of(other)), Err(Mismatch::GlobalPeriod));
    }
    let mut named = global(3);
    named.receptor.rfc = super::RECEIVER.to_owned();
    assert_eq!(
        check(&accepted(&named.xml()), &of(december)),
        Err(Mismatch::NotForThePublic)
    );
    let mut none = global(3);
    none.global = None;
    assert_eq!(
        check(&accepted(&none.xml()), &of(december)),
        Err(Mismatch::GlobalPeriod)
    );
}

#[test]
fn its_period_is_read_strictly() {
    let xml = global(1).xml();
    for (from, to) in [
        ("Periodicidad=\"04\"", "Periodicidad=\"4\""),
        ("Periodicidad=\"04\"", "Periodicidad=\"06\""),
        ("Meses=\"12\"", "Meses=\"19\""),
        ("Meses=\"12\"", "Meses=\"00\""),
        ("Año=\"2025\"", "Año=\"25\""),
        ("Año=\"2025\"", "Ano=\"2025\""),
    ] {
        let reason = super::reason(xml.replace(from, to)).unwrap();
        assert_eq!(reason.code(), "invalid_informacion_global", "{to}");
    }
}

//! What an invoice's files hold.

use std::str::FromStr;

use onlycar::dev::gigstack::{Account, Item, Order, Period, Receiver};
use onlycar::invoicing::cfdi::{Accept, read};
use roxmltree::{Document, Node};
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Team, account, at};

const CFDI: &str = "http://www.sat.gob.mx/cfd/4";
const TFD: &str = "http://www.sat.gob.mx/TimbreFiscalDigital";

fn all<'d>(document: &'d Document<'d>, name: &'static str) -> Vec<Node<'d, 'd>> {
    let found = document.descendants();
    found.filter(|node| node.has_tag_name((CFDI, name))).collect()
}

fn amount(node: Node<'_, '_>, name: &str) -> Decimal {
    Decimal::from_str(node.attribute(name).unwrap()).unwrap()
}

/// SAT's arithmetic (Anexo 20, CFDI40108 to CFDI40221): sums to the centavo, and each tax within the limits of its base.
fn adds_up(document: &Document<'_>, rate: Decimal) {
    let root = document.root_element();
    let lines = all(document, "Concepto");
    let sum: Decimal = lines.iter().map(|line| amount(*line, "Importe")).sum();
    assert_eq!(amount(root, "SubTotal"), sum);
    let half = Decimal::new(5, 3);
    let mut taxes = Decimal::ZERO;
    for line in &lines {
        let tax = line
            .descendants()
            .find(|node| node.has_tag_name((CFDI, "Traslado")))
            .unwrap();
        let (base, iva) = (amount(tax, "Base"), amount(tax, "Importe"));
        assert_eq!(base, amount(*line, "Importe"));
        assert_eq!(amount(tax, "TasaOCuota"), rate);
        let low = ((base - half) * rate).round_dp_with_strategy(2, RoundingStrategy::ToZero);
        let high = ((base + half) * rate).round_dp_with_strategy(2, RoundingStrategy::AwayFromZero);
        assert!(low <= iva && iva <= high, "{base} * {rate} = {iva}");
        taxes += iva;
    }
    let total = root
        .children()
        .find(|node| node.has_tag_name((CFDI, "Impuestos")))
        .unwrap();
    assert_eq!(amount(total, "TotalImpuestosTrasladados"), taxes);
    assert_eq!(amount(root, "Total"), sum + taxes);
}

#[tokio::test]
async fn an_invoice_adds_up_at_every_price_and_rate() {
    for rate in [Decimal::new(16, 2), Decimal::new(8, 2)] {
        let team = Team::of(
            Account {
                vat: rate,
                ..account()
            },
            super::noon(),
        )
        .await;
        // Every fraction of a centavo that a price can leave.
        for centavos in (1..400).chain([99_999, 150_000, 123_456_789]) {
            let price = Decimal::new(centavos, 2);
            let invoice = team.gigstack.stamp(Order::of(price));
            let xml = String::from_utf8(team.gigstack.xml(&invoice)).unwrap();
            let document = Document::parse(&xml).unwrap();
            adds_up(&document, rate);
            assert_eq!(amount(document.root_element(), "Total"), price);
        }
    }
}

#[tokio::test]
async fn an_invoice_says_who_what_when_and_is_stamped() {
    // Summer, half past midnight in Nuevo Laredo: in Mexico City it is still the day, and the month, before.
    let team = Team::of(account(), at("2026-08-01T05:30:00Z")).await;
    let receiver = Receiver {
        name: "\"PEÑA & <HIJOS>\"".to_owned(),
        ..Receiver::sample()
    };
    let order = Order {
        receiver: Some(receiver),
        payment_form: "28".to_owned(),
        ..Order::default()
    };
    let invoice = team.gigstack.stamp(order);
    let xml = String::from_utf8(team.gigstack.xml(&invoice)).unwrap();
    assert_eq!(
        xml,
        String::from_utf8(team.gigstack.xml(&invoice)).unwrap(),
        "the same bytes each time"
    );
    let document = Document::parse(&xml).unwrap();
    let root = document.root_element();
    for (name, value) in [
        ("Version", "4.0"),
        ("Fecha", "2026-08-01T00:30:00"),
        ("Moneda", "MXN"),
        ("Total", "1500.00"),
        ("TipoDeComprobante", "I"),
        ("FormaPago", "28"),
        ("MetodoPago", "PUE"),
        ("LugarExpedicion", "88000"),
    ] {
        assert_eq!(root.attribute(name), Some(value), "{name}");
    }
    assert_eq!(all(&document, "Emisor")[0].attribute("Rfc"), Some("EKU9003173C9"));
    let receiver = all(&document, "Receptor")[0];
    for (name, value) in [
        ("Rfc", "XOJI740919U48"),
        ("Nombre", "\"PEÑA & <HIJOS>\""),
        ("DomicilioFiscalReceptor", "76028"),
        ("RegimenFiscalReceptor", "612"),
        ("UsoCFDI", "G03"),
    ] {
        assert_eq!(receiver.attribute(name), Some(value), "{name}");
    }
    let stamps: Vec<_> = document
        .descendants()
        .filter(|node| node.tag_name().namespace() == Some(TFD))
        .collect();
    assert_eq!(stamps.len(), 1);
    assert!(stamps[0].parent().unwrap().has_tag_name((CFDI, "Complemento")));
    assert_eq!(stamps[0].attribute("FechaTimbrado"), Some("2026-07-31T23:30:00"));
    assert_eq!(stamps[0].attribute("SelloCFD"), root.attribute("Sello"));
    let uuid = stamps[0].attribute("UUID").unwrap();
    assert!(uuid.eq_ignore_ascii_case(&invoice.uuid.to_string()));

    let ours = read(xml.as_bytes(), Accept::default()).unwrap();
    assert_eq!((ours.uuid, ours.total), (invoice.uuid, invoice.cfdi.total()));
    assert!(ours.seals_agree);
}

#[tokio::test]
async fn a_global_invoice_has_a_concept_per_sale_and_nobody_s_name() {
    let team = Team::new().await;
    let items = (1..=300).map(|n| Item {
        id: Some(format!("F-{n}")),
        description: "Afinación del coche de alguien".to_owned(),
        total: Decimal::new(n * 7 + 3, 2),
    });
    let order = Order {
        items: items.collect(),
        receiver: None,
        global: Some(Period {
            periodicity: "04".to_owned(),
            month: "10".to_owned(),
            year: 2026,
        }),
        ..Order::default()
    };
    let total = order.total();
    let invoice = team.gigstack.stamp(order);
    let xml = String::from_utf8(team.gigstack.xml(&invoice)).unwrap();
    let document = Document::parse(&xml).unwrap();
    adds_up(&document, Decimal::new(16, 2));
    assert_eq!(amount(document.root_element(), "Total"), total);
    let period = all(&document, "InformacionGlobal")[0];
    let told = ["Periodicidad", "Meses", "Año"].map(|name| period.attribute(name).unwrap());
    assert_eq!(told, ["04", "10", "2026"]);
    let receiver = all(&document, "Receptor")[0];
    let told = [
        "Rfc",
        "Nombre",
        "DomicilioFiscalReceptor",
        "RegimenFiscalReceptor",
        "UsoCFDI",
    ];
    let told = told.map(|name| receiver.attribute(name).unwrap());
    assert_eq!(
        told,
        ["XAXX010101000", "PUBLICO EN GENERAL", "88000", "616", "S01"]
    );
    let lines = all(&document, "Concepto");
    assert_eq!(lines.len(), 300);
    for (line, n) in lines.iter().zip(1..) {
        assert_eq!(line.attribute("NoIdentificacion"), Some(&*format!("F-{n}")));
        let told = ["ClaveProdServ", "ClaveUnidad", "Descripcion", "Cantidad"]
            .map(|name| line.attribute(name).unwrap());
        assert_eq!(told, ["01010101", "ACT", "Venta", "1"]);
    }
}

/// ISO 32000-1, 7.5: every place of the table is where its object begins.
fn is_a_pdf(pdf: &[u8]) {
    assert!(pdf.starts_with(b"%PDF-1.7\n"));
    assert!(pdf.ends_with(b"%%EOF\n"));
    let find = |text: &[u8]| {
        pdf.windows(text.len())
            .rposition(|window| window == text)
            .unwrap()
    };
    let number = |at: usize| -> usize {
        let digits = pdf[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        std::str::from_utf8(&pdf[at..at + digits])
            .unwrap()
            .parse()
            .unwrap()
    };
    let table = number(find(b"startxref\n") + 10);
    assert!(pdf[table..].starts_with(b"xref\n0 "));
    let count = number(table + 7);
    // After the line of the free object 0, each line has 20 bytes.
    let first = table + format!("xref\n0 {count}\n").len() + 20;
    for object in 1..count {
        let place = number(first + (object - 1) * 20);
        let begin = format!("{object} 0 obj\n");
        assert!(
            pdf[place..].starts_with(begin.as_bytes()),
            "object {object} at {place}"
        );
    }
}

#[tokio::test]
async fn a_pdf_is_one_and_shows_the_uuid_and_the_total() {
    let team = Team::new().await;
    let invoice = team.gigstack.stamp(Order::default());
    let pdf = team.gigstack.pdf(&invoice);
    is_a_pdf(&pdf);
    assert!(pdf.len() > 1024, "{}", pdf.len());
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.contains(&invoice.uuid.to_string().to_uppercase()), "{text}");
    assert!(text.contains("Total: 1500.00 MXN"), "{text}");

    team.gigstack.grow_pdfs(3_000_001);
    let pdf = team.gigstack.pdf(&invoice);
    is_a_pdf(&pdf);
    let streamed = team.get(&format!("/v1/invoices/{}/pdf", invoice.uuid)).await;
    assert_eq!(streamed.headers()["content-length"], pdf.len().to_string());
    assert!(streamed.bytes().await.unwrap() == pdf);
}

#[tokio::test]
async fn the_same_seed_makes_the_same_documents() {
    let (one, other) = (Team::new().await, Team::new().await);
    let made = |team: &Team| {
        let invoice = team.gigstack.stamp(Order::default());
        (invoice.id.clone(), team.gigstack.xml(&invoice))
    };
    assert_eq!(made(&one), made(&other));
    let third = Team::of(Account { seed: 2, ..account() }, super::noon()).await;
    assert_ne!(made(&one).0, made(&third).0);
}

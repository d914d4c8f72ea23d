//! Invoices that are made here: CFDI 4.0 as SAT's schema wants them, with a stamp that SAT never saw.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ground::clock::{BUSINESS_ZONE, CENTRAL_ZONE};

/// An invoice to be written. The times are instants; each is written by its own clock.
#[derive(Debug, Clone)]
pub struct Invoice {
    /// The folio fiscal.
    pub uuid: Uuid,
    /// A letter or so before the folio.
    pub serie: Option<String>,
    /// The number.
    pub folio: Option<String>,
    /// When it is issued, in Nuevo Laredo.
    pub issued_at: DateTime<Utc>,
    /// When the PAC stamps it.
    pub stamped_at: DateTime<Utc>,
    /// I, E, T, N or P.
    pub tipo: char,
    /// As in MXN.
    pub moneda: String,
    /// SAT's code, where the type has one.
    pub forma_pago: Option<String>,
    /// PUE or PPD, where the type has one.
    pub metodo_pago: Option<String>,
    /// Where it is issued.
    pub lugar_expedicion: String,
    /// Who issues it.
    pub emisor: Party,
    /// Who gets it.
    pub receptor: Party,
    /// The receiver's postal code; that of the issue, unless told.
    pub domicilio_receptor: Option<String>,
    /// What the receiver uses it for; what its regime allows, unless told.
    pub uso_cfdi: Option<String>,
    /// What is sold.
    pub conceptos: Vec<Line>,
    /// The period of a global invoice.
    pub global: Option<Global>,
}

/// Who issues or gets an invoice.
#[derive(Debug, Clone)]
pub struct Party {
    /// The tax id.
    pub rfc: String,
    /// The name as SAT has it.
    pub nombre: String,
    /// A code of c_RegimenFiscal.
    pub regimen: String,
}

impl Party {
    /// The receiver of a global invoice: nobody.
    pub fn public() -> Self {
        Self {
            rfc: "XAXX010101000".to_owned(),
            nombre: "PUBLICO EN GENERAL".to_owned(),
            regimen: "616".to_owned(),
        }
    }
}

/// `InformacionGlobal`.
#[derive(Debug, Clone)]
pub struct Global {
    /// 04 is a month.
    pub periodicidad: String,
    /// As in 07.
    pub meses: String,
    /// As in 2026.
    pub anio: i32,
}

/// Something sold.
#[derive(Debug, Clone)]
pub struct Line {
    /// The id of a sale, in a global invoice.
    pub no_identificacion: Option<String>,
    /// What it is.
    pub descripcion: String,
    /// Before IVA.
    pub importe: Decimal,
    /// The IVA.
    pub iva: Decimal,
    /// 0.16, or 0.08 on the border.
    pub tasa: Decimal,
}

impl Line {
    /// From what the client paid, in centavos: IVA is what is left of it, so that the total is right to the centavo.
    pub fn paid(no_identificacion: Option<&str>, descripcion: &str, paid: Decimal, tasa: Decimal) -> Self {
        let importe = centavos(paid / (Decimal::ONE + tasa));
        Self {
            no_identificacion: no_identificacion.map(str::to_owned),
            descripcion: descripcion.to_owned(),
            importe,
            iva: centavos(paid) - importe,
            tasa,
        }
    }
}

fn centavos(amount: Decimal) -> Decimal {
    let mut rounded = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(2);
    rounded
}

impl Invoice {
    /// An ordinary invoice: income in pesos, paid at once by transfer.
    pub fn new(uuid: Uuid, issued_at: DateTime<Utc>, emisor: Party, receptor: Party) -> Self {
        Self {
            uuid,
            serie: Some("A".to_owned()),
            folio: Some("1".to_owned()),
            issued_at,
            stamped_at: issued_at,
            tipo: 'I',
            moneda: "MXN".to_owned(),
            forma_pago: Some("03".to_owned()),
            metodo_pago: Some("PUE".to_owned()),
            lugar_expedicion: "88000".to_owned(),
            emisor,
            receptor,
            domicilio_receptor: None,
            uso_cfdi: None,
            conceptos: Vec::new(),
            global: None,
        }
    }

    /// The sum before IVA.
    pub fn subtotal(&self) -> Decimal {
        self.conceptos.iter().map(|line| line.importe).sum()
    }

    /// What is paid.
    pub fn total(&self) -> Decimal {
        self.subtotal() + self.iva()
    }

    fn iva(&self) -> Decimal {
        self.conceptos.iter().map(|line| line.iva).sum()
    }

    /// The document.
    pub fn xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.begin(&mut xml);
        self.parties(&mut xml);
        self.lines(&mut xml);
        self.taxes(&mut xml);
        self.stamp(&mut xml);
        xml.push_str("</cfdi:Comprobante>\n");
        xml
    }

    fn begin(&self, xml: &mut String) {
        xml.push_str("<cfdi:Comprobante xmlns:cfdi=\"http://www.sat.gob.mx/cfd/4\"");
        xml.push_str(" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"");
        xml.push_str("http://www.sat.gob.mx/cfd/4 http://www.sat.gob.mx/sitio_internet/cfd/4/cfdv40.xsd\"");
        let issued = self.issued_at.with_timezone(&BUSINESS_ZONE);
        let (fecha, tipo) = (
            issued.format("%Y-%m-%dT%H:%M:%S").to_string(),
            self.tipo.to_string(),
        );
        let (subtotal, total) = (self.subtotal().to_string(), self.total().to_string());
        let (sello, certificado) = (self.seal("sello", 256), self.seal("certificado", 1008));
        attributes(
            xml,
            &[
                ("Version", Some("4.0")),
                ("Serie", self.serie.as_deref()),
                ("Folio", self.folio.as_deref()),
                ("Fecha", Some(&fecha)),
                ("Sello", Some(&sello)),
                ("FormaPago", self.forma_pago.as_deref()),
                ("NoCertificado", Some("30001000000500003416")),
                ("Certificado", Some(&certificado)),
                ("SubTotal", Some(&subtotal)),
                ("Moneda", Some(&self.moneda)),
                ("Total", Some(&total)),
                ("TipoDeComprobante", Some(&tipo)),
                ("Exportacion", Some("01")),
                ("MetodoPago", self.metodo_pago.as_deref()),
                ("LugarExpedicion", Some(&self.lugar_expedicion)),
            ],
        );
        xml.push_str(">\n");
    }

    fn parties(&self, xml: &mut String) {
        if let Some(global) = &self.global {
            let anio = global.anio.to_string();
            let period = [
                ("Periodicidad", Some(global.periodicidad.as_str())),
                ("Meses", Some(&global.meses)),
                ("Año", Some(&anio)),
            ];
            empty(xml, "  <cfdi:InformacionGlobal", &period);
        }
        let emisor = [
            ("Rfc", Some(self.emisor.rfc.as_str())),
            ("Nombre", Some(&self.emisor.nombre)),
            ("RegimenFiscal", Some(&self.emisor.regimen)),
        ];
        empty(xml, "  <cfdi:Emisor", &emisor);
        let uso = if self.receptor.regimen == "616" {
            "S01"
        } else {
            "G03"
        };
        let receptor = [
            ("Rfc", Some(self.receptor.rfc.as_str())),
            ("Nombre", Some(&self.receptor.nombre)),
            (
                "DomicilioFiscalReceptor",
                Some(self.domicilio_receptor.as_ref().unwrap_or(&self.lugar_expedicion)),
            ),
            ("RegimenFiscalReceptor", Some(&self.receptor.regimen)),
            ("UsoCFDI", Some(self.uso_cfdi.as_deref().unwrap_or(uso))),
        ];
        empty(xml, "  <cfdi:Receptor", &receptor);
    }

    fn lines(&self, xml: &mut String) {
        xml.push_str("  <cfdi:Conceptos>\n");
        for line in &self.conceptos {
            xml.push_str("    <cfdi:Concepto");
            let importe = line.importe.to_string();
            let (clave, unit) = match self.global {
                Some(_) => ("01010101", "ACT"),
                None => ("78181500", "E48"),
            };
            attributes(
                xml,
                &[
                    ("ClaveProdServ", Some(clave)),
                    ("NoIdentificacion", line.no_identificacion.as_deref()),
                    ("Cantidad", Some("1")),
                    ("ClaveUnidad", Some(unit)),
                    ("Descripcion", Some(&line.descripcion)),
                    ("ValorUnitario", Some(&importe)),
                    ("Importe", Some(&importe)),
                    ("ObjetoImp", Some("02")),
                ],
            );
            xml.push_str(">\n      <cfdi:Impuestos><cfdi:Traslados>");
            transfer(xml, line.importe, line.iva, line.tasa);
            xml.push_str("</cfdi:Traslados></cfdi:Impuestos>\n    </cfdi:Concepto>\n");
        }
        xml.push_str("  </cfdi:Conceptos>\n");
    }

    /// The taxes of all lines, by their rate.
    fn taxes(&self, xml: &mut String) {
        let mut rates: Vec<Decimal> = self.conceptos.iter().map(|line| line.tasa).collect();
        rates.sort();
        rates.dedup();
        if rates.is_empty() {
            return;
        }
        let iva = self.iva().to_string();
        xml.push_str("  <cfdi:Impuestos");
        attributes(xml, &[("TotalImpuestosTrasladados", Some(&iva))]);
        xml.push_str("><cfdi:Traslados>");
        for rate in rates {
            let of_rate = || self.conceptos.iter().filter(|line| line.tasa == rate);
            let base = of_rate().map(|line| line.importe).sum();
            transfer(xml, base, of_rate().map(|line| line.iva).sum(), rate);
        }
        xml.push_str("</cfdi:Traslados></cfdi:Impuestos>\n");
    }

    fn stamp(&self, xml: &mut String) {
        let stamped = self.stamped_at.with_timezone(&CENTRAL_ZONE);
        let fecha = stamped.format("%Y-%m-%dT%H:%M:%S").to_string();
        let uuid = self.uuid.to_string().to_uppercase();
        let (sello, sello_sat) = (self.seal("sello", 256), self.seal("sat", 256));
        xml.push_str("  <cfdi:Complemento>\n");
        let stamp = [
            ("xmlns:tfd", Some("http://www.sat.gob.mx/TimbreFiscalDigital")),
            ("Version", Some("1.1")),
            ("UUID", Some(&*uuid)),
            ("FechaTimbrado", Some(&fecha)),
            ("RfcProvCertif", Some("SPR190613I52")),
            ("SelloCFD", Some(&sello)),
            ("NoCertificadoSAT", Some("30001000000500003456")),
            ("SelloSAT", Some(&sello_sat)),
        ];
        empty(xml, "    <tfd:TimbreFiscalDigital", &stamp);
        xml.push_str("  </cfdi:Complemento>\n");
    }

    /// What looks like a seal, another one for each invoice.
    fn seal(&self, of: &str, length: usize) -> String {
        let block = |number: usize| Sha256::digest(format!("{of} {} {number}", self.uuid));
        let bytes: Vec<u8> = (0..length.div_ceil(32)).flat_map(block).take(length).collect();
        STANDARD.encode(bytes)
    }
}

fn transfer(xml: &mut String, base: Decimal, iva: Decimal, rate: Decimal) {
    let mut rate = rate;
    rate.rescale(6);
    let (base, iva, rate) = (base.to_string(), iva.to_string(), rate.to_string());
    xml.push_str("<cfdi:Traslado");
    let transfer = [
        ("Base", Some(&*base)),
        ("Impuesto", Some("002")),
        ("TipoFactor", Some("Tasa")),
        ("TasaOCuota", Some(&rate)),
        ("Importe", Some(&iva)),
    ];
    attributes(xml, &transfer);
    xml.push_str("/>");
}

fn empty(xml: &mut String, start: &str, list: &[(&str, Option<&str>)]) {
    xml.push_str(start);
    attributes(xml, list);
    xml.push_str("/>\n");
}

fn attributes(xml: &mut String, list: &[(&str, Option<&str>)]) {
    for (name, value) in list {
        if let Some(value) = value {
            let escaped = value
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('"', "&quot;");
            // Writing to a text does not fail.
            let _ = write!(xml, " {name}=\"{escaped}\"");
        }
    }
}

//! Reads a CFDI: from bytes to the values we record, or to the reason why nothing of it is recorded. Pure: no network,
//! no database, no clock, and time and memory that are linear in the bytes, whoever wrote them.

mod check;
mod clocks;
mod document;
mod fields;
mod rejection;
mod retention;
mod xml;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

pub use check::{Expected, Mismatch, check};
pub use rejection::{Reason, Rejection};
pub use retention::conservar_hasta;

use crate::ground::values::Currency;
use document::{Document, Root, Stamp};

/// A global invoice takes about 440 bytes per sale: room for nine thousand.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Which documents are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accept {
    /// 3.3 too, which was valid until March 2023. What is issued today is 4.0.
    pub cfdi_33: bool,
}

/// A stamped invoice. It holds no name and no address; the two RFCs are for comparing, not for recording.
#[derive(Debug, Clone)]
pub struct Cfdi {
    /// `Comprobante@Version`.
    pub version: Version,
    /// `TimbreFiscalDigital@UUID`, the folio fiscal.
    pub uuid: Uuid,
    /// `TimbreFiscalDigital@SelloSAT`, without blanks.
    pub sello_sat: String,
    /// `TimbreFiscalDigital@FechaTimbrado`, central time.
    pub fecha_timbrado: Moment,
    /// `TimbreFiscalDigital@NoCertificadoSAT`.
    pub no_certificado_sat: String,
    /// `TimbreFiscalDigital@RfcProvCertif`, the PAC; some old stamps lack it.
    pub rfc_prov_certif: Option<Rfc>,
    /// Whether the seal that was stamped is the one of the document.
    pub seals_agree: bool,
    /// `Comprobante@Serie`.
    pub serie: Option<String>,
    /// `Comprobante@Folio`: a text, `007` is not 7.
    pub folio: Option<String>,
    /// `Comprobante@Fecha`, local time on the border.
    pub fecha_emision: Moment,
    /// `Comprobante@Total`, with as many decimals as are written.
    pub total: Decimal,
    /// `Comprobante@Moneda`; XXX where there is no money.
    pub moneda: Currency,
    /// `Comprobante@TipoDeComprobante`.
    pub tipo_comprobante: TipoComprobante,
    /// `Comprobante@FormaPago`, a code of SAT: 01 cash, 03 transfer, 04 credit card, 28 debit card.
    pub forma_pago: Option<String>,
    /// `Comprobante@MetodoPago`: PUE or PPD.
    pub metodo_pago: Option<String>,
    /// `Comprobante@LugarExpedicion`, a postal code.
    pub lugar_expedicion: String,
    /// `Emisor@Rfc`.
    pub emisor_rfc: Rfc,
    /// `Receptor@Rfc`.
    pub receptor_rfc: Rfc,
    /// The period, where it is a global invoice.
    pub informacion_global: Option<InformacionGlobal>,
    /// What was sold, one by one, to compare a global invoice with the sales.
    pub conceptos: Vec<Concepto>,
}

/// Which Anexo 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// In force.
    V40,
    /// Until March 2023.
    V33,
}

impl Version {
    /// As it is written.
    pub fn code(self) -> &'static str {
        match self {
            Self::V40 => "4.0",
            Self::V33 => "3.3",
        }
    }
}

/// A time as the document writes it, and when that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// As `2026-07-01T00:30:00`.
    pub text: String,
    /// The instant.
    pub at: DateTime<Utc>,
}

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TipoComprobante {
    /// I: income.
    Ingreso,
    /// E: a credit note.
    Egreso,
    /// T: goods on their way.
    Traslado,
    /// N: wages.
    Nomina,
    /// P: a payment received for an earlier invoice.
    Pago,
}

impl TipoComprobante {
    /// From SAT's letter.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "I" => Some(Self::Ingreso),
            "E" => Some(Self::Egreso),
            "T" => Some(Self::Traslado),
            "N" => Some(Self::Nomina),
            "P" => Some(Self::Pago),
            _ => None,
        }
    }

    /// SAT's letter.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ingreso => "I",
            Self::Egreso => "E",
            Self::Traslado => "T",
            Self::Nomina => "N",
            Self::Pago => "P",
        }
    }
}

/// The tax id of somebody. Who prints the value that holds it prints no tax id.
#[derive(Clone, PartialEq, Eq)]
pub struct Rfc(String);

impl Rfc {
    /// Of whom no RFC is known: the receiver of a global invoice.
    const PUBLIC: &'static str = "XAXX010101000";

    /// Whether it is this one; blanks and small letters do not matter.
    pub fn is(&self, rfc: &str) -> bool {
        self.0 == rfc.trim().to_uppercase()
    }

    /// Whether it is nobody's.
    pub fn is_public(&self) -> bool {
        self.0 == Self::PUBLIC
    }

    /// The id itself: to ask SAT for the state of a document. It goes into no row, log or mail.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// `InformacionGlobal`: which sales a global invoice covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InformacionGlobal {
    /// 1 a day, 2 a week, 3 two weeks, 4 a month, 5 two months.
    pub periodicidad: u8,
    /// The month, or 13 to 18 for two of them.
    pub meses: u8,
    /// The year of the sales: that of December's invoice, stamped in January, is the year before.
    pub anio: i32,
}

impl InformacionGlobal {
    /// That of a month.
    pub fn monthly(anio: i32, month: u8) -> Self {
        Self {
            periodicidad: 4,
            meses: month,
            anio,
        }
    }
}

/// A line of an invoice; of a global one, a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concepto {
    /// Of a global invoice, the id of the sale.
    pub no_identificacion: Option<String>,
    /// Before discount and taxes.
    pub importe: Decimal,
    /// What is taken off.
    pub descuento: Decimal,
    /// What is added, less what is withheld.
    pub impuestos: Decimal,
}

impl Concepto {
    /// What the client paid for it.
    pub fn total(&self) -> Decimal {
        self.importe - self.descuento + self.impuestos
    }
}

impl Cfdi {
    /// The day from which it may go.
    pub fn conservar_hasta(&self) -> chrono::NaiveDate {
        conservar_hasta(self.fecha_emision.at)
    }
}

/// Reads the bytes of a document, as they were downloaded.
pub fn read(bytes: &[u8], accept: Accept) -> Result<Cfdi, Rejection> {
    let text = text(bytes)?;
    let mut document = Document::default();
    xml::walk(text, &mut document)?;
    let root = document.root.take().ok_or_else(|| {
        let sentence = "the document is not a Comprobante of CFDI";
        Rejection::new(Reason::NotAComprobante, sentence)
    })?;
    let version = version(&root, accept)?;
    let stamp = stamp(&document)?;
    let cfdi = values(version, &root, stamp, &document)?;
    Ok(Cfdi {
        conceptos: document.concepts,
        ..cfdi
    })
}

fn text(bytes: &[u8]) -> Result<&str, Rejection> {
    if bytes.is_empty() {
        return Err(Rejection::new(Reason::Empty, "the document is empty"));
    }
    if bytes.len() > MAX_BYTES {
        return Err(Rejection::new(
            Reason::TooLarge,
            "the document is larger than 4 MiB",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let sentence = format!("byte {} is not UTF-8", error.valid_up_to());
        Rejection::new(Reason::UnsupportedEncoding, sentence)
    })?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

fn version(root: &Root<'_>, accept: Accept) -> Result<Version, Rejection> {
    let written = root.version.as_deref().map(str::trim);
    let refuse = |reason, sentence: &'static str| Err(Rejection::new(reason, sentence));
    match (written, root.is_cfdi4) {
        (Some("4.0"), true) => Ok(Version::V40),
        (Some("3.3"), false) if accept.cfdi_33 => Ok(Version::V33),
        (Some("3.3"), false) => refuse(
            Reason::UnsupportedVersion,
            "Comprobante@Version is 3.3, which is not accepted here",
        ),
        (Some("4.0"), false) | (Some("3.3"), true) => refuse(
            Reason::VersionNamespaceMismatch,
            "Comprobante@Version is not the version of its namespace",
        ),
        (None, false) if root.old_version.as_deref() == Some("3.2") => refuse(
            Reason::UnsupportedVersion32,
            "Comprobante@version is 3.2, which is obsolete since 2017",
        ),
        _ => refuse(Reason::UnsupportedVersion, "Comprobante@Version is not 4.0"),
    }
}

fn stamp<'d, 'a>(document: &'d Document<'a>) -> Result<&'d Stamp<'a>, Rejection> {
    let stamp = match (document.stamps.as_slice(), document.stamps_anywhere) {
        ([stamp], 1) => stamp,
        ([], _) => {
            let sentence =
                "Comprobante/Complemento has no TimbreFiscalDigital: the document was never stamped";
            return Err(Rejection::new(Reason::NotStamped, sentence));
        }
        _ => {
            let sentence = "the document has more than one TimbreFiscalDigital";
            return Err(Rejection::new(Reason::MultipleStamps, sentence));
        }
    };
    // Stamps of 3.2 are 1.0, with other names of attributes.
    if stamp.version.as_deref().map(str::trim) != Some("1.1") {
        let sentence = "TimbreFiscalDigital@Version is not 1.1";
        return Err(Rejection::new(Reason::UnsupportedStampVersion, sentence));
    }
    Ok(stamp)
}

fn values(
    version: Version,
    root: &Root<'_>,
    stamp: &Stamp<'_>,
    document: &Document<'_>,
) -> Result<Cfdi, Rejection> {
    let uuid = fields::uuid(&stamp.uuid)?;
    let sello_sat = fields::seal(&stamp.sello_sat, "TimbreFiscalDigital@SelloSAT")?;
    let sello_cfd = fields::seal(&stamp.sello_cfd, "TimbreFiscalDigital@SelloCFD")?;
    let sello = root.sello.as_deref().map(fields::without_blanks);
    let (fecha_timbrado, fecha_emision) = moments(root, stamp)?;
    let cfdi = Cfdi {
        version,
        uuid,
        sello_sat,
        fecha_timbrado,
        no_certificado_sat: fields::certificate_number(&stamp.no_certificado_sat)?,
        rfc_prov_certif: fields::rfc_of_pac(&stamp.rfc_prov_certif),
        seals_agree: sello.is_some_and(|sello| sello == sello_cfd),
        serie: fields::serie(&root.serie)?,
        folio: fields::folio(&root.folio)?,
        fecha_emision,
        total: fields::total(&root.total)?,
        moneda: fields::currency(&root.moneda)?,
        tipo_comprobante: fields::kind(&root.tipo)?,
        forma_pago: fields::payment_form(&root.forma_pago)?,
        metodo_pago: fields::payment_method(&root.metodo_pago)?,
        lugar_expedicion: fields::place(&root.lugar_expedicion)?,
        emisor_rfc: fields::party(Reason::InvalidIssuer, "Emisor@Rfc", &document.issuers)?,
        receptor_rfc: fields::party(Reason::InvalidReceiver, "Receptor@Rfc", &document.receivers)?,
        informacion_global: fields::global(&document.globals)?,
        conceptos: Vec::new(),
    };
    document.bad_concept.map_or(Ok(cfdi), |bad| Err(bad.into()))
}

fn moments(root: &Root<'_>, stamp: &Stamp<'_>) -> Result<(Moment, Moment), Rejection> {
    let place = "TimbreFiscalDigital@FechaTimbrado";
    let (text, local) = fields::date(Reason::InvalidStampDate, place, &stamp.fecha_timbrado)?;
    let stamped = Moment {
        text,
        at: clocks::stamped(local),
    };
    let (text, local) = fields::date(Reason::InvalidIssueDate, "Comprobante@Fecha", &root.fecha)?;
    let at = clocks::issued(local, stamped.at);
    Ok((stamped, Moment { text, at }))
}

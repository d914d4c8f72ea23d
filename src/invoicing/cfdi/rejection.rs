//! Why a document is not recorded.

use std::borrow::Cow;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The kinds of rejection. The codes are public: people filter by them.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable name, as in `reject:not_stamped`.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

reasons! {
    /// No byte.
    Empty = "empty",
    /// More bytes than any invoice of ours.
    TooLarge = "too_large",
    /// Not UTF-8, or declared to be something else.
    UnsupportedEncoding = "unsupported_encoding",
    /// A document type: it can define entities, and no CFDI has one.
    DtdNotAllowed = "dtd_not_allowed",
    /// Not XML by the grammar of XML 1.0 and its namespaces.
    MalformedXml = "malformed_xml",
    /// Elements within elements without end.
    TooDeep = "too_deep",
    /// One element with more attributes than any CFDI.
    TooManyAttributes = "too_many_attributes",
    /// More namespace declarations in force than any CFDI.
    TooManyNamespaces = "too_many_namespaces",
    /// More concepts than the size of a document allows for real ones.
    TooManyConcepts = "too_many_concepts",
    /// Another document, as a `Retenciones`.
    NotAComprobante = "not_a_cfdi_comprobante",
    /// Neither 4.0 nor, where it is allowed, 3.3.
    UnsupportedVersion = "unsupported_version",
    /// 3.2, obsolete since 2017: its attributes have other names.
    UnsupportedVersion32 = "unsupported_version_3.2",
    /// A version in the namespace of another one.
    VersionNamespaceMismatch = "version_namespace_mismatch",
    /// No `TimbreFiscalDigital` where it has to be: a draft, or an invention.
    NotStamped = "not_stamped",
    /// Two stamps: which one is meant?
    MultipleStamps = "multiple_stamps",
    /// Not 1.1.
    UnsupportedStampVersion = "unsupported_stamp_version",
    /// Not the 36 characters of a UUID, or the nil one.
    InvalidUuid = "invalid_uuid",
    /// SAT's seal, or the copy of the issuer's in the stamp.
    InvalidSeal = "invalid_sello_sat",
    /// The number of SAT's certificate.
    InvalidCertificateNumber = "invalid_no_certificado_sat",
    /// No date and time as Anexo 20 writes them.
    InvalidStampDate = "invalid_fecha_timbrado",
    /// No date and time as Anexo 20 writes them.
    InvalidIssueDate = "invalid_fecha_emision",
    /// Not digits, at most 18 and 6 after the point.
    InvalidTotal = "invalid_monto_total",
    /// Not three capitals.
    InvalidCurrency = "invalid_moneda",
    /// None of I, E, T, N and P.
    InvalidType = "invalid_tipo_comprobante",
    /// More than 25 characters, or none.
    InvalidSerie = "invalid_serie",
    /// More than 40 characters, or none.
    InvalidFolio = "invalid_folio",
    /// Not two digits.
    InvalidPaymentForm = "invalid_forma_pago",
    /// Neither PUE nor PPD.
    InvalidPaymentMethod = "invalid_metodo_pago",
    /// Not five digits.
    InvalidPlace = "invalid_lugar_expedicion",
    /// None, two, or not the form of an RFC.
    InvalidIssuer = "invalid_emisor",
    /// None, two, or not the form of an RFC.
    InvalidReceiver = "invalid_receptor",
    /// Two, or one without period, months and year.
    InvalidGlobal = "invalid_informacion_global",
    /// A concept whose id or amount cannot be read.
    InvalidConcept = "invalid_concepto",
}

/// What is wrong with a document and where. It never quotes the document: that may be somebody's name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Rejection {
    /// Which kind.
    pub reason: Reason,
    sentence: Cow<'static, str>,
}

impl Rejection {
    pub(super) fn new(reason: Reason, sentence: impl Into<Cow<'static, str>>) -> Self {
        let sentence = sentence.into();
        Self { reason, sentence }
    }

    /// The same with the line, counted from the offset in the text.
    pub(super) fn at(reason: Reason, what: &str, text: &str, offset: usize) -> Self {
        let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
        let line = before.split(|byte| *byte == b'\n').count();
        Self::new(reason, format!("line {line}: {what}"))
    }

    /// As the command line says it: `reject:` and the reason.
    pub fn verdict(&self) -> String {
        format!("reject:{}", self.reason.code())
    }
}

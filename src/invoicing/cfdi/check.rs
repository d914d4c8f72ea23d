//! Whether a document is the one that was meant.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::fields::is_base64;
use super::{Cfdi, InformacionGlobal, TipoComprobante};
use crate::ground::values::Currency;

/// What is known of the document that was asked for. What is `None` is not compared.
#[derive(Debug, Default, Clone)]
pub struct Expected<'a> {
    /// The one that the provider named, and that was downloaded.
    pub uuid: Option<Uuid>,
    /// `EMISOR_RFC`.
    pub emisor_rfc: Option<&'a str>,
    /// What was charged. The scale does not matter.
    pub total: Option<Decimal>,
    /// Its currency.
    pub moneda: Option<Currency>,
    /// Income, credit note, payment.
    pub tipo: Option<TipoComprobante>,
    /// The period of a global invoice, which also names nobody as its receiver.
    pub global: Option<InformacionGlobal>,
    /// Whether SAT's seal has to look like one, and the issuer's has to be the one that was stamped: where it is not,
    /// the document was edited after. Samples and test stamps of PACs fall short of it; what is real does not.
    pub sealed: bool,
}

/// In what a document differs. The values are not told: they may be another taxpayer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another invoice.
    #[error("TimbreFiscalDigital@UUID is not the one that was asked for")]
    Uuid,
    /// Somebody else's.
    #[error("Emisor@Rfc is not the expected issuer")]
    Issuer,
    /// Another amount.
    #[error("Comprobante@Total is not the expected amount")]
    Total,
    /// Another currency.
    #[error("Comprobante@Moneda is not the expected currency")]
    Currency,
    /// A credit note for an invoice, or the like.
    #[error("Comprobante@TipoDeComprobante is not the expected type")]
    Type,
    /// A global invoice that names a receiver.
    #[error("Receptor@Rfc is not XAXX010101000, as a global invoice needs")]
    NotForThePublic,
    /// No global invoice, or that of another period.
    #[error("InformacionGlobal is missing or of another period")]
    GlobalPeriod,
    /// A sample, or the like.
    #[error("TimbreFiscalDigital@SelloSAT is empty or not base64")]
    NoSeal,
    /// Edited after it was stamped.
    #[error(
        "TimbreFiscalDigital@SelloCFD is not Comprobante@Sello: the document is not the one that was stamped"
    )]
    Seal,
}

impl Mismatch {
    /// The stable name, as in `reject:issuer_mismatch`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Uuid => "uuid_mismatch",
            Self::Issuer => "issuer_mismatch",
            Self::Total => "total_mismatch",
            Self::Currency => "currency_mismatch",
            Self::Type => "type_mismatch",
            Self::NotForThePublic => "not_public_in_general",
            Self::GlobalPeriod => "global_period_mismatch",
            Self::NoSeal => "sat_seal_not_base64",
            Self::Seal => "seal_mismatch",
        }
    }

    /// As the command line says it: `reject:` and the reason.
    pub fn verdict(self) -> String {
        format!("reject:{}", self.code())
    }
}

/// Compares a document with what is known of it; the first difference.
pub fn check(cfdi: &Cfdi, expected: &Expected<'_>) -> Result<(), Mismatch> {
    let issuer = |rfc: &str| cfdi.emisor_rfc.is(rfc);
    let public = expected.global.is_none() || cfdi.receptor_rfc.is_public();
    let told = [
        (expected.uuid.is_none_or(|uuid| uuid == cfdi.uuid), Mismatch::Uuid),
        (expected.emisor_rfc.is_none_or(issuer), Mismatch::Issuer),
        (
            expected.total.is_none_or(|total| total == cfdi.total),
            Mismatch::Total,
        ),
        (
            expected.moneda.is_none_or(|moneda| moneda == cfdi.moneda),
            Mismatch::Currency,
        ),
        (
            expected.tipo.is_none_or(|tipo| tipo == cfdi.tipo_comprobante),
            Mismatch::Type,
        ),
        (public, Mismatch::NotForThePublic),
        (
            expected.global.is_none() || expected.global == cfdi.informacion_global,
            Mismatch::GlobalPeriod,
        ),
        (!expected.sealed || is_base64(&cfdi.sello_sat), Mismatch::NoSeal),
        (!expected.sealed || cfdi.seals_agree, Mismatch::Seal),
    ];
    told.into_iter()
        .find(|(agrees, _)| !agrees)
        .map_or(Ok(()), |(_, mismatch)| Err(mismatch))
}

//! From what is written to values, by the patterns of SAT's schemas.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDateTime;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::document::Written;
use super::rejection::{Reason, Rejection};
use super::{Concepto, InformacionGlobal, Rfc, TipoComprobante};
use crate::ground::values::Currency;

/// What is wrong with a value: which kind, where it stands, and what it should be.
#[derive(Clone, Copy, Debug)]
pub struct Bad(Reason, &'static str, &'static str);

impl From<Bad> for Rejection {
    fn from(Bad(reason, place, wanted): Bad) -> Self {
        Self::new(reason, format!("{place}: {wanted}"))
    }
}

pub const BAD_TAX: Bad = Bad(
    Reason::InvalidConcept,
    "Concepto/Impuestos@Importe",
    "not an amount as 1000.00",
);

/// A value of the schema's types, which all collapse white space around them.
fn trimmed<'w>(written: &'w Written<'_>) -> Option<&'w str> {
    written.as_deref().map(str::trim)
}

/// A value that has to be there.
fn required<T>(
    written: &Written<'_>,
    read: impl FnOnce(&str) -> Option<T>,
    bad: Bad,
) -> Result<T, Rejection> {
    let Some(text) = trimmed(written) else {
        return Err(Rejection::new(bad.0, format!("{} is missing", bad.1)));
    };
    read(text).ok_or_else(|| bad.into())
}

/// A value that may be left out.
fn optional<T>(
    written: &Written<'_>,
    read: impl FnOnce(&str) -> Option<T>,
    bad: Bad,
) -> Result<Option<T>, Rejection> {
    let Some(text) = trimmed(written) else {
        return Ok(None);
    };
    read(text).map(Some).ok_or_else(|| bad.into())
}

fn text_if(text: &str, good: bool) -> Option<String> {
    good.then(|| text.to_owned())
}

fn digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn length(text: &str, longest: usize) -> bool {
    let length = text.chars().take(longest + 1).count();
    (1..=longest).contains(&length)
}

/// The 36 characters and nothing else: `Uuid::parse_str` would take braces, `urn:uuid:` and no hyphens too. The
/// version is not looked at; PACs use versions 1, 4 and 5.
pub fn uuid(written: &Written<'_>) -> Result<Uuid, Rejection> {
    let bad = Bad(
        Reason::InvalidUuid,
        "TimbreFiscalDigital@UUID",
        "not 8-4-4-4-12 hexadecimal digits, or all of them zero",
    );
    let read = |text: &str| {
        let hyphens = |at| matches!(at, 8 | 13 | 18 | 23);
        let pattern = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| {
                if hyphens(at) {
                    byte == b'-'
                } else {
                    byte.is_ascii_hexdigit()
                }
            });
        pattern
            .then(|| Uuid::parse_str(text).ok())
            .flatten()
            .filter(|uuid| !uuid.is_nil())
    };
    required(written, read, bad)
}

/// SAT's seal is recorded, not verified: that needs SAT's certificate, which is not in the document. The schema calls it
/// a text, and samples have an empty one or one that is not base64: [`super::Expected::sealed`] asks for more.
pub fn seal(written: &Written<'_>, place: &'static str) -> Result<String, Rejection> {
    let wanted = "not a seal: printable characters, at most 4,096 of them";
    let read = |text: &str| {
        let compact = without_blanks(text);
        let good = compact.len() <= 4096 && compact.bytes().all(|byte| byte.is_ascii_graphic());
        good.then(|| compact.into_owned())
    };
    required(written, read, Bad(Reason::InvalidSeal, place, wanted))
}

/// Whether a seal may be one: base64, and of some length.
pub fn is_base64(seal: &str) -> bool {
    let body = seal.trim_end_matches('=');
    let letters = body
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    !body.is_empty() && letters && seal.len() - body.len() <= 2 && seal.len().is_multiple_of(4)
}

/// Base64 may be wrapped; a line's end in an attribute is a blank.
pub fn without_blanks(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_whitespace) {
        Cow::Owned(text.split_whitespace().collect())
    } else {
        Cow::Borrowed(text)
    }
}

pub fn certificate_number(written: &Written<'_>) -> Result<String, Rejection> {
    let place = "TimbreFiscalDigital@NoCertificadoSAT";
    let bad = Bad(Reason::InvalidCertificateNumber, place, "not 20 digits");
    required(written, |text| text_if(text, digits(text, 20)), bad)
}

/// `AAAA-MM-DDThh:mm:ss`, a day and a second that exist, without a zone.
pub fn date(
    reason: Reason,
    place: &'static str,
    written: &Written<'_>,
) -> Result<(String, NaiveDateTime), Rejection> {
    let read = |text: &str| {
        let shape = text.len() == 19
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                10 => byte == b'T',
                13 | 16 => byte == b':',
                _ => byte.is_ascii_digit(),
            });
        // The schema has seconds up to 59: chrono would take a leap second.
        let leap = text.ends_with("60");
        let parsed = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok()?;
        (shape && !leap).then(|| (text.to_owned(), parsed))
    };
    let wanted = "not a date and time as 2026-07-01T00:30:00";
    required(written, read, Bad(reason, place, wanted))
}

/// The schema's `t_Importe`: no sign, no exponent, no separators. The scale stays as it is written.
pub fn amount(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let (whole, decimals) = text
        .split_once('.')
        .map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let good = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !good(whole, 18) || decimals.is_some_and(|decimals| !good(decimals, 6)) {
        return None;
    }
    Decimal::from_str(text).ok()
}

pub fn total(written: &Written<'_>) -> Result<Decimal, Rejection> {
    let wanted = "not an amount as 1000.00, with at most 18 digits and 6 decimals";
    required(
        written,
        amount,
        Bad(Reason::InvalidTotal, "Comprobante@Total", wanted),
    )
}

pub fn currency(written: &Written<'_>) -> Result<Currency, Rejection> {
    let bad = Bad(
        Reason::InvalidCurrency,
        "Comprobante@Moneda",
        "not three capitals as MXN",
    );
    let read = |text: &str| {
        let capitals = text.bytes().all(|byte| byte.is_ascii_uppercase());
        capitals.then(|| text.parse().ok()).flatten()
    };
    required(written, read, bad)
}

pub fn kind(written: &Written<'_>) -> Result<TipoComprobante, Rejection> {
    let place = "Comprobante@TipoDeComprobante";
    let bad = Bad(Reason::InvalidType, place, "none of I, E, T, N and P");
    required(written, TipoComprobante::from_code, bad)
}

pub fn serie(written: &Written<'_>) -> Result<Option<String>, Rejection> {
    let bad = Bad(
        Reason::InvalidSerie,
        "Comprobante@Serie",
        "not 1 to 25 characters without |",
    );
    optional(
        written,
        |text| text_if(text, length(text, 25) && !text.contains('|')),
        bad,
    )
}

pub fn folio(written: &Written<'_>) -> Result<Option<String>, Rejection> {
    let bad = Bad(
        Reason::InvalidFolio,
        "Comprobante@Folio",
        "not 1 to 40 characters without |",
    );
    optional(
        written,
        |text| text_if(text, length(text, 40) && !text.contains('|')),
        bad,
    )
}

pub fn payment_form(written: &Written<'_>) -> Result<Option<String>, Rejection> {
    let bad = Bad(
        Reason::InvalidPaymentForm,
        "Comprobante@FormaPago",
        "not two digits as 03",
    );
    optional(written, |text| text_if(text, digits(text, 2)), bad)
}

pub fn payment_method(written: &Written<'_>) -> Result<Option<String>, Rejection> {
    let bad = Bad(
        Reason::InvalidPaymentMethod,
        "Comprobante@MetodoPago",
        "neither PUE nor PPD",
    );
    optional(written, |text| text_if(text, matches!(text, "PUE" | "PPD")), bad)
}

pub fn place(written: &Written<'_>) -> Result<String, Rejection> {
    let bad = Bad(
        Reason::InvalidPlace,
        "Comprobante@LugarExpedicion",
        "not five digits as 88000",
    );
    required(written, |text| text_if(text, digits(text, 5)), bad)
}

/// The one party of a kind.
pub fn party(reason: Reason, place: &'static str, written: &[Written<'_>]) -> Result<Rfc, Rejection> {
    match written {
        [one] => required(one, Rfc::parse, Bad(reason, place, "not the form of an RFC")),
        [] => Err(Rejection::new(reason, format!("{place}: there is none"))),
        _ => Err(Rejection::new(reason, format!("{place}: there are two"))),
    }
}

pub fn rfc_of_pac(written: &Written<'_>) -> Option<Rfc> {
    trimmed(written).and_then(Rfc::parse)
}

pub fn global(written: &[super::document::Global<'_>]) -> Result<Option<InformacionGlobal>, Rejection> {
    let bad = Bad(
        Reason::InvalidGlobal,
        "InformacionGlobal",
        "not one with Periodicidad 01 to 05, Meses 01 to 18 and a year",
    );
    let [global] = written else {
        return if written.is_empty() {
            Ok(None)
        } else {
            Err(bad.into())
        };
    };
    let code = |written: &Written<'_>, most: u8| {
        let text = trimmed(written).filter(|text| digits(text, 2))?;
        let number: u8 = text.parse().ok()?;
        (1..=most).contains(&number).then_some(number)
    };
    let year = || trimmed(&global.anio).filter(|text| digits(text, 4))?.parse().ok();
    let read = || {
        Some(InformacionGlobal {
            periodicidad: code(&global.periodicidad, 5)?,
            meses: code(&global.meses, 18)?,
            anio: year()?,
        })
    };
    read().map(Some).ok_or_else(|| bad.into())
}

pub fn concept(
    no_identificacion: &Written<'_>,
    importe: &Written<'_>,
    descuento: &Written<'_>,
) -> Result<Concepto, Bad> {
    let bad = |place, wanted| Bad(Reason::InvalidConcept, place, wanted);
    let id = trimmed(no_identificacion);
    if id.is_some_and(|id| !length(id, 100)) {
        return Err(bad("Concepto@NoIdentificacion", "not 1 to 100 characters"));
    }
    let money = "not an amount as 1000.00";
    let importe = trimmed(importe).and_then(amount);
    let importe = importe.ok_or_else(|| bad("Concepto@Importe", money))?;
    let descuento = trimmed(descuento).map_or(Some(Decimal::ZERO), amount);
    Ok(Concepto {
        no_identificacion: id.map(str::to_owned),
        importe,
        descuento: descuento.ok_or_else(|| bad("Concepto@Descuento", money))?,
        impuestos: Decimal::ZERO,
    })
}

impl Rfc {
    /// Three or four letters, six digits of a date, three of either; blanks around it and small letters are forgiven.
    pub fn parse(text: &str) -> Option<Self> {
        let rfc = text.trim().to_uppercase();
        let letters: Vec<char> = rfc.chars().collect();
        let name = letters
            .len()
            .checked_sub(9)
            .filter(|name| matches!(name, 3 | 4))?;
        let good = letters.iter().enumerate().all(|(at, letter)| match at {
            _ if at < name => letter.is_ascii_uppercase() || matches!(letter, 'Ñ' | '&'),
            _ if at < name + 6 => letter.is_ascii_digit(),
            _ => letter.is_ascii_uppercase() || letter.is_ascii_digit(),
        });
        good.then_some(Self(rfc))
    }
}

impl fmt::Debug for Rfc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rfc(…)")
    }
}

//! What is sent to confirm a payment, and whether it can be so.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::ground::facts::{Contact, CounterInvoice};
use crate::tools::problem::{FieldError, Problem};

/// SAT's codes for what is paid at the counter (c_FormaPago), and what people call them.
const METHODS: [(&str, &str); 3] = [
    ("01", "efectivo"),
    ("04", "tarjeta de crédito"),
    ("28", "tarjeta de débito"),
];

/// RFC 5321 allows no longer path.
const LONGEST_EMAIL: usize = 254;

/// Un pago recibido en el mostrador.
#[derive(Deserialize, ToSchema)]
#[schema(as = CounterPayment)]
pub struct Form {
    /// Que el dinero ya se recibió: siempre `true`.
    #[schema(required, nullable = false, example = true)]
    payment_received: Option<bool>,
    /// Clave del SAT: `01` efectivo, `04` tarjeta de crédito, `28` tarjeta de débito.
    #[schema(required, nullable = false, example = "01")]
    payment_method: Option<String>,
    /// Si el cliente quiere factura propia; si no, la venta va en la factura global del mes.
    #[schema(required, nullable = false, example = true)]
    requires_invoice: Option<bool>,
    /// A dónde se manda la liga de la factura. Con `requires_invoice` hace falta el correo o el teléfono.
    #[schema(example = "cliente@example.com")]
    customer_email: Option<String>,
    /// Lo mismo, en formato E.164.
    #[schema(example = "+525551234567")]
    customer_phone: Option<String>,
    /// Lo que se cobró, para comprobarlo contra el precio; sin él, se cobró el precio. Texto o número, hasta dos decimales.
    #[schema(value_type = Option<String>, example = "1500.00")]
    amount: Option<Value>,
}

/// A form that can be so.
pub struct Confirmation {
    /// SAT's code of how it was paid.
    pub method: &'static str,
    /// What becomes of the sale.
    pub invoice: CounterInvoice,
    /// What was paid, where that is told.
    pub amount: Option<Decimal>,
}

impl Form {
    /// Everything that is wrong, at once.
    pub fn check(self) -> Result<Confirmation, Problem> {
        let mut errors = Vec::new();
        match self.payment_received {
            Some(true) => {}
            Some(false) => errors.push(FieldError::new(
                "payment_received",
                "pago-no-recibido",
                "Confirma sólo cuando ya tengas el dinero: entonces debe ser true.",
            )),
            None => errors.push(missing("payment_received")),
        }
        let method = method_of(self.payment_method.as_deref(), &mut errors);
        let contact = Contact {
            email: email_of(self.customer_email.as_deref(), &mut errors),
            phone: phone_of(self.customer_phone.as_deref(), &mut errors),
        };
        let amount = amount_of(self.amount.as_ref(), &mut errors);
        let requires_invoice = self.requires_invoice;
        if requires_invoice.is_none() {
            errors.push(missing("requires_invoice"));
        }
        let told = [&self.customer_email, &self.customer_phone];
        let reachable = told.iter().any(|text| filled(text.as_deref()).is_some());
        if requires_invoice == Some(true) && !reachable {
            errors.extend(no_contact());
        }
        match (method, requires_invoice) {
            (Some(method), Some(requires)) if errors.is_empty() => Ok(Confirmation {
                method,
                invoice: if requires {
                    CounterInvoice::SelfService(contact)
                } else {
                    CounterInvoice::Global
                },
                amount,
            }),
            _ => Err(Problem::invalid(errors)),
        }
    }
}

/// What people call a method of payment.
pub fn name_of(code: &str) -> &str {
    let known = METHODS.iter().find(|(known, _)| *known == code);
    known.map_or(code, |(_, name)| name)
}

fn missing(field: &'static str) -> FieldError {
    FieldError::new(field, "falta", "Este dato es obligatorio.")
}

/// Either is enough, so both are named.
fn no_contact() -> [FieldError; 2] {
    let detail = "Para la factura hace falta el correo o el teléfono del cliente: pídele uno, o manda requires_invoice en false.";
    ["customer_email", "customer_phone"].map(|field| FieldError::new(field, "falta", detail))
}

fn method_of(text: Option<&str>, errors: &mut Vec<FieldError>) -> Option<&'static str> {
    let Some(text) = text else {
        errors.push(missing("payment_method"));
        return None;
    };
    let known = METHODS.iter().find(|(code, _)| *code == text);
    if known.is_none() {
        let detail = "Debe ser uno de estos: 01 (efectivo), 04 (tarjeta de crédito), 28 (tarjeta de débito).";
        errors.push(FieldError::new("payment_method", "valor-no-permitido", detail));
    }
    known.map(|(code, _)| *code)
}

/// A field that was left empty is sent as an empty text by many forms.
fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn email_of(text: Option<&str>, errors: &mut Vec<FieldError>) -> Option<String> {
    let text = filled(text)?;
    let fits = text.len() <= LONGEST_EMAIL && text.parse::<lettre::Address>().is_ok();
    if !fits {
        let detail = "No es una dirección de correo. Revísala con el cliente, como en cliente@example.com.";
        errors.push(FieldError::new("customer_email", "correo-no-valido", detail));
    }
    fits.then(|| text.to_owned())
}

/// E.164: a country code, which never begins with 0, and the number.
fn phone_of(text: Option<&str>, errors: &mut Vec<FieldError>) -> Option<String> {
    let text = filled(text)?;
    let digits = text.strip_prefix('+').unwrap_or_default();
    let fits = (8..=15).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && !digits.starts_with('0');
    if !fits {
        let detail = "Debe llevar + y la clave del país, sin espacios ni guiones: en México +52 y diez dígitos, como en \
                      +525551234567.";
        errors.push(FieldError::new("customer_phone", "telefono-no-valido", detail));
    }
    fits.then(|| text.to_owned())
}

fn amount_of(value: Option<&Value>, errors: &mut Vec<FieldError>) -> Option<Decimal> {
    let amount = match value? {
        Value::String(text) => decimal(text),
        Value::Number(number) => decimal(&number.to_string()),
        _ => None,
    };
    if amount.is_none() {
        let detail =
            "Debe ser lo que se cobró, en pesos y con dos decimales cuando mucho, como en \"1500.00\".";
        errors.push(FieldError::new("amount", "importe-no-valido", detail));
    }
    amount
}

/// Digits, and a point with up to two more; a number that JSON writes as 1500.0 is one.
fn decimal(text: &str) -> Option<Decimal> {
    let (whole, cents) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let fits = digits(whole) && digits(cents) && whole.len() <= 12 && cents.len() <= 2;
    fits.then(|| text.parse().ok()).flatten()
}

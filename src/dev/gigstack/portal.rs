//! The page where a customer makes the invoice of a receipt. It works without scripts; what is typed in goes into the
//! invoice and nowhere else.

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_decimal::Decimal;

use super::Gigstack;
use super::envelope::Event;
use super::order::Receiver;
use super::state::{Invoice, Receipt};
use crate::dev::simulator::page::{headers, page, style};

/// SAT's régimenes that a customer may have, in part (c_RegimenFiscal).
const REGIMES: [(&str, &str); 12] = [
    ("601", "General de Ley Personas Morales"),
    ("603", "Personas Morales con Fines no Lucrativos"),
    ("605", "Sueldos y Salarios e Ingresos Asimilados a Salarios"),
    ("606", "Arrendamiento"),
    ("608", "Demás ingresos"),
    (
        "612",
        "Personas Físicas con Actividades Empresariales y Profesionales",
    ),
    ("616", "Sin obligaciones fiscales"),
    ("620", "Sociedades Cooperativas de Producción"),
    ("621", "Incorporación Fiscal"),
    ("622", "Actividades Agrícolas, Ganaderas, Silvícolas y Pesqueras"),
    (
        "625",
        "Actividades Empresariales con ingresos a través de Plataformas Tecnológicas",
    ),
    ("626", "Régimen Simplificado de Confianza"),
];

/// SAT's uses (c_UsoCFDI), in part.
const USES: [(&str, &str); 5] = [
    ("G01", "Adquisición de mercancías"),
    ("G03", "Gastos en general"),
    ("I03", "Equipo de transporte"),
    ("I08", "Otra maquinaria y equipo"),
    ("S01", "Sin efectos fiscales"),
];

pub(super) fn router(gigstack: &Gigstack) -> Router {
    Router::new()
        .route("/autofactura", get(show).post(submit))
        .route("/autofactura.css", get(style))
        .with_state(gigstack.clone())
}

/// What was typed in, and what is wrong with it.
#[derive(Default)]
struct Typed {
    rfc: Field,
    name: Field,
    regime: Field,
    postal_code: Field,
    use_of_cfdi: Field,
}

#[derive(Default)]
struct Field {
    value: String,
    error: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "dev/gigstack/form.html")]
struct FormPage<'p> {
    receipt: &'p Receipt,
    total: String,
    issuer: &'p str,
    typed: &'p Typed,
    regimes: &'p [(&'p str, &'p str)],
    uses: &'p [(&'p str, &'p str)],
}

#[derive(Template)]
#[template(path = "dev/gigstack/done.html")]
struct DonePage {
    uuid: String,
    total: String,
    pdf: String,
    xml: String,
}

#[derive(Template)]
#[template(path = "dev/gigstack/closed.html")]
struct ClosedPage {
    why: &'static str,
}

async fn show(State(gigstack): State<Gigstack>, RawQuery(query): RawQuery) -> Response {
    match asked_for(&gigstack, query.as_deref()) {
        Ok(receipt) => form(&gigstack, &receipt, &Typed::default(), StatusCode::OK),
        Err(closed) => closed.page(&gigstack),
    }
}

/// The form's answer is a redirect to the page of the invoice: reloading it sends nothing again.
async fn submit(State(gigstack): State<Gigstack>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let receipt = match asked_for(&gigstack, query.as_deref()) {
        Ok(receipt) => receipt,
        Err(closed) => return closed.page(&gigstack),
    };
    let mut typed = Typed::read(&body);
    let Some(receiver) = typed.judge() else {
        return form(&gigstack, &receipt, &typed, StatusCode::UNPROCESSABLE_ENTITY);
    };
    // Whoever sends it twice at once has one invoice.
    if let Ok(invoice) = gigstack.complete(&receipt.id, receiver) {
        gigstack.announce(vec![
            (Event::InvoiceCreated, invoice.id),
            (Event::SelfInvoiceCompleted, receipt.id.clone()),
        ]);
    }
    let page = format!("/autofactura?id={}", receipt.id);
    (headers(), Redirect::to(&page)).into_response()
}

/// Why there is no form any more.
enum Closed {
    Invoiced(Box<Invoice>),
    Unknown,
    Withdrawn,
}

/// The receipt, if it is still open.
fn asked_for(gigstack: &Gigstack, query: Option<&str>) -> Result<Receipt, Closed> {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let id = pairs.find(|(name, _)| name == "id");
    let id = id.map(|(_, id)| id.into_owned()).unwrap_or_default();
    let receipt = gigstack.state().receipt(&id).cloned();
    let receipt = receipt.ok_or(Closed::Unknown)?;
    if receipt.status == "cancelled" {
        return Err(Closed::Withdrawn);
    }
    match receipt.invoice.as_deref().and_then(|id| gigstack.invoice(id)) {
        Some(invoice) => Err(Closed::Invoiced(Box::new(invoice))),
        None => Ok(receipt),
    }
}

impl Closed {
    fn page(self, gigstack: &Gigstack) -> Response {
        let (status, why) = match self {
            Self::Invoiced(invoice) => return done(gigstack, &invoice),
            Self::Unknown => (
                StatusCode::NOT_FOUND,
                "No encontramos esta compra. Revise que la liga esté completa.",
            ),
            Self::Withdrawn => (
                StatusCode::GONE,
                "Esta compra ya no se puede facturar aquí. Pida su factura a quien le atendió.",
            ),
        };
        page(status, &ClosedPage { why })
    }
}

fn form(gigstack: &Gigstack, receipt: &Receipt, typed: &Typed, status: StatusCode) -> Response {
    let form = FormPage {
        receipt,
        total: pesos(receipt.total()),
        issuer: &gigstack.0.account.issuer.name,
        typed,
        regimes: &REGIMES,
        uses: &USES,
    };
    page(status, &form)
}

fn done(gigstack: &Gigstack, invoice: &Invoice) -> Response {
    let done = DonePage {
        uuid: invoice.uuid.to_string().to_uppercase(),
        total: pesos(invoice.cfdi.total()),
        pdf: gigstack.file_url(invoice, "pdf", false),
        xml: gigstack.file_url(invoice, "xml", false),
    };
    page(StatusCode::OK, &done)
}

/// As in $1,500.00 MXN.
fn pesos(amount: Decimal) -> String {
    let text = format!("{amount:.2}");
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("${grouped}.{cents} MXN")
}

impl Typed {
    fn read(body: &[u8]) -> Self {
        let mut typed = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            let field = match &*name {
                "rfc" => &mut typed.rfc,
                "nombre" => &mut typed.name,
                "regimen" => &mut typed.regime,
                "cp" => &mut typed.postal_code,
                "uso" => &mut typed.use_of_cfdi,
                _ => continue,
            };
            value.trim().clone_into(&mut field.value);
        }
        // As SAT has them.
        typed.rfc.value = typed.rfc.value.to_uppercase();
        typed.name.value = typed.name.value.to_uppercase();
        typed
    }

    /// Whom the invoice is for; without it, each wrong field says why.
    fn judge(&mut self) -> Option<Receiver> {
        let listed = |list: &[(&str, &str)], code: &str| list.iter().any(|(known, _)| *known == code);
        let rfc = &self.rfc.value;
        self.rfc.error = match rfc.as_str() {
            "" => Some("Escriba su RFC."),
            "XAXX010101000" | "XEXX010101000" => Some("Este RFC es genérico: escriba el suyo."),
            rfc if !is_rfc(rfc) => Some("El RFC tiene 12 o 13 caracteres, como XOJI740919U48."),
            _ => None,
        };
        let name = &self.name.value;
        self.name.error = match name.chars().count() {
            0 => Some("Escriba su nombre o razón social como está en su constancia."),
            1..=254 if !name.contains('|') => None,
            _ => Some("El nombre tiene como máximo 254 caracteres, sin barras."),
        };
        self.regime.error =
            (!listed(&REGIMES, &self.regime.value)).then_some("Elija su régimen fiscal de la lista.");
        let code = &self.postal_code.value;
        let right = code.len() == 5 && code.bytes().all(|digit| digit.is_ascii_digit());
        self.postal_code.error = (!right).then_some("El código postal tiene 5 dígitos.");
        self.use_of_cfdi.error =
            (!listed(&USES, &self.use_of_cfdi.value)).then_some("Elija el uso de la factura de la lista.");
        let fields = [
            &self.rfc,
            &self.name,
            &self.regime,
            &self.postal_code,
            &self.use_of_cfdi,
        ];
        fields
            .iter()
            .all(|field| field.error.is_none())
            .then(|| Receiver {
                rfc: self.rfc.value.clone(),
                name: self.name.value.clone(),
                regime: self.regime.value.clone(),
                postal_code: self.postal_code.value.clone(),
                use_of_cfdi: self.use_of_cfdi.value.clone(),
            })
    }
}

/// Three letters or four, a date, three of letters and digits: t_RFC of SAT's schema.
fn is_rfc(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let Some(begin) = letters
        .len()
        .checked_sub(9)
        .filter(|begin| (3..=4).contains(begin))
    else {
        return false;
    };
    let (name, rest) = letters.split_at(begin);
    let (date, key) = rest.split_at(6);
    let date: String = date.iter().collect();
    let day = chrono::NaiveDate::parse_from_str(&format!("20{date}"), "%Y%m%d");
    name.iter()
        .all(|letter| letter.is_ascii_uppercase() || matches!(letter, 'Ñ' | '&'))
        && date.bytes().all(|digit| digit.is_ascii_digit())
        && day.is_ok()
        && key
            .iter()
            .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
}

//! The Spanish texts: each message has a plain text and the same as HTML, out of `templates/mail/`.

use askama::Template;
use chrono::{DateTime, Utc};
use url::Url;

use super::alerts::Alert;
use super::recipients::{
    Client, Contract, Invoice, Payment, SelfInvoice, SentContract, Service, StampedInvoice,
};
use crate::engine::Failure;
use crate::ground::clock::{BUSINESS_ZONE, CENTRAL_ZONE};
use crate::ground::facts::Instructions;

/// A message, ready to send.
pub struct Message {
    pub to_team: bool,
    /// The client's address; the team's is configuration.
    pub to: Option<String>,
    pub subject: String,
    pub text: String,
    pub html: String,
}

macro_rules! pair {
    ($text:ident = $text_path:literal, $html:ident = $html_path:literal, { $($field:ident: $kind:ty),+ }) => {
        #[derive(Template)]
        #[template(path = $text_path, escape = "none")]
        struct $text<'a> { $($field: $kind),+ }

        #[derive(Template)]
        #[template(path = $html_path)]
        struct $html<'a> { $($field: $kind),+ }
    };
}

pair!(PaymentFailedText = "mail/pago_fallido.txt", PaymentFailedHtml = "mail/pago_fallido.html", {
    name: &'a str, service: Option<&'a Service>, reason: &'a str
});
pair!(ClientText = "mail/cliente.txt", ClientHtml = "mail/cliente.html", {
    name: &'a str, lines: &'a [&'a str], link: Option<(&'a str, &'a str)>
});
pair!(TeamText = "mail/equipo.txt", TeamHtml = "mail/equipo.html", {
    title: &'a str, detail: &'a str, link: Option<&'a str>
});

pub fn payment_failed(client: &Client, service: Option<&Service>, code: &str) -> Result<Message, Failure> {
    let (name, reason) = (client.name.as_str(), reason(code));
    Ok(Message {
        to_team: false,
        to: client.email.clone(),
        subject: "No pudimos cobrar tu pago en OnlyCar".to_owned(),
        text: render(&PaymentFailedText {
            name,
            service,
            reason,
        })?,
        html: render(&PaymentFailedHtml {
            name,
            service,
            reason,
        })?,
    })
}

pub fn payment_awaited(
    client: &Client,
    payment: &Payment,
    by: Instructions,
    missing: Option<&str>,
) -> Result<Message, Failure> {
    let Payment {
        amount,
        page,
        expires,
        ..
    } = payment;
    let service = payment.service.as_deref().unwrap_or("tu servicio");
    let until = expires.map(|at| format!(" Vence el {} (hora del centro de México).", central(at)));
    let until = until.unwrap_or_default();
    let (subject, line, label) = match (by, missing) {
        (Instructions::Oxxo, _) => (
            "Tu ficha para pagar en OXXO",
            format!(
                "Con esta ficha pagas {amount} por {service} en cualquier OXXO.{until} El pago se refleja al siguiente día hábil."
            ),
            "Ver la ficha",
        ),
        (Instructions::Spei, None) => (
            "Datos para tu transferencia a OnlyCar",
            format!("Transfiere {amount} por {service} con los datos de esta página (SPEI)."),
            "Ver los datos",
        ),
        (Instructions::Spei, Some(missing)) => (
            "Tu transferencia llegó incompleta",
            format!(
                "Recibimos una parte de los {amount} por {service}. Faltan ${missing}: transfiérelos a la misma cuenta."
            ),
            "Ver los datos",
        ),
    };
    to_client(
        client,
        subject,
        &[&line],
        page.as_deref().map(|page| (label, page)),
    )
}

pub fn invoice_failed(client: &Client, invoice: &Invoice) -> Result<Message, Failure> {
    let amount = invoice.amount.as_deref().unwrap_or("el importe");
    let line = format!("No pudimos cobrar {amount} de tu suscripción.");
    let again = invoice.next_attempt.map_or_else(
        || "No habrá otro intento automático.".to_owned(),
        |at| {
            format!(
                "Lo intentaremos de nuevo el {}.",
                at.with_timezone(&BUSINESS_ZONE).format("%d/%m/%Y")
            )
        },
    );
    let next = format!("Qué hacer: paga en la página de la factura o actualiza tu método de pago. {again}");
    let page = invoice.page.as_deref().map(|page| ("Pagar la factura", page));
    to_client(
        client,
        "No pudimos cobrar tu suscripción de OnlyCar",
        &[&line, &next],
        page,
    )
}

pub fn invoice_needs_client(client: &Client, invoice: &Invoice) -> Result<Message, Failure> {
    let amount = invoice.amount.as_deref().unwrap_or("el importe");
    let line = format!("Tu banco pide que confirmes el pago de {amount} de tu suscripción.");
    let page = invoice.page.as_deref().map(|page| ("Confirmar el pago", page));
    to_client(
        client,
        "Confirma el pago de tu suscripción de OnlyCar",
        &[&line],
        page,
    )
}

pub fn trial_ending(client: &Client, ends_at: DateTime<Utc>) -> Result<Message, Failure> {
    let day = ends_at.with_timezone(&BUSINESS_ZONE).format("%d/%m/%Y");
    let line = format!(
        "Tu periodo de prueba termina el {day}. Ese día haremos el primer cargo a tu método de pago."
    );
    let next = "Si no quieres continuar, responde a este correo antes de esa fecha.";
    to_client(
        client,
        "Tu periodo de prueba está por terminar",
        &[&line, next],
        None,
    )
}

pub fn self_invoice_offered(offered: &SelfInvoice) -> Result<Message, Failure> {
    let Service { description, price } = &offered.service;
    let line = format!("Recibimos tu pago de {price} por {description}. Gracias.");
    let next = "En esta página escribes tus datos fiscales y obtienes tu factura (CFDI) al momento. \
                Nosotros no guardamos esos datos.";
    to_client(
        &offered.to,
        "Haz la factura de tu servicio en OnlyCar",
        &[&line, next],
        offered.page.as_deref().map(|page| ("Hacer mi factura", page)),
    )
}

pub fn invoice_ready(invoice: &StampedInvoice) -> Result<Message, Failure> {
    let Service { description, price } = &invoice.service;
    let line = format!("La factura (CFDI) de {description} por {price} está timbrada.");
    let folio = format!("Folio fiscal: {}", invoice.uuid);
    let next =
        "Gigstack te envía el PDF y el XML; nosotros guardamos una copia durante los años que pide la ley.";
    to_client(
        &invoice.to,
        "Tu factura de OnlyCar está lista",
        &[&line, &folio, next],
        None,
    )
}

/// The link to sign is Mifiel's, in its own mail to each signer: we do not have it.
pub fn signature_due(sent: &SentContract) -> Result<Message, Failure> {
    let until = sent.expires_at.map(|at| {
        at.with_timezone(&BUSINESS_ZONE)
            .format(" Puedes firmarlo hasta el %d/%m/%Y a las %H:%M (hora de Nuevo Laredo).")
            .to_string()
    });
    let line = format!(
        "Tu contrato con OnlyCar todavía no está firmado.{}",
        until.unwrap_or_default()
    );
    let next = "El enlace para firmar está en el correo que te mandó Mifiel; si no lo ves, revisa la carpeta de correo no \
                deseado. Si alguien más firma por ti, reenvíale este aviso.";
    to_client(
        &sent.to,
        "Falta tu firma en el contrato con OnlyCar",
        &[&line, next],
        None,
    )
}

/// The link leads to whoever is signed in, and nobody else: it holds no secret.
pub fn contract_signed(signed: &SentContract, public_url: &Url) -> Result<Message, Failure> {
    let when = signed.signed_at.map(|at| {
        at.with_timezone(&BUSINESS_ZONE)
            .format(" el %d/%m/%Y")
            .to_string()
    });
    let line = format!(
        "Tu contrato con OnlyCar quedó firmado{}.",
        when.unwrap_or_default()
    );
    let next =
        "Guardamos el documento firmado y su constancia durante diez años. Para verlo, entra con tu cuenta.";
    let base = public_url.as_str().trim_end_matches('/');
    let page = format!("{base}/documentos/contratos/{}", signed.document);
    to_client(
        &signed.to,
        "Tu contrato está firmado",
        &[&line, next],
        Some(("Ver el contrato", &page)),
    )
}

fn central(at: DateTime<Utc>) -> impl std::fmt::Display {
    at.with_timezone(&CENTRAL_ZONE).format("%d/%m/%Y a las %H:%M")
}

fn to_client(
    client: &Client,
    subject: &str,
    lines: &[&str],
    link: Option<(&str, &str)>,
) -> Result<Message, Failure> {
    let name = client.name.as_str();
    Ok(Message {
        to_team: false,
        to: client.email.clone(),
        subject: subject.to_owned(),
        text: render(&ClientText { name, lines, link })?,
        html: render(&ClientHtml { name, lines, link })?,
    })
}

pub fn contract_ended(contract: &Contract, subscription: &str) -> Result<Message, Failure> {
    let Contract { id, kind, client } = contract;
    let detail = format!(
        "Stripe canceló la suscripción {subscription}. El contrato {id} ({kind}) de {client} quedó inactivo.\n\
         Siguiente paso: confirma con el cliente si fue intencional."
    );
    to_team("Un contrato quedó inactivo", &detail, None)
}

pub fn alert(alert: &Alert, public_url: &Url) -> Result<Message, Failure> {
    to_team(&alert.title, &alert.detail, Some(&page(alert, public_url)))
}

pub fn alert_over(alert: &Alert, public_url: &Url) -> Result<Message, Failure> {
    let title = format!("Resuelta: {}", alert.title);
    let over = alert.resolved_at.map(|at| {
        at.with_timezone(&BUSINESS_ZONE)
            .format("%d/%m/%Y %H:%M")
            .to_string()
    });
    let began = alert
        .opened_at
        .with_timezone(&BUSINESS_ZONE)
        .format("%d/%m/%Y %H:%M");
    let detail = format!(
        "Se resolvió sola: empezó el {began} y terminó el {} (hora de Nuevo Laredo); pasó {} veces.\n\
         Siguiente paso: ninguno. Lo que decía la alerta queda en su página.",
        over.unwrap_or_default(),
        alert.times,
    );
    to_team(&title, &detail, Some(&page(alert, public_url)))
}

/// Where the team sees to it.
fn page(alert: &Alert, public_url: &Url) -> String {
    let base = public_url.as_str().trim_end_matches('/');
    format!("{base}/panel/alertas/{}", alert.id)
}

fn to_team(title: &str, detail: &str, link: Option<&str>) -> Result<Message, Failure> {
    Ok(Message {
        to_team: true,
        to: None,
        subject: format!("[OnlyCar] {title}"),
        text: render(&TeamText { title, detail, link })?,
        html: render(&TeamHtml { title, detail, link })?,
    })
}

fn render(template: &impl Template) -> Result<String, Failure> {
    template.render().map_err(Failure::retry)
}

/// Why the bank refused, as a client understands it (docs.stripe.com/declines/codes). Codes that tell of fraud or
/// theft are not repeated to whoever holds the card: Stripe asks to show them as a general decline.
fn reason(code: &str) -> &'static str {
    match code {
        "insufficient_funds" | "withdrawal_count_limit_exceeded" | "card_velocity_exceeded" => {
            "La tarjeta no tiene fondos suficientes o llegó a su límite."
        }
        "expired_card" | "invalid_expiry_month" | "invalid_expiry_year" => {
            "La tarjeta está vencida o su fecha no es correcta."
        }
        "incorrect_cvc" | "invalid_cvc" => "El código de seguridad (CVC) no es correcto.",
        "incorrect_number" | "invalid_number" => "El número de la tarjeta no es correcto.",
        "authentication_required" | "payment_intent_authentication_failure" => {
            "Tu banco pidió confirmar el pago y no se completó."
        }
        "processing_error" | "issuer_not_available" | "try_again_later" => {
            "El banco no respondió; suele bastar con intentarlo otra vez."
        }
        "payment_intent_payment_attempt_expired" => {
            "El plazo para pagar terminó sin que recibiéramos el pago."
        }
        _ => "El banco no autorizó el cargo.",
    }
}

//! The Spanish texts: each message has a plain text and the same as HTML, out of `templates/mail/`.

use askama::Template;

use super::recipients::{Alert, Client, Contract, Service};
use crate::engine::Failure;

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
pair!(TeamText = "mail/equipo.txt", TeamHtml = "mail/equipo.html", { title: &'a str, detail: &'a str });

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

pub fn contract_ended(contract: &Contract, subscription: &str) -> Result<Message, Failure> {
    let Contract { id, kind, client } = contract;
    let detail = format!(
        "Stripe canceló la suscripción {subscription}. El contrato {id} ({kind}) de {client} quedó inactivo.\n\
         Siguiente paso: confirma con el cliente si fue intencional."
    );
    to_team("Un contrato quedó inactivo", &detail)
}

pub fn alert(alert: &Alert) -> Result<Message, Failure> {
    to_team(&alert.title, &alert.detail)
}

fn to_team(title: &str, detail: &str) -> Result<Message, Failure> {
    Ok(Message {
        to_team: true,
        to: None,
        subject: format!("[OnlyCar] {title}"),
        text: render(&TeamText { title, detail })?,
        html: render(&TeamHtml { title, detail })?,
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

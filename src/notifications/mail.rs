//! The transports: SMTP for mail, one webhook for the team's chat.

use anyhow::Context;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::templates::Message;
use crate::engine::Failure;
use crate::ground::config;
use crate::tools::outbound;
use crate::tools::probe::Probe;

/// Sends mail through `SMTP_URL`.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// None when mail is not configured.
    pub fn new(settings: &config::Mail) -> anyhow::Result<Option<Self>> {
        let (Some(url), Some(from)) = (&settings.smtp_url, &settings.from) else {
            return Ok(None);
        };
        // The error is dropped on purpose: it could repeat the password.
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret());
        let transport = transport.map_err(|_| {
            anyhow::anyhow!("SMTP_URL cannot be read\nhint: smtps://user:password@host:465, or smtp://host:587?tls=required")
        })?;
        let from = from.parse().context("MAIL_FROM is not a mail address")?;
        Ok(Some(Self {
            transport: transport.build(),
            from,
        }))
    }

    /// Connects and signs in.
    pub async fn reach(&self) -> anyhow::Result<()> {
        let answered = self.transport.test_connection().await;
        let answered = answered.map_err(|error| match error.status() {
            Some(code) => anyhow::anyhow!("the mail server answered {code}"),
            // It speaks of the connection.
            None => anyhow::anyhow!("{error}"),
        })?;
        anyhow::ensure!(answered, "the mail server closed the connection");
        Ok(())
    }

    /// Asks whether the mail server takes us.
    pub fn probe(&self) -> Probe {
        let transport = self.transport.clone();
        Probe::new("smtp", move || {
            let transport = transport.clone();
            async move {
                match transport.test_connection().await {
                    Ok(true) => Ok(()),
                    Ok(false) => Err("el servidor de correo no contestó a la prueba".to_owned()),
                    Err(error) => Err(error.status().map_or_else(
                        || "no se pudo conectar con el servidor de correo".to_owned(),
                        |code| format!("el servidor de correo contestó {code}"),
                    )),
                }
            }
        })
    }

    /// Sends one message. Its Message-ID is made of the job's id: a second sending of the same job, after a crash
    /// between the server's answer and our commit, can be recognised as the same message.
    pub async fn send(&self, id: Uuid, to: &str, message: &Message) -> Result<(), Failure> {
        let to: Mailbox = to
            .parse()
            .map_err(|_| Failure::Park("the address of the recipient is not a mail address".to_owned()))?;
        let domain = self.from.email.domain();
        let mail = lettre::Message::builder()
            .message_id(Some(format!("<{id}@{domain}>")))
            .from(self.from.clone())
            .to(to)
            .subject(&message.subject)
            .multipart(MultiPart::alternative_plain_html(
                message.text.clone(),
                message.html.clone(),
            ))
            .map_err(|error| Failure::Park(format!("the mail cannot be built: {error}")))?;
        self.transport
            .send(mail)
            .await
            .map(drop)
            .map_err(|error| refused(&error))
    }
}

/// A 5xx answer will not change by itself; everything else may. Its code is told and not its text: mail servers repeat
/// there whom they refuse.
fn refused(error: &smtp::Error) -> Failure {
    match error.status() {
        Some(code) if error.is_permanent() => {
            Failure::Park(format!("the mail server refuses it for good: {code}"))
        }
        Some(code) => Failure::retry(format!("the mail server does not take it now: {code}")),
        // It speaks of the connection.
        None => Failure::retry(format!("mail: {error}")),
    }
}

/// In a chat `<` begins a link, or a call to everybody. A signer's reason must be able to do neither.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The internal team: its address, and its chat when there is one.
pub struct Team {
    address: Option<String>,
    chat: Option<(reqwest::Client, SecretString)>,
}

impl Team {
    /// As `TEAM_EMAIL` and `TEAM_WEBHOOK_URL` tell.
    pub fn new(settings: &config::Mail) -> anyhow::Result<Self> {
        let chat = match &settings.team_webhook {
            Some(url) => Some((outbound::client()?, url.clone())),
            None => None,
        };
        Ok(Self {
            address: settings.team.clone(),
            chat,
        })
    }

    /// The team's mail address.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Posts to the chat, when there is one; whether there is. Its address is a secret: errors leave it out.
    pub async fn post(&self, message: &Message) -> Result<bool, Failure> {
        let Some((client, url)) = &self.chat else {
            return Ok(false);
        };
        let body = json!({ "text": format!("*{}*\n{}", plain(&message.subject), plain(&message.text)) });
        let answer = client.post(url.expose_secret()).json(&body).send().await;
        let answer =
            answer.map_err(|error| Failure::retry(format!("team webhook: {}", error.without_url())))?;
        if answer.status().is_success() {
            return Ok(true);
        }
        Err(Failure::retry(format!(
            "team webhook: answered {}",
            answer.status()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_text_calls_nobody_and_leads_nowhere_in_the_chat() {
        let told = plain("No firmo <!channel> <https://evil.example|ver contrato> & ya");
        assert_eq!(
            told,
            "No firmo &lt;!channel&gt; &lt;https://evil.example|ver contrato&gt; &amp; ya"
        );
    }
}

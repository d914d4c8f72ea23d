//! The ways that a notice goes: the team's channel, and mail. One that is out of order does not keep it from the other.

use uuid::Uuid;

use super::mail::{Mailer, Team};
use super::templates::Message;
use crate::engine::Failure;
use crate::ground::config;
use crate::tools::probe::Probe;

/// Where a notice went.
pub enum Sent {
    /// It was taken by one at least.
    Delivered {
        /// By these: `correo`, `canal`.
        ways: Vec<&'static str>,
        /// Which other did not take it, and why.
        failed: Option<String>,
    },
    /// Nowhere, because this is not configured or the client has no address.
    Nowhere(&'static str),
}

/// What came of one way.
enum Tried {
    Taken,
    /// It does not exist, and why.
    Absent(&'static str),
}

/// Mail and channel, as far as they are configured.
pub struct Ways {
    mailer: Option<Mailer>,
    team: Team,
}

impl Ways {
    /// Connects nothing yet; a wrong address is found here.
    pub fn new(settings: &config::Mail) -> anyhow::Result<Self> {
        Ok(Self {
            mailer: Mailer::new(settings)?,
            team: Team::new(settings)?,
        })
    }

    /// Asks whether mail can be sent, where it is configured.
    pub fn probe(&self) -> Option<Probe> {
        self.mailer.as_ref().map(Mailer::probe)
    }

    /// Tries both ways. It is tried again only when neither took it: else whoever was told would be told again and again
    /// for as long as the other is out of order.
    pub async fn deliver(&self, id: Uuid, message: &Message) -> Result<Sent, Failure> {
        let tried = [
            ("canal", self.channel(message).await),
            ("correo", self.mail(id, message).await),
        ];
        let (mut ways, mut failed, mut absent) = (Vec::new(), Vec::new(), "");
        for (way, outcome) in tried {
            match outcome {
                Ok(Tried::Taken) => ways.push(way),
                Ok(Tried::Absent(why)) => absent = why,
                Err(failure) => failed.push(failure),
            }
        }
        if ways.is_empty() {
            // What may pass by itself is waited for, whatever the other way says.
            failed.sort_by_key(|failure| !matches!(failure, Failure::Retry { .. }));
            return match failed.into_iter().next() {
                Some(failure) => Err(failure),
                None => Ok(Sent::Nowhere(absent)),
            };
        }
        let failed = failed.first().map(Failure::to_string);
        if let Some(failed) = &failed {
            tracing::warn!(failed, ?ways, "a notice went one way only");
        }
        Ok(Sent::Delivered { ways, failed })
    }

    async fn channel(&self, message: &Message) -> Result<Tried, Failure> {
        if message.to_team && self.team.post(message).await? {
            return Ok(Tried::Taken);
        }
        Ok(Tried::Absent("TEAM_WEBHOOK_URL no está configurado"))
    }

    async fn mail(&self, id: Uuid, message: &Message) -> Result<Tried, Failure> {
        let Some(mailer) = &self.mailer else {
            return Ok(Tried::Absent("SMTP_URL o MAIL_FROM no está configurado"));
        };
        let address = if message.to_team {
            self.team.address()
        } else {
            message.to.as_deref()
        };
        let Some(address) = address else {
            return Ok(Tried::Absent("no hay dirección de correo"));
        };
        mailer.send(id, address, message).await?;
        Ok(Tried::Taken)
    }
}

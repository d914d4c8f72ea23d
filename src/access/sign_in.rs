//! Signing in with a password. Supabase Auth judges it (supabase.com/docs/reference/api, `POST /auth/v1/token` with
//! `grant_type=password`); the token that it answers with is proven here as any other. Neither is kept.

use anyhow::Context;
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::refusal::Refusal;
use super::{Access, Admin, Role};
use crate::ground::config;
use crate::tools::client_ip::ClientIp;
use crate::tools::outbound;

/// An answer with a token has some 4 KiB.
const LONGEST: usize = 64 * 1024;

/// Why nobody was signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSignedIn {
    /// Supabase does not know this address with this password; which of both, it does not say.
    Wrong,
    /// It is somebody, and no admin.
    NotAdmin,
    /// Supabase was asked too often.
    TooMany,
    /// Supabase does not answer, or not as it should.
    Away,
    /// Here, nobody can.
    NotConfigured,
}

/// Asks Supabase about passwords.
pub(super) struct Passwords {
    client: reqwest::Client,
    url: Url,
    anon_key: SecretString,
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
}

impl Passwords {
    /// None without `SUPABASE_ANON_KEY`.
    pub(super) fn new(issuer: &str, supabase: &config::Supabase) -> anyhow::Result<Option<Self>> {
        let Some(anon_key) = &supabase.anon_key else {
            return Ok(None);
        };
        let url = format!("{issuer}/token?grant_type=password");
        Ok(Some(Self {
            client: outbound::client()?,
            url: url.parse().context("SUPABASE_URL leads to no sign-in")?,
            anon_key: anon_key.clone(),
        }))
    }

    async fn token(&self, email: &str, password: &SecretString) -> Result<SecretString, NotSignedIn> {
        let request = self
            .client
            .post(self.url.clone())
            .header("apikey", self.anon_key.expose_secret())
            .json(&json!({ "email": email, "password": password.expose_secret() }));
        let answer = request.send().await.map_err(|_| away("no-answer"))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::TOO_MANY_REQUESTS => return Err(NotSignedIn::TooMany),
            // `invalid_grant`, `invalid_credentials`, `email_not_confirmed`, `validation_failed`, `user_banned`
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::UNPROCESSABLE_ENTITY => {
                return Err(NotSignedIn::Wrong);
            }
            _ => return Err(away("status")),
        }
        let body = outbound::bounded(answer, LONGEST).await;
        let body = body.map_err(|_| away("broken-off"))?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| away("unreadable"))?;
        Ok(answer.access_token)
    }
}

fn away(reason: &'static str) -> NotSignedIn {
    tracing::warn!(target: "security", reason, "Supabase could not be asked about a password");
    NotSignedIn::Away
}

/// Whom the simulator of Supabase knows as an admin.
pub const SAMPLE: (&str, &str) = ("admin@onlycar.example", "demostracion");

impl Access {
    /// Address and password of the simulator's admin, where Supabase is one.
    pub fn sample(&self) -> Option<(&'static str, &'static str)> {
        let simulated = self.checker.as_ref().is_some_and(|checker| checker.simulated);
        simulated.then_some(SAMPLE)
    }

    /// The admin with this address and password.
    pub async fn admin_by_password(
        &self,
        email: &str,
        password: &SecretString,
        from: ClientIp,
    ) -> Result<Admin, NotSignedIn> {
        let checker = self.checker.as_ref().ok_or(NotSignedIn::NotConfigured)?;
        let passwords = checker.passwords.as_ref().ok_or(NotSignedIn::NotConfigured)?;
        let token = passwords.token(email, password).await?;
        let claims = checker.claims(token.expose_secret()).await.map_err(|refusal| {
            refusal.told();
            NotSignedIn::Away
        })?;
        if super::role(&claims) == Some(Role::Admin) {
            Ok(Admin::with_session(claims.user, from))
        } else {
            Refusal::OtherRole.told();
            Err(NotSignedIn::NotAdmin)
        }
    }
}

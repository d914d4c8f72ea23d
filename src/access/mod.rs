//! Access: tokens of Supabase Auth become people. A handler that asks for [`Staff`], [`Operator`], [`Admin`],
//! [`Customer`] or [`User`] runs for nobody else: the extractor is the permission, and nothing but the extractor makes one.
//! Pages of the panel ask for [`session::SignedIn`] instead, which comes from a cookie.

mod denied;
mod keys;
mod people;
mod published;
mod refusal;
pub mod session;
mod sign_in;
mod token;

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use uuid::Uuid;

pub use people::{Admin, Customer, Operator, Staff, User};
pub use sign_in::{NotSignedIn, SAMPLE};

use crate::engine::Engine;
use crate::ground::clock::Clock;
use crate::ground::config;
use crate::tools::probe::Probe;
use denied::Denials;
use keys::{Algorithm, Secret};
use published::Published;
use refusal::Refusal;
use sign_in::Passwords;
use token::{Claims, Expected, Token};

/// Knows whose token is good. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    checker: Option<Arc<Checker>>,
    denials: Option<Arc<Denials>>,
}

struct Checker {
    expected: Expected,
    secret: Option<Secret>,
    published: Published,
    passwords: Option<Passwords>,
    /// Supabase is the simulator on this machine, which production refuses at its start.
    simulated: bool,
    clock: Clock,
}

/// What the business calls a user, by `app_metadata.role`: only the service's own key can write there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Operator,
    Admin,
    Customer,
}

/// Who holds a good token.
#[derive(Debug, Clone, Copy)]
struct Person {
    user: Uuid,
    role: Option<Role>,
}

impl Access {
    /// Trusts the tokens of this project; without one nobody comes in.
    pub fn new(
        supabase: Option<&config::Supabase>,
        settings: &config::Access,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let Some(supabase) = supabase else {
            return Ok(Self::knowing(None));
        };
        let issuer = format!("{}/auth/v1", supabase.url.as_str().trim_end_matches('/'));
        let published = Published::new(&issuer, settings, clock.clone())?;
        let passwords = Passwords::new(&issuer, supabase)?;
        let secret = supabase.jwt_secret.as_ref();
        Ok(Self::knowing(Some(Checker {
            expected: Expected {
                issuer,
                leeway: TimeDelta::seconds(settings.leeway_seconds.into()),
            },
            secret: secret.map(|secret| Secret::new(secret.expose_secret().as_bytes())),
            published,
            passwords,
            simulated: cfg!(feature = "dev") && supabase.is_local(),
            clock,
        })))
    }

    /// Asks whether Supabase answers, where it is configured.
    pub fn probe(&self) -> Option<Probe> {
        self.checker.as_ref().map(|checker| checker.published.probe())
    }

    fn knowing(checker: Option<Checker>) -> Self {
        Self {
            checker: checker.map(Arc::new),
            denials: None,
        }
    }

    /// The same; who is known and has another role than a route asks for is noted in this one's audit log.
    #[must_use]
    pub fn noting(self, engine: Arc<Engine>) -> Self {
        Self {
            denials: Some(Arc::new(Denials::new(engine))),
            ..self
        }
    }

    async fn person(&self, headers: &HeaderMap) -> Result<Person, Refusal> {
        let checker = self.checker.as_ref().ok_or(Refusal::NotConfigured)?;
        let claims = checker.claims(bearer(headers)?).await?;
        Ok(Person {
            user: claims.user,
            role: role(&claims),
        })
    }
}

impl Checker {
    async fn claims(&self, text: &str) -> Result<Claims, Refusal> {
        let token = Token::read(text)?;
        let proven = match token.algorithm {
            // The secret signs with HS256 and nothing else, and nothing else signs with HS256: what Supabase publishes
            // is known to everybody and never becomes a secret.
            Algorithm::Hs256 => {
                let secret = self.secret.as_ref().ok_or(Refusal::Bad("no-secret"))?;
                token.signed_with_secret(secret)?
            }
            Algorithm::Es256 | Algorithm::Rs256 => {
                let key = self.published.key(token.kid.as_deref(), token.algorithm);
                let key = key.await?;
                token.signed_with_key(&key)?
            }
        };
        self.expected.judge(&proven, self.clock.now())
    }
}

/// The token of the one `Authorization` header. Of two, another program on the way might take the other one.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::NoToken)?;
    if values.next().is_some() {
        return Err(Refusal::Bad("two-headers"));
    }
    let value = value.to_str().map_err(|_| Refusal::Bad("not-ascii"))?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::NoToken);
    }
    Ok(token)
}

fn role(claims: &Claims) -> Option<Role> {
    match claims.app_metadata.get("role")?.as_str()? {
        "operador" => Some(Role::Operator),
        "admin" => Some(Role::Admin),
        "cliente" => Some(Role::Customer),
        _ => None,
    }
}

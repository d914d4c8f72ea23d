//! Sessions of the panel. An admin exchanges a good token for a cookie; pages take the cookie and nothing else. The
//! browser alone knows the cookie's secret, 256 random bits: the database keeps its digest, and a session without a row
//! is over, at once and on every replica.

mod cookie;
mod endpoint;
mod store;

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use chrono::TimeDelta;
use serde_json::json;
use url::Url;
use uuid::Uuid;

pub use endpoint::{__path_close, __path_open, close, open};

use super::Admin;
use super::refusal::Refusal;
use crate::engine::{Engine, Failure};
use crate::ground::config;
use crate::ground::facts::Fact;
use crate::tools::client_ip::ClientIp;
use crate::tools::limits::Passage;
use crate::tools::problem::Problem;
use cookie::{Cookie, Digest, Secret};

/// What a browser says about who made it send a request; pages cannot forge it.
const FETCH_SITE: &str = "sec-fetch-site";

/// Opens, knows and ends sessions. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    cookie: Cookie,
    /// Where our pages are.
    origin: String,
    longest: TimeDelta,
    idle: TimeDelta,
}

/// An admin whose session is good, for pages: it comes from the cookie alone. A request that may change something must
/// come from a page of ours.
#[derive(Debug, Clone, Copy)]
pub struct SignedIn {
    /// Who it is.
    pub admin: Admin,
    digest: Digest,
}

impl Sessions {
    /// For pages at `public_url`; their cookies are for encrypted connections alone where that is one.
    pub fn new(engine: &Arc<Engine>, settings: &config::Access, public_url: &Url) -> Self {
        let longest = TimeDelta::minutes(settings.session_minutes.into());
        Self(Arc::new(Inner {
            engine: Arc::clone(engine),
            cookie: Cookie::new(public_url.scheme() == "https", longest),
            origin: public_url.origin().ascii_serialization(),
            longest,
            idle: TimeDelta::minutes(settings.session_idle_minutes.into()),
        }))
    }

    /// The cookie of a new session.
    pub async fn open(&self, admin: Admin) -> Result<HeaderValue, Failure> {
        let inner = &self.0;
        let secret = Secret::random();
        let digest = secret.digest();
        let mut work = inner.engine.begin(admin.unit()).await?;
        let now = work.now();
        let ends_at = now + inner.longest;
        store::forget(&mut work, now - inner.idle).await?;
        store::insert(&mut work, digest, admin.user(), ends_at).await?;
        work.audit(
            "sesion.iniciada",
            "access.sessions",
            digest.name(),
            json!({ "hasta": ends_at }),
        );
        work.say(Fact::SessionOpened {
            digest: digest.hex(),
            ends_at,
        });
        work.commit().await?;
        Ok(inner.cookie.set(&secret))
    }

    /// Ends it; the cookie that makes the browser forget it.
    pub async fn close(&self, SignedIn { admin, digest }: SignedIn) -> Result<HeaderValue, Failure> {
        let mut work = self.0.engine.begin(admin.unit()).await?;
        // Of two at once, one ends it.
        if store::remove(&mut work, digest).await? {
            work.audit("sesion.terminada", "access.sessions", digest.name(), json!({}));
            work.say(Fact::SessionEnded(digest.hex()));
        }
        work.commit().await?;
        Ok(self.0.cookie.clear())
    }

    async fn find(&self, headers: &HeaderMap) -> Result<(Uuid, Digest), Refusal> {
        let inner = &self.0;
        let digest = inner.cookie.read(headers).ok_or(Refusal::NoSession)?.digest();
        let now = inner.engine.clock.now();
        let found = store::find(&inner.engine.pool, digest, now, now - inner.idle).await;
        let user = found.map_err(|error| {
            tracing::warn!(%error, "a session could not be looked up");
            Refusal::DatabaseAway
        })?;
        Ok((user.ok_or(Refusal::SessionOver)?, digest))
    }

    /// A page of another origin can make a browser send our cookie's requests, where it does not know `SameSite`. Every
    /// browser says where a request that may change something comes from; who does not say it is not let in.
    pub fn is_ours(&self, method: &Method, headers: &HeaderMap) -> bool {
        if method.is_safe() {
            return true;
        }
        let said = |name| headers.get_all(name).iter().collect::<Vec<_>>();
        let (site, origin) = (said(FETCH_SITE), said(header::ORIGIN.as_str()));
        let all_are = |values: &[&HeaderValue], ours: &str| values.iter().all(|value| *value == ours);
        !(site.is_empty() && origin.is_empty())
            && all_are(&site, "same-origin")
            && all_are(&origin, &self.0.origin)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn
where
    Sessions: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let sessions = Sessions::from_ref(state);
        let passage = Passage::taken_from(parts);
        if !sessions.is_ours(&parts.method, &parts.headers) {
            return Err(Refusal::OtherOrigin.told());
        }
        let (user, digest) = sessions.find(&parts.headers).await.map_err(Refusal::told)?;
        if let Some(passage) = passage {
            passage.by(user).await?;
        }
        let admin = Admin::with_session(user, ClientIp::of(parts));
        Ok(Self { admin, digest })
    }
}

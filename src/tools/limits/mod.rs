//! How much one client may ask for. Every URL is in a [`Group`] with a limit by address, and one by user where users sign
//! in. By address it is checked before anything is read or proven, in this process; by user once the token is proven, and
//! then both at once over all replicas, where there is a Redis. Redis can only refuse more than this process does: when
//! it does not answer, the buckets here decide.
//!
//! What a provider signed is not counted at all ([`Group::Webhooks`] is for what is refused).

mod bucket;
mod shared;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::client_ip::ClientIp;
use super::problem::Problem;
use super::redis::Redis;
use crate::ground::clock::Clock;
use crate::ground::config;
use bucket::{Buckets, Refusal};

/// Clients to tell of that nobody has taken yet; past it the oldest are dropped.
const TOLD_AT_ONCE: usize = 256;
const SECOND: i64 = 1_000_000;

/// URLs that share a limit, as `[limits]` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Webhooks that are refused.
    Webhooks,
    /// Tokens that are forged or broken, whatever they were for.
    Tokens,
    /// Passwords that are tried.
    SignIn,
    /// For everybody.
    Public,
    /// Users who look.
    Reads,
    /// Users who change something.
    Writes,
    /// Links to documents.
    Links,
    /// What admins see.
    Admin,
}

impl Group {
    /// As the settings, metrics and logs call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhooks => "webhooks",
            Self::Tokens => "tokens",
            Self::SignIn => "sign_in",
            Self::Public => "public",
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Links => "links",
            Self::Admin => "admin",
        }
    }
}

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// An address of IPv4, or the first of a network of 64 bits: whoever has one address of IPv6 has all of those.
    Address(IpAddr),
    /// A user of Supabase Auth.
    User(Uuid),
}

impl Client {
    fn at(ClientIp(ip): ClientIp) -> Option<Self> {
        Some(Self::Address(match ip?.to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
            ip @ IpAddr::V4(_) => ip,
        }))
    }
}

impl fmt::Display for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(ip @ IpAddr::V6(_)) => write!(out, "{ip}/64"),
            Self::Address(ip) => ip.fmt(out),
            Self::User(user) => user.fmt(out),
        }
    }
}

/// A client that asks on and on over its limit: whoever stands in front may turn it away until then. Never one of
/// [`Group::Webhooks`]: a provider may stand behind the same address, and must not be turned away anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocked {
    /// Who.
    pub client: Client,
    /// The limit that it is over.
    pub group: Group,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// One may come again after so many seconds, and is let in then unless others came instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TooMany {
    /// For `Retry-After`.
    pub seconds: i64,
}

impl TooMany {
    fn after(micros: i64) -> Self {
        let seconds = (micros + SECOND - 1) / SECOND;
        Self {
            seconds: seconds.max(1),
        }
    }
}

impl From<TooMany> for Problem {
    fn from(TooMany { seconds }: TooMany) -> Self {
        let unit = if seconds == 1 { "segundo" } else { "segundos" };
        let detail = format!("Demasiadas peticiones. Espera {seconds} {unit} e inténtalo de nuevo.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "demasiadas-peticiones", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }
}

/// All limits of the program. Cheap to clone.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    clock: Clock,
    redis: Option<Arc<Redis>>,
    gates: Gates,
    blocked: broadcast::Sender<Blocked>,
    tell_for: TimeDelta,
}

struct Gates {
    webhooks: Gate,
    tokens: Gate,
    sign_in: Gate,
    public: Gate,
    reads: Gate,
    writes: Gate,
    links: Gate,
    admin: Gate,
}

/// The limits of a group; none where they are off.
struct Gate {
    address: Option<Buckets>,
    user: Option<Buckets>,
}

impl Gates {
    fn new(settings: &config::Limits) -> Self {
        let buckets = |group, by, rate| {
            let (most, tell_after) = (settings.clients.get(), settings.tell_after.get());
            Buckets::new(group, by, rate, most, tell_after)
        };
        let by_address = |group, limit: config::ByAddress| Gate {
            address: (!limit.off).then(|| buckets(group, "address", limit.address)),
            user: None,
        };
        let by_both = |group, limit: config::ByBoth| Gate {
            address: (!limit.off).then(|| buckets(group, "address", limit.address)),
            user: (!limit.off).then(|| buckets(group, "user", limit.user)),
        };
        Self {
            webhooks: by_address(Group::Webhooks, settings.webhooks),
            tokens: by_address(Group::Tokens, settings.tokens),
            sign_in: by_address(Group::SignIn, settings.sign_in),
            public: by_address(Group::Public, settings.public),
            reads: by_both(Group::Reads, settings.reads),
            writes: by_both(Group::Writes, settings.writes),
            links: by_both(Group::Links, settings.links),
            admin: by_both(Group::Admin, settings.admin),
        }
    }

    fn of(&self, group: Group) -> &Gate {
        match group {
            Group::Webhooks => &self.webhooks,
            Group::Tokens => &self.tokens,
            Group::SignIn => &self.sign_in,
            Group::Public => &self.public,
            Group::Reads => &self.reads,
            Group::Writes => &self.writes,
            Group::Links => &self.links,
            Group::Admin => &self.admin,
        }
    }
}

impl Limits {
    /// With all buckets full; counted over all replicas that share this Redis.
    pub fn new(settings: &config::Limits, clock: Clock, redis: Option<Arc<Redis>>) -> Self {
        Self(Arc::new(Inner {
            clock,
            redis,
            gates: Gates::new(settings),
            blocked: broadcast::Sender::new(TOLD_AT_ONCE),
            tell_for: TimeDelta::seconds(settings.tell_seconds.get().into()),
        }))
    }

    /// Clients that have been over a limit for long, each once a minute while it goes on. Who listens slowly misses the
    /// oldest; nobody is waited for.
    pub fn blocked(&self) -> broadcast::Receiver<Blocked> {
        self.0.blocked.subscribe()
    }

    /// Counts one by its address. Where users sign in, the other replicas are asked once it is known who it is.
    pub async fn count(&self, group: Group, from: ClientIp) -> Result<Passage, TooMany> {
        let gate = self.0.gates.of(group);
        let mut passage = Passage {
            limits: self.clone(),
            group,
            from,
            next: 0,
        };
        if let (Some(buckets), Some(client)) = (&gate.address, Client::at(from)) {
            passage.next = self.here(buckets, client)?;
            if gate.user.is_none() {
                self.everywhere(&[(buckets, client)]).await?;
            }
        }
        Ok(passage)
    }

    fn here(&self, buckets: &Buckets, client: Client) -> Result<i64, TooMany> {
        let taken = buckets.take(client, self.now());
        taken.map_err(|refusal| self.refuse(buckets, client, refusal))
    }

    async fn everywhere(&self, asked: &[(&Buckets, Client)]) -> Result<(), TooMany> {
        let Some(redis) = &self.0.redis else {
            return Ok(());
        };
        let Some(waits) = shared::waits(redis, asked).await else {
            return Ok(());
        };
        let now = self.now();
        let over = asked.iter().zip(waits).filter(|(_, wait)| *wait > 0);
        let refused = over.map(|((buckets, client), wait)| {
            let refusal = buckets.learn(*client, now, wait);
            self.refuse(buckets, *client, refusal)
        });
        refused.max().map_or(Ok(()), Err)
    }

    fn refuse(&self, buckets: &Buckets, client: Client, refusal: Refusal) -> TooMany {
        let (group, by) = (buckets.group, buckets.by);
        metrics::counter!("rate_limited_total", "group" => group.name(), "by" => by).increment(1);
        if let Some(before) = refusal.first {
            let group = group.name();
            tracing::warn!(target: "security", group, by, %client, refused_in_the_minute_before = before, "over its limit");
        }
        if refusal.to_tell && group != Group::Webhooks {
            let until = self.0.clock.now() + self.0.tell_for;
            // Nobody need listen.
            let _ = self.0.blocked.send(Blocked { client, group, until });
        }
        TooMany::after(refusal.wait)
    }

    fn now(&self) -> i64 {
        self.0.clock.now().timestamp_micros()
    }
}

/// A request that its address's limit let through: the layer leaves it for whoever finds out who it is.
#[derive(Clone)]
pub struct Passage {
    limits: Limits,
    group: Group,
    from: ClientIp,
    /// When its address may come again.
    next: i64,
}

impl Passage {
    /// Takes it out of a request, so that it is counted once.
    pub fn taken_from(parts: &mut Parts) -> Option<Self> {
        parts.extensions.remove()
    }

    /// A good token came: counts its user, here and over all replicas, and over all replicas the address.
    pub async fn by(self, user: Uuid) -> Result<(), TooMany> {
        let limits = &self.limits;
        let gate = limits.0.gates.of(self.group);
        let Some(buckets) = &gate.user else {
            return Ok(());
        };
        let user = (buckets, Client::User(user));
        if let Err(too_many) = limits.here(user.0, user.1) {
            return Err(too_many.max(TooMany::after(self.next - limits.now())));
        }
        let address = gate.address.as_ref().zip(Client::at(self.from));
        let both: Vec<_> = address.into_iter().chain([user]).collect();
        limits.everywhere(&both).await
    }

    /// A token came that is forged or broken.
    pub async fn bad_token(self) -> Result<(), TooMany> {
        self.limits.count(Group::Tokens, self.from).await.map(drop)
    }
}

/// Layer of a route in `group`: by address, before anything is read or proven.
pub async fn enter(State(group): State<Group>, mut request: Request, next: Next) -> Response {
    let Some(limits) = request.extensions().get::<Limits>().cloned() else {
        return next.run(request).await;
    };
    let from = request.extensions().get::<ClientIp>().copied();
    match limits.count(group, from.unwrap_or_default()).await {
        Ok(passage) => {
            request.extensions_mut().insert(passage);
            next.run(request).await
        }
        Err(too_many) => Problem::from(too_many).into_response(),
    }
}

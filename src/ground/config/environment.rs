//! The environment: which variables there are, and how each is read and judged.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::addresses::{is_local, is_redis};
use super::secrets::check;
use super::variables::{Need, VARIABLES};
use super::{File, Mail, Mode, Problems, Secrets, Settings, Stripe, vendors};

/// Nobody guesses 128 bits.
const SHORTEST_METRICS_TOKEN: usize = 32;

/// Names and values as the process got them, or as a test made them up.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own.
    #[allow(clippy::disallowed_methods)] // this is the one place
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    /// The value as it stands, also when it is blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Every name with its value: for a program that shows what it made up itself.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

/// Reads variables one by one and remembers what was wrong with each.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) production: bool,
    /// Whether a command reads, not a server: it has no door, and does without what is missing.
    command: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment, problems: Vec<String>) -> Self {
        let starts = |name: &str, prefixes: &[&str]| {
            environment
                .get(name)
                .is_some_and(|value| prefixes.iter().any(|prefix| value.starts_with(prefix)))
        };
        let production = starts("STRIPE_SECRET_KEY", &["sk_live_", "rk_live_"])
            || ["GIGSTACK_ENV", "MIFIEL_ENV"]
                .iter()
                .any(|name| environment.get(name) == Some("production"));
        Self {
            environment,
            problems,
            warnings: Vec::new(),
            production,
            command: false,
        }
    }

    pub(super) fn for_command(self) -> Self {
        Self {
            command: true,
            ..self
        }
    }

    /// A text that is neither blank nor a placeholder.
    pub(super) fn text(&mut self, name: &'static str) -> Option<&'a str> {
        let Some(value) = self.environment.get(name) else {
            self.missing(name);
            return None;
        };
        match check(value) {
            Ok(()) => Some(value),
            Err(why) => {
                self.problems.push(format!("{name} {why}"));
                None
            }
        }
    }

    /// Whether the environment names it, be it well or badly.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.environment.get(name).is_some()
    }

    pub(super) fn missing(&mut self, name: &'static str) {
        if self.command {
            return;
        }
        let need = VARIABLES
            .iter()
            .find(|variable| variable.name == name)
            .map_or(Need::Always, |variable| variable.need);
        match need {
            Need::Always => self.problems.push(format!("{name} is missing")),
            Need::Production if self.production => {
                self.problems
                    .push(format!("{name} is missing, and this is production (live keys)"));
            }
            Need::Production => self
                .warnings
                .push(format!("{name} is not set: what needs it is switched off")),
            Need::Optional => {}
        }
    }

    pub(super) fn secret(&mut self, name: &'static str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    pub(super) fn secrets(&mut self, name: &'static str) -> Option<Secrets> {
        let value = self.environment.get(name)?;
        Secrets::parse(value)
            .map_err(|why| self.problems.push(format!("{name} {why}")))
            .ok()
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &'static str, what: &str) -> Option<T> {
        let value = self.text(name)?;
        let parsed = value.parse().ok();
        if parsed.is_none() {
            self.problems.push(format!("{name} is not {what}"));
        }
        parsed
    }

    pub(super) fn address(&mut self, name: &'static str) -> Option<Url> {
        let url: Url = self.parsed(name, "an address such as https://onlycar.mx")?;
        if matches!(url.scheme(), "http" | "https") && url.has_host() {
            return Some(url);
        }
        self.problems
            .push(format!("{name} must begin with https:// and name a host"));
        None
    }

    /// Where a vendor is: overridden for simulators and proxies, never for a simulator in production.
    pub(super) fn base(&mut self, name: &'static str, default: &Url) -> Url {
        let url = self.address(name).unwrap_or_else(|| default.clone());
        let set = if self.environment.get(name).is_some() {
            ""
        } else {
            "the settings file instead of "
        };
        self.must_be_real(&format!("{set}{name}"), &url);
        url
    }

    /// Nobody on the way may read or change what is said there once it counts.
    pub(super) fn must_be_real(&mut self, name: &str, url: &Url) {
        if self.production && (url.scheme() != "https" || is_local(url)) {
            let problem = format!("{name} points to a simulator (plain http or this machine) in production");
            self.problems.push(problem);
        }
    }

    pub(super) fn mode(&mut self, name: &'static str) -> Option<Mode> {
        match self.text(name)? {
            "sandbox" => Some(Mode::Sandbox),
            "production" => Some(Mode::Production),
            _ => {
                self.problems
                    .push(format!("{name} must be sandbox or production"));
                None
            }
        }
    }
}

/// Reads all variables, so that all problems come to light together.
pub(super) fn read(reader: &mut Reader<'_>, mut file: File) -> Result<Settings, Problems> {
    file.stripe.api_base = reader.base("STRIPE_API_BASE", &file.stripe.api_base.clone());
    file.cloudflare.api_base = reader.base("CLOUDFLARE_API_BASE", &file.cloudflare.api_base.clone());
    let database_url = database_url(reader);
    let bind_addr = reader.parsed("BIND_ADDR", "an address and port such as 0.0.0.0:8080");
    let bind_addr = bind_addr.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 8080)));
    let public_url = reader.address("PUBLIC_URL");
    let local = || Url::parse(&format!("http://localhost:{}", bind_addr.port())).ok();
    let redis_url = redis_url(reader);
    let log_json = log_json(reader);
    let otlp_endpoint = reader.address("OTEL_EXPORTER_OTLP_ENDPOINT");
    let metrics_token = metrics_token(reader);
    let stripe = stripe(reader);
    let mail = mail(reader);
    let gigstack = vendors::gigstack(reader, &file);
    let mifiel = vendors::mifiel(reader, &file);
    let issuer = vendors::issuer(reader);
    let r2 = vendors::r2(reader);
    let audit_signing_key = audit_signing_key(reader, r2.is_some());
    let supabase = vendors::supabase(reader);
    let cloudflare = vendors::cloudflare(reader);
    if let (Some(database_url), Some(stripe), Some(public_url), true) = (
        database_url,
        stripe,
        public_url.or_else(local),
        reader.problems.is_empty(),
    ) {
        let warnings = std::mem::take(&mut reader.warnings);
        let production = reader.production;
        return Ok(Settings {
            production,
            bind_addr,
            public_url,
            database_url,
            redis_url,
            log_json,
            otlp_endpoint,
            metrics_token,
            file,
            stripe,
            mail,
            gigstack,
            mifiel,
            issuer,
            r2,
            audit_signing_key,
            supabase,
            cloudflare,
            warnings,
        });
    }
    let mut problems = std::mem::take(&mut reader.problems);
    let mut seen = HashSet::new();
    problems.retain(|problem| seen.insert(problem.clone()));
    Err(Problems(problems))
}

fn database_url(reader: &mut Reader<'_>) -> Option<SecretString> {
    let url = reader.text("DATABASE_URL")?;
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Some(SecretString::from(url));
    }
    reader
        .problems
        .push("DATABASE_URL must begin with postgres://".to_owned());
    None
}

fn redis_url(reader: &mut Reader<'_>) -> Option<SecretString> {
    let url = reader.text("REDIS_URL")?;
    if is_redis(url) {
        return Some(SecretString::from(url));
    }
    let problem = "REDIS_URL is not an address such as rediss://user:password@host:6379/0";
    reader.problems.push(problem.to_owned());
    None
}

fn audit_signing_key(reader: &mut Reader<'_>, store: bool) -> Option<SecretString> {
    let Some(key) = reader.secret("AUDIT_SIGNING_KEY") else {
        if reader.production && store {
            let warning = "AUDIT_SIGNING_KEY is not set: the audit log is signed with a key derived from \
                           R2_SECRET_ACCESS_KEY, and another one of those changes it (openssl rand -base64 32)";
            reader.warnings.push(warning.to_owned());
        }
        return None;
    };
    if STANDARD
        .decode(key.expose_secret())
        .is_ok_and(|seed| seed.len() == 32)
    {
        return Some(key);
    }
    let problem = "AUDIT_SIGNING_KEY is not the base64 of 32 bytes (openssl rand -base64 32)";
    reader.problems.push(problem.to_owned());
    None
}

fn metrics_token(reader: &mut Reader<'_>) -> Option<SecretString> {
    let token = reader.secret("METRICS_TOKEN")?;
    if token.expose_secret().len() >= SHORTEST_METRICS_TOKEN {
        return Some(token);
    }
    let problem =
        "METRICS_TOKEN can be guessed: take 32 random hexadecimal digits or more (openssl rand -hex 32)";
    reader.problems.push(problem.to_owned());
    None
}

fn log_json(reader: &mut Reader<'_>) -> bool {
    match reader.text("LOG_FORMAT") {
        None | Some("json") => true,
        Some("pretty") => false,
        Some(_) => {
            reader
                .problems
                .push("LOG_FORMAT must be json or pretty".to_owned());
            true
        }
    }
}

fn stripe(reader: &mut Reader<'_>) -> Option<Stripe> {
    reader.text("STRIPE_PUBLISHABLE_KEY");
    reader.text("STRIPE_GIGSTACK_CONNECTION_ID");
    let secret_key = reader.secret("STRIPE_SECRET_KEY");
    let account_id = reader.text("STRIPE_ACCOUNT_ID").map(str::to_owned);
    let key = reader.environment.get("STRIPE_SECRET_KEY").unwrap_or_default();
    let live = ["sk_live_", "rk_live_"]
        .iter()
        .any(|prefix| key.starts_with(prefix));
    if !key.is_empty() && !["sk_", "rk_"].iter().any(|prefix| key.starts_with(prefix)) {
        reader
            .problems
            .push("STRIPE_SECRET_KEY must begin with sk_ or rk_ (a restricted key is best)".to_owned());
    }
    if reader.production && !key.is_empty() && !live {
        let problem = "STRIPE_SECRET_KEY is a test key, and this is production: test payments would count";
        reader.problems.push(problem.to_owned());
    }
    let set = reader.environment.get("STRIPE_WEBHOOK_SECRET").is_some();
    if !set {
        reader.missing("STRIPE_WEBHOOK_SECRET");
    }
    let webhook_secrets = match reader.secrets("STRIPE_WEBHOOK_SECRET") {
        None if reader.command && !set => Secrets::none(),
        secrets => secrets?,
    };
    Some(Stripe {
        webhook_secrets,
        secret_key,
        account_id,
        live,
    })
}

fn mail(reader: &mut Reader<'_>) -> Mail {
    let smtp_url = reader.secret("SMTP_URL");
    let from = reader.text("MAIL_FROM").map(str::to_owned);
    let team = reader.text("TEAM_EMAIL").map(str::to_owned);
    for (name, value) in [("MAIL_FROM", &from), ("TEAM_EMAIL", &team)] {
        if value
            .as_deref()
            .is_some_and(|address| address.parse::<lettre::message::Mailbox>().is_err())
        {
            reader.problems.push(format!("{name} is not a mail address"));
        }
    }
    let team_webhook = reader
        .address("TEAM_WEBHOOK_URL")
        .map(|url| SecretString::from(url.as_str()));
    Mail {
        smtp_url,
        from,
        team,
        team_webhook,
    }
}

//! Settings: defaults from `config/default.toml`, one optional file, the environment on top; every problem is
//! named in one message, and no secret is ever in it.

mod addresses;
mod environment;
mod examine;
mod file;
mod limits;
mod origin;
mod secrets;
mod variables;
mod vendors;
mod verification;

use std::net::SocketAddr;

use secrecy::SecretString;
use url::Url;

pub use environment::Environment;
pub use examine::{Examined, Judged};
pub use file::{
    Access, Audit, Cloudflare as CloudflareFile, Database, Dialect, Documents, File,
    Gigstack as GigstackFile, Http, Inbox, Invoicing, Mifiel as MifielFile, Monitoring, Pooler, Redis,
    Retention, Stripe as StripeFile, Watch, Worker,
};
pub use limits::{ByAddress, ByBoth, Limits, Rate};
pub use origin::Origin;
pub use secrets::Secrets;
pub use variables::{Need, VARIABLES, Variable};
pub use verification::{Encoding, Policy, Scheme, Verification};

use environment::Reader;

/// Everything the program was told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether real money and real invoices are at stake: a live Stripe key, or a provider set to `production`.
    pub production: bool,
    /// `BIND_ADDR`: where the server listens.
    pub bind_addr: SocketAddr,
    /// `PUBLIC_URL`: the address that customers and providers see.
    pub public_url: Url,
    /// `DATABASE_URL`.
    pub database_url: SecretString,
    /// `REDIS_URL`, where repeated events are remembered besides the database, and limits are counted over all replicas.
    pub redis_url: Option<SecretString>,
    /// `LOG_FORMAT=json`, the default of `serve`; `pretty` is for people.
    pub log_json: bool,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces are sent, over HTTP.
    pub otlp_endpoint: Option<Url>,
    /// `METRICS_TOKEN`: what `/metrics` asks for, where it is set.
    pub metrics_token: Option<SecretString>,
    /// What was read from `config/*.toml`.
    pub file: File,
    /// Stripe's keys and secrets.
    pub stripe: Stripe,
    /// Mail and team channel.
    pub mail: Mail,
    /// Gigstack's, when its variables are set.
    pub gigstack: Option<Gigstack>,
    /// Mifiel's, when its variables are set.
    pub mifiel: Option<Mifiel>,
    /// Who issues the invoices.
    pub issuer: Option<Issuer>,
    /// Cloudflare R2, when its variables are set.
    pub r2: Option<R2>,
    /// `AUDIT_SIGNING_KEY`, the base64 of 32 bytes: what signs the daily heads of the audit log, and evidence.
    pub audit_signing_key: Option<SecretString>,
    /// Supabase, when `SUPABASE_URL` is set.
    pub supabase: Option<Supabase>,
    /// Cloudflare's API, when its variables are set.
    pub cloudflare: Option<Cloudflare>,
    /// Problems that do not stop the start, to be logged.
    pub warnings: Vec<String>,
}

/// Stripe, as `STRIPE_*` tell.
#[derive(Debug, Clone)]
pub struct Stripe {
    /// `STRIPE_WEBHOOK_SECRET`: one or several, all valid while one replaces the other.
    pub webhook_secrets: Secrets,
    /// `STRIPE_SECRET_KEY`.
    pub secret_key: Option<SecretString>,
    /// `STRIPE_ACCOUNT_ID`.
    pub account_id: Option<String>,
    /// Whether the key is a live one; then an event made in test mode must not move anything.
    pub live: bool,
}

/// Mail to customers and to the internal team.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// `SMTP_URL`, as `smtps://user:password@host:465`.
    pub smtp_url: Option<SecretString>,
    /// `MAIL_FROM`.
    pub from: Option<String>,
    /// `TEAM_EMAIL`.
    pub team: Option<String>,
    /// `TEAM_WEBHOOK_URL`, Slack-compatible; the address itself is the secret.
    pub team_webhook: Option<SecretString>,
}

/// Sandbox or production at a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Test data only.
    Sandbox,
    /// Real invoices and signatures.
    Production,
}

/// Gigstack, as `GIGSTACK_*` tell.
#[derive(Debug, Clone)]
pub struct Gigstack {
    /// `GIGSTACK_API_KEY`.
    pub api_key: SecretString,
    /// `GIGSTACK_API_SECRET`.
    pub api_secret: SecretString,
    /// `GIGSTACK_WEBHOOK_SECRET`, by default the API secret.
    pub webhook_secrets: Secrets,
    /// `GIGSTACK_ENV`.
    pub mode: Mode,
    /// Where its API is.
    pub base_url: Url,
}

/// Mifiel, as `MIFIEL_*` tell.
#[derive(Debug, Clone)]
pub struct Mifiel {
    /// `MIFIEL_APP_ID`.
    pub app_id: String,
    /// `MIFIEL_APP_SECRET`.
    pub app_secret: SecretString,
    /// `MIFIEL_WEBHOOK_SECRET`, by default the app's secret.
    pub webhook_secrets: Secrets,
    /// `MIFIEL_ENV`.
    pub mode: Mode,
    /// `MIFIEL_WEBHOOK_URL`; its `token` parameter is a secret.
    pub webhook_url: SecretString,
    /// Where its API is.
    pub base_url: Url,
}

/// Who issues the invoices, as `EMISOR_*` tell.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// `EMISOR_RFC`.
    pub rfc: String,
    /// `EMISOR_RAZON_SOCIAL`.
    pub name: String,
    /// `EMISOR_REGIMEN`, a code of SAT's catalogue c_RegimenFiscal.
    pub regime: String,
    /// `EMISOR_CP`, the postal code where invoices are issued.
    pub postal_code: String,
}

/// Cloudflare R2, as `R2_*` tell.
#[derive(Debug, Clone)]
pub struct R2 {
    /// `R2_ENDPOINT`, by default the account's.
    pub endpoint: Url,
    /// `R2_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `R2_SECRET_ACCESS_KEY`.
    pub secret_access_key: SecretString,
    /// `R2_BUCKET_NAME`.
    pub bucket: String,
}

/// Supabase, as `SUPABASE_*` tell.
#[derive(Debug, Clone)]
pub struct Supabase {
    /// `SUPABASE_URL`.
    pub url: Url,
    /// `SUPABASE_ANON_KEY`.
    pub anon_key: Option<SecretString>,
    /// `SUPABASE_SERVICE_ROLE_KEY`.
    pub service_role_key: Option<SecretString>,
    /// `SUPABASE_JWT_SECRET`, for projects that still sign with HS256.
    pub jwt_secret: Option<SecretString>,
}

impl Supabase {
    /// Whether it is on this machine or in a private network; production refuses such a one.
    pub fn is_local(&self) -> bool {
        addresses::is_local(&self.url)
    }
}

/// Cloudflare's API, and what of the account is ours.
#[derive(Debug, Clone)]
pub struct Cloudflare {
    /// `CLOUDFLARE_ACCOUNT_ID`.
    pub account_id: String,
    /// `CLOUDFLARE_API_TOKEN`.
    pub api_token: SecretString,
    /// `D1_DATABASE_ID`: what mirrors the metadata of documents, where there is one.
    pub d1_database_id: Option<String>,
    /// `KV_NAMESPACE_ID`: what tells of sessions and blocked clients, where there is one.
    pub kv_namespace_id: Option<String>,
}

/// Every problem of the configuration at once. Names variables and keys, never their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        writeln!(f, "the configuration has {count} {noun}; nothing was started")?;
        for problem in &self.0 {
            writeln!(f, "  - {problem}")?;
        }
        write!(
            f,
            "hint: .env.example lists every variable, config/default.toml every key"
        )
    }
}

impl std::error::Error for Problems {}

impl Settings {
    /// Reads the process's environment and the given file's text (the content of `--config`).
    pub fn load(file: Option<&str>) -> Result<Self, Problems> {
        Self::from_parts(&Environment::of_process(), file)
    }

    /// The same from values at hand: `dev` and the tests bring their own environment.
    pub fn from_parts(environment: &Environment, file: Option<&str>) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let file = File::layered(file).unwrap_or_else(|problem| {
            problems.push(problem);
            File::embedded()
        });
        environment::read(&mut Reader::new(environment, problems), file)
    }

    /// What a command needs that does what the server does, on the database of the environment or, where that names
    /// none, on this one. It receives nothing and starts nothing: what is missing is done without, and what is wrong is
    /// a problem still.
    pub fn for_command(dev: impl FnOnce() -> anyhow::Result<Environment>) -> anyhow::Result<Self> {
        let mut environment = Environment::of_process();
        if environment.get("DATABASE_URL").is_none() {
            environment = dev()?;
        }
        let mut reader = Reader::new(&environment, Vec::new()).for_command();
        Ok(environment::read(&mut reader, File::embedded())?)
    }

    /// The first secret of `STRIPE_WEBHOOK_SECRET`: what `trigger` signs with for another server.
    #[cfg(feature = "dev")]
    pub fn stripe_signing_secret() -> Option<String> {
        first_secret(&["STRIPE_WEBHOOK_SECRET"])
    }

    /// The same of `GIGSTACK_WEBHOOK_SECRET`, which `GIGSTACK_API_SECRET` stands in for.
    #[cfg(feature = "dev")]
    pub fn gigstack_signing_secret() -> Option<String> {
        first_secret(&["GIGSTACK_WEBHOOK_SECRET", "GIGSTACK_API_SECRET"])
    }

    /// The same of `MIFIEL_WEBHOOK_SECRET`, which `MIFIEL_APP_SECRET` stands in for.
    #[cfg(feature = "dev")]
    pub fn mifiel_signing_secret() -> Option<String> {
        first_secret(&["MIFIEL_WEBHOOK_SECRET", "MIFIEL_APP_SECRET"])
    }

    /// `DATABASE_URL` alone: what commands need that only look into the database.
    pub fn database_url() -> Option<SecretString> {
        Environment::of_process()
            .get("DATABASE_URL")
            .map(SecretString::from)
    }
}

/// The first secret of the first of these variables that is set.
#[cfg(feature = "dev")]
fn first_secret(names: &[&str]) -> Option<String> {
    let environment = Environment::of_process();
    let value = names.iter().find_map(|name| environment.get(name))?;
    value.split(',').next().map(str::to_owned)
}

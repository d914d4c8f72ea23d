//! `config/*.toml`: the settings that are not secret. `config/default.toml` is their manual.

use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

use super::limits::Limits;
use super::origin::Origin;
use super::verification::Verification;

/// No link to a document is good for longer than ten minutes.
const LONGEST_LINK: u16 = 600;

const DEFAULT: &str = include_str!("../../../config/default.toml");

/// All sections of the settings file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // config/default.toml explains every key
pub struct File {
    pub http: Http,
    pub database: Database,
    pub inbox: Inbox,
    pub worker: Worker,
    pub redis: Redis,
    pub limits: Limits,
    pub access: Access,
    pub stripe: Stripe,
    pub gigstack: Gigstack,
    pub invoicing: Invoicing,
    pub mifiel: Mifiel,
    pub documents: Documents,
    pub cloudflare: Cloudflare,
    pub watch: Watch,
    pub monitoring: Monitoring,
    pub retention: Retention,
    pub audit: Audit,
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs)] // config/default.toml explains every key
        pub struct $name { $(pub $field: $kind),+ }
    };
}

section! {
    /// `[http]`
    Http {
        body_limit_kib: usize, bodies_in_flight_mib: usize, request_timeout_seconds: u64, shutdown_seconds: u64,
        trusted_proxies: Vec<IpNet>, allowed_origins: Vec<Origin>,
    }
}
section! {
    /// `[database]`
    Database {
        pooler: Pooler, max_connections: u32, acquire_timeout_ms: u64,
        statement_timeout_seconds: u64, idle_in_transaction_timeout_seconds: u64,
    }
}
/// Whether a pooler stands before PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooler {
    /// Found out when the program starts.
    Auto,
    /// None does.
    Direct,
    /// One that may give each transaction another session.
    Transaction,
}
section! {
    /// `[inbox]`
    Inbox { batch_rows: usize, batch_kib: usize, writers: usize, waiting_rows: usize }
}
section! {
    /// `[worker]`
    Worker {
        concurrency: usize, claim_rows: usize, group_rows: usize, longest_seconds: u64, lease_seconds: u32, max_attempts: u16,
        backoff_first_seconds: u32, backoff_longest_seconds: u32, poll_ms: u64,
        give_way_above: usize, give_way_longest_ms: u64,
    }
}
section! {
    /// `[redis]`
    Redis {
        answer_ms: u32, connect_ms: u32, failures: u32, rest_ms: u32, look_ms: u32, waiting_keys: usize,
    }
}
section! {
    /// `[access]`
    Access {
        leeway_seconds: u32, keys_fresh_seconds: u32, keys_stale_seconds: u32, keys_pause_seconds: u32,
        keys_timeout_ms: u32, session_minutes: u32, session_idle_minutes: u32,
    }
}
section! {
    /// `[stripe]`
    Stripe {
        api_base: Url, timeout_seconds: u64, page_attempts: u32,
        reconcile_every_seconds: u32, watch_every_seconds: u32,
    }
}
section! {
    /// `[gigstack]`
    Gigstack {
        base_url: Url, dialect: Dialect, timeout_seconds: u64, file_hosts: Vec<String>, reconcile_every_seconds: u32,
        verification: Verification,
    }
}
section! {
    /// `[invoicing]`
    Invoicing { tell_client: bool, accept_cfdi_33: bool, global_every_month: bool }
}
section! {
    /// `[mifiel]`
    Mifiel {
        base_url: Url, sandbox_base_url: Url, timeout_seconds: u64, days_to_expire: u16, remind_every_days: u16,
        reminders: bool,
        reconcile_every_seconds: u32, verification: Verification,
    }
}
section! {
    /// `[documents]`
    Documents { link_seconds: u16 }
}
section! {
    /// `[cloudflare]`
    Cloudflare {
        api_base: Url, timeout_seconds: u64, flush_every_seconds: u32, batch_rows: u32, behind_minutes: u32,
        blocked_every_seconds: u32, blocked_clients: usize,
    }
}
section! {
    /// `[watch]`
    Watch { every_seconds: u32, snapshot_alert_seconds: i64 }
}
section! {
    /// `[monitoring]`
    Monitoring {
        probe_every_seconds: u32, check_every_seconds: u32, count_every_seconds: u32, queue_late_seconds: u32,
        silence_expects: u32,
    }
}
section! {
    /// `[retention]`
    Retention { payload_days: u16, unresolved_payload_days: u16, jobs_days: u16, failures_days: u16, batch_rows: i64,
        uploads_days: u16,
    }
}
section! {
    /// `[audit]`
    Audit { sign_daily: bool }
}

/// `gigstack.dialect`: which of Gigstack's APIs is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The addresses of the specification.
    V1,
    /// The vendor's current ones.
    V2,
}

impl File {
    /// The built-in values alone.
    #[allow(clippy::missing_panics_doc, clippy::expect_used)]
    pub fn embedded() -> Self {
        // a test reads the same text, so a broken default cannot be released
        toml::from_str(DEFAULT).expect("config/default.toml is complete")
    }

    /// The built-in values with those of `text` over them; the error names the key and its line.
    pub fn layered(text: Option<&str>) -> Result<Self, String> {
        let Some(text) = text else {
            return Ok(Self::embedded());
        };
        let parse = |text: &str| toml::from_str::<toml::Table>(text);
        let mut table = parse(DEFAULT).map_err(|error| error.to_string())?;
        let over = parse(text).map_err(|error| format!("the settings file is not TOML: {error}"))?;
        merge(&mut table, over);
        let file: Self = serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|error| {
            format!(
                "the settings file, key {}: {}",
                error.path(),
                error.inner().message()
            )
        })?;
        let wrong = |key: &str, problem: String| format!("the settings file: gigstack.{key}: {problem}");
        let verification = file.gigstack.verification.check();
        verification.map_err(|problem| wrong("verification", problem))?;
        let hosts = file.gigstack.file_hosts.iter();
        if let Some(host) = hosts.into_iter().find(|host| !is_host_name(host)) {
            let problem = format!("{host:?} is no host name such as files.gigstack.io or *.gigstack.io");
            return Err(wrong("file_hosts", problem));
        }
        let limits = file.limits.check();
        limits.map_err(|problem| format!("the settings file: {problem}"))?;
        file.checked()
    }

    fn checked(self) -> Result<Self, String> {
        let positive = [
            ("http.body_limit_kib", self.http.body_limit_kib),
            ("http.bodies_in_flight_mib", self.http.bodies_in_flight_mib),
            ("inbox.batch_rows", self.inbox.batch_rows),
            ("inbox.batch_kib", self.inbox.batch_kib),
            ("inbox.writers", self.inbox.writers),
            ("inbox.waiting_rows", self.inbox.waiting_rows),
            ("worker.concurrency", self.worker.concurrency),
            ("worker.claim_rows", self.worker.claim_rows),
            ("worker.group_rows", self.worker.group_rows),
            ("worker.max_attempts", usize::from(self.worker.max_attempts)),
            ("worker.lease_seconds", self.worker.lease_seconds as usize),
            ("redis.answer_ms", self.redis.answer_ms as usize),
            ("redis.connect_ms", self.redis.connect_ms as usize),
            ("redis.failures", self.redis.failures as usize),
            ("redis.rest_ms", self.redis.rest_ms as usize),
            ("redis.look_ms", self.redis.look_ms as usize),
            ("redis.waiting_keys", self.redis.waiting_keys),
            (
                "access.keys_fresh_seconds",
                self.access.keys_fresh_seconds as usize,
            ),
            (
                "access.keys_pause_seconds",
                self.access.keys_pause_seconds as usize,
            ),
            ("access.keys_timeout_ms", self.access.keys_timeout_ms as usize),
            ("access.session_minutes", self.access.session_minutes as usize),
            (
                "access.session_idle_minutes",
                self.access.session_idle_minutes as usize,
            ),
            ("database.max_connections", self.database.max_connections as usize),
            (
                "stripe.timeout_seconds",
                usize::try_from(self.stripe.timeout_seconds).unwrap_or(usize::MAX),
            ),
            ("stripe.page_attempts", self.stripe.page_attempts as usize),
            (
                "gigstack.timeout_seconds",
                usize::try_from(self.gigstack.timeout_seconds).unwrap_or(usize::MAX),
            ),
            (
                "cloudflare.timeout_seconds",
                usize::try_from(self.cloudflare.timeout_seconds).unwrap_or(usize::MAX),
            ),
            (
                "cloudflare.flush_every_seconds",
                self.cloudflare.flush_every_seconds as usize,
            ),
            ("cloudflare.batch_rows", self.cloudflare.batch_rows as usize),
            (
                "cloudflare.blocked_every_seconds",
                self.cloudflare.blocked_every_seconds as usize,
            ),
            ("cloudflare.blocked_clients", self.cloudflare.blocked_clients),
            (
                "monitoring.silence_expects",
                self.monitoring.silence_expects as usize,
            ),
            ("retention.payload_days", usize::from(self.retention.payload_days)),
            (
                "retention.unresolved_payload_days",
                usize::from(self.retention.unresolved_payload_days),
            ),
            ("retention.jobs_days", usize::from(self.retention.jobs_days)),
            (
                "retention.failures_days",
                usize::from(self.retention.failures_days),
            ),
            (
                "retention.batch_rows",
                usize::try_from(self.retention.batch_rows).unwrap_or(0),
            ),
        ];
        if self.http.bodies_in_flight_mib * 1024 <= self.http.body_limit_kib {
            return Err(
                "the settings file: http.bodies_in_flight_mib must hold more than one body".to_owned(),
            );
        }
        if self.access.keys_stale_seconds < self.access.keys_fresh_seconds {
            return Err(
                "the settings file: access.keys_stale_seconds must not be less than keys_fresh_seconds"
                    .to_owned(),
            );
        }
        if !(1..=LONGEST_LINK).contains(&self.documents.link_seconds) {
            return Err(format!(
                "the settings file: documents.link_seconds must be from 1 to {LONGEST_LINK}"
            ));
        }
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(format!("the settings file: {key} must be at least 1")),
            None => Ok(self),
        }
    }
}

/// A name of the internet, or `*.` and one: no scheme, port, path or number.
fn is_host_name(pattern: &str) -> bool {
    let name = pattern.strip_prefix("*.").unwrap_or(pattern);
    let is_label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(fits)
    };
    // A number, however it is written, has digits alone after its last dot; no name has.
    let last = name.rsplit('.').next().unwrap_or_default();
    name.contains('.') && name.split('.').all(is_label) && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => merge(inner, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::File;

    #[test]
    fn the_embedded_defaults_are_complete() {
        assert_eq!(File::embedded().http.body_limit_kib, 1024);
    }

    #[test]
    fn the_production_file_fits_over_them() {
        let production = include_str!("../../../config/production.toml");
        assert!(File::layered(Some(production)).is_ok());
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = File::layered(Some("[worker]\nconcurency = 4\n")).expect_err("misspelt");
        assert!(error.contains("concurency"), "{error}");
    }

    #[test]
    fn a_link_is_good_for_ten_minutes_at_most() {
        for (seconds, fits) in [(0, false), (1, true), (600, true), (601, false)] {
            let text = format!("[documents]\nlink_seconds = {seconds}\n");
            assert_eq!(File::layered(Some(&text)).is_ok(), fits, "{seconds}");
        }
    }

    #[test]
    fn zero_workers_are_refused() {
        let error = File::layered(Some("[worker]\nconcurrency = 0\n")).expect_err("zero");
        assert!(error.contains("worker.concurrency"), "{error}");
    }
}

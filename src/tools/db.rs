//! PostgreSQL: connection pools and migrations.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};

use crate::ground::config;

/// The migrations, built into the program.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The program's connections.
#[derive(Clone)]
pub struct Pools {
    /// For effects and for looking things up.
    pub main: PgPool,
    /// For taking events in alone: they are taken while every worker holds a connection.
    pub inbox: PgPool,
    /// For lease renewals alone.
    pub leases: PgPool,
}

/// Opens the pools; fails with a hint when the database cannot be reached now.
pub async fn connect(url: &SecretString, file: &config::File) -> anyhow::Result<Pools> {
    let settings = &file.database;
    let options = options(url, settings)?;
    let wait = Duration::from_millis(settings.acquire_timeout_ms);
    let pool = |connections: u32| {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(wait)
    };
    let main = pool(settings.max_connections).connect_with(options.clone()).await;
    let main = main.with_context(|| unreachable_hint(&options))?;
    let writers = u32::try_from(file.inbox.writers)?;
    Ok(Pools {
        main,
        inbox: pool(writers).connect_lazy_with(options.clone()),
        leases: pool(1).connect_lazy_with(options),
    })
}

fn unreachable_hint(options: &PgConnectOptions) -> String {
    format!(
        "PostgreSQL does not answer at {}:{}, database {}\nhint: is it running, and is DATABASE_URL right?",
        options.get_host(),
        options.get_port(),
        options.get_database().unwrap_or("(default)"),
    )
}

fn options(url: &SecretString, settings: &config::Database) -> anyhow::Result<PgConnectOptions> {
    // The error is dropped on purpose: it could repeat the password.
    let options = PgConnectOptions::from_str(url.expose_secret());
    let options = options.map_err(|_| {
        anyhow::anyhow!("DATABASE_URL cannot be read\nhint: postgres://user:password@host:5432/database")
    })?;
    let milliseconds = |seconds: u64| format!("{}", seconds * 1000);
    Ok(options
        .application_name("onlycar")
        .options([
            (
                "statement_timeout",
                milliseconds(settings.statement_timeout_seconds),
            ),
            // Every statement is prepared and finds its rows by an index. Planned once, while the queue is empty, it would
            // keep a sequential scan when the queue is full; planned anew each time it would cost more than it does.
            ("plan_cache_mode", "force_generic_plan".to_owned()),
            ("enable_seqscan", "off".to_owned()),
            // A plain index scan remembers dead entries; a bitmap scan reads them again at every claim.
            ("enable_bitmapscan", "off".to_owned()),
            // Compiling a statement takes longer than running any of ours.
            ("jit", "off".to_owned()),
            (
                "idle_in_transaction_session_timeout",
                milliseconds(settings.idle_in_transaction_timeout_seconds),
            ),
        ])
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1)))
}

/// Applies what is not applied yet; returns how many that were.
pub async fn migrate(pool: &PgPool) -> anyhow::Result<usize> {
    let pending = pending(pool).await?;
    MIGRATIONS
        .run(pool)
        .await
        .context("a migration failed; the ones before it are applied")?;
    Ok(pending.len())
}

/// The migrations that the database lacks, by name.
pub async fn pending(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    let begun =
        sqlx::query_scalar!(r#"select to_regclass('public._sqlx_migrations') is not null as "begun!""#);
    let applied: Vec<i64> = if begun.fetch_one(pool).await? {
        sqlx::query_scalar("select version from public._sqlx_migrations where success")
            .fetch_all(pool)
            .await?
    } else {
        Vec::new()
    };
    let missing = MIGRATIONS
        .iter()
        .filter(|known| !applied.contains(&known.version));
    Ok(missing
        .map(|migration| format!("{:04}_{}", migration.version, migration.description))
        .collect())
}

//! PostgreSQL: connections, directly or through a pooler, and migrations.

mod handle;
mod migrations;
mod way;

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Error};

pub use handle::{Connection, Db, Transaction};
pub use migrations::{MIGRATIONS, migrate, pending};

use crate::ground::config::{self, Pooler};

/// The program's connections.
#[derive(Clone)]
pub struct Pools {
    /// For effects and for looking things up.
    pub main: Db,
    /// For taking events in alone: they are taken while every worker holds a connection.
    pub inbox: Db,
    /// For lease renewals alone.
    pub leases: Db,
}

/// Opens the pools; fails with a hint when the database cannot be reached now.
pub async fn connect(url: &SecretString, file: &config::File) -> anyhow::Result<Pools> {
    let settings = &file.database;
    let base = base(url)?;
    let (main, options, begin) = first(&base, settings)
        .await
        .with_context(|| unreachable_hint(&base))?;
    tracing::info!(pooler = begin.is_some(), "connected to PostgreSQL");
    let writers = u32::try_from(file.inbox.writers)?;
    let other = |connections: u32| {
        let pool = pool(connections, settings).connect_lazy_with(options.clone());
        Db::new(pool, begin.clone())
    };
    Ok(Pools {
        main: Db::new(main, begin.clone()),
        inbox: other(writers),
        leases: other(1),
    })
}

/// The main pool with its first connection, how the other pools connect, and how a transaction begins where a pooler
/// may stand in between.
async fn first(
    base: &PgConnectOptions,
    settings: &config::Database,
) -> Result<(PgPool, PgConnectOptions, Option<String>), Error> {
    if settings.pooler != Pooler::Transaction {
        let options = way::direct(base, settings);
        let main = pool(settings.max_connections, settings).connect_with(options.clone());
        match main.await {
            Ok(main) if settings.pooler == Pooler::Direct || way::is_direct(&main).await? => {
                return Ok((main, options, None));
            }
            Ok(main) => main.close().await,
            Err(error) if settings.pooler == Pooler::Auto && way::refuses_options(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let options = way::through_a_pooler(base);
    let main = pool(settings.max_connections, settings).connect_with(options.clone());
    Ok((main.await?, options, Some(way::begin(settings))))
}

fn pool(connections: u32, settings: &config::Database) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_millis(settings.acquire_timeout_ms))
}

fn unreachable_hint(options: &PgConnectOptions) -> String {
    format!(
        "PostgreSQL does not answer at {}:{}, database {}\nhint: is it running, and is DATABASE_URL right?",
        options.get_host(),
        options.get_port(),
        options.get_database().unwrap_or("(default)"),
    )
}

fn base(url: &SecretString) -> anyhow::Result<PgConnectOptions> {
    // The error is dropped on purpose: it could repeat the password.
    let options = PgConnectOptions::from_str(url.expose_secret());
    let options = options.map_err(|_| {
        anyhow::anyhow!("DATABASE_URL cannot be read\nhint: postgres://user:password@host:5432/database")
    })?;
    Ok(options
        .application_name("onlycar")
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1)))
}

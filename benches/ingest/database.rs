//! The benchmark's own PostgreSQL, and a fresh copy of the migrated and seeded database for each step.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use onlycar::dev::postgres::{Options, Postgres};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::{server, sql};

const TEMPLATE: &str = "seeded";
const COPY: &str = "measured";

pub struct Cluster {
    postgres: Postgres,
    pub folder: PathBuf,
    pub log: PathBuf,
}

impl Cluster {
    pub fn start(folder: &Path) -> Result<Self> {
        let options = Options {
            // As many as stock settings have, whatever the machine's memory made initdb choose.
            settings: vec![("max_connections".to_owned(), "100".to_owned())],
            ..Options::kept(folder.join("postgres"))
        };
        let postgres = Postgres::start(&options, Path::new(server::PROGRAM), &mut |line| {
            eprintln!("{line}");
        })?;
        Ok(Self {
            postgres,
            folder: folder.to_owned(),
            log: server::log_file(folder),
        })
    }

    pub fn stop(self) -> Result<()> {
        self.postgres.stop()
    }

    pub fn pgbench(&self) -> PathBuf {
        self.postgres.bin("pgbench")
    }

    /// Migrates and seeds the database all steps start from; says what PostgreSQL this is.
    pub async fn prepare(&self, services: u64) -> Result<String> {
        let mut admin = self.admin().await?;
        admin
            .execute(AssertSqlSafe(format!("create database {TEMPLATE}")))
            .await?;
        let url = self.postgres.url(TEMPLATE);
        server::migrate(&url, &self.log)?;
        let mut template = PgConnection::connect(&url).await?;
        let [client, services_of_client] = sql::SEED;
        template.execute(client).await.context("seeding clientes")?;
        sqlx::query(services_of_client)
            .bind(i64::try_from(services)?)
            .execute(&mut template)
            .await?;
        template.execute("vacuum analyze").await?;
        template.close().await?;
        describe(&mut admin).await
    }

    /// A fresh copy, everything written out, so that no step pays for the rows or the checkpoint of the one before.
    pub async fn fresh(&self) -> Result<String> {
        let mut admin = self.admin().await?;
        admin
            .execute(AssertSqlSafe(format!(
                "drop database if exists {COPY} with (force)"
            )))
            .await?;
        admin
            .execute(AssertSqlSafe(format!(
                "create database {COPY} template {TEMPLATE}"
            )))
            .await?;
        admin.execute("checkpoint").await?;
        admin.close().await?;
        Ok(self.postgres.url(COPY))
    }

    /// The process all of PostgreSQL descends from.
    pub async fn postmaster(&self) -> Result<u32> {
        let mut admin = self.admin().await?;
        let backend: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(&mut admin)
            .await?;
        crate::machine::parent(u32::try_from(backend)?)
    }

    async fn admin(&self) -> Result<PgConnection> {
        PgConnection::connect(&self.postgres.url("postgres"))
            .await
            .context("connecting to the benchmark's PostgreSQL")
    }
}

async fn describe(admin: &mut PgConnection) -> Result<String> {
    let setting = "select current_setting('server_version') || ', fsync ' || current_setting('fsync')
        || ', synchronous_commit ' || current_setting('synchronous_commit')";
    let text: String = sqlx::query_scalar(setting).fetch_one(admin).await?;
    ensure!(
        text.ends_with("fsync on, synchronous_commit on"),
        "not a durable PostgreSQL: {text}"
    );
    Ok(text)
}

pub async fn backlog(connection: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar(sql::BACKLOG).fetch_one(connection).await?)
}

/// Fails unless every event ended as processed and every service as paid.
pub async fn check_effects(connection: &mut PgConnection, events: u64) -> Result<()> {
    let processed: i64 = sqlx::query_scalar(sql::PROCESSED)
        .fetch_one(&mut *connection)
        .await?;
    let paid: i64 = sqlx::query_scalar(sql::PAID).fetch_one(&mut *connection).await?;
    let expected = i64::try_from(events)?;
    if (processed, paid) != (expected, expected) {
        let states = states(connection).await?;
        anyhow::bail!(
            "of {events} accepted events {processed} are processed and {paid} services paid:\n{states}"
        );
    }
    Ok(())
}

pub async fn states(connection: &mut PgConnection) -> Result<String> {
    let states: Vec<String> = sqlx::query_scalar(sql::STATES).fetch_all(connection).await?;
    Ok(states.join("\n"))
}

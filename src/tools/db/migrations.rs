//! The migrations, built into the program, and the table in which sqlx keeps which of them were applied.
//!
//! Applied by a loop of our own, because sqlx's holds a lock of the session, which a transaction pooler would leave with
//! somebody else.

use std::time::Instant;

use anyhow::{Context, bail, ensure};
use sqlx::migrate::{Migration, Migrator};
use sqlx::{Executor, FromRow};

use super::handle::Db;

/// The migrations.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// Of the lock that one migrating program holds and the others wait for.
const LOCK: i64 = 0x6F6E_6C79_6361_7200;

/// sqlx's table, letter by letter.
const TABLE: &str = "create table if not exists public._sqlx_migrations (
    version bigint primary key,
    description text not null,
    installed_on timestamptz not null default now(),
    success boolean not null,
    checksum bytea not null,
    execution_time bigint not null)";

/// Applies what is not applied yet; returns how many that were. Nothing is done to a database that lacks nothing.
pub async fn migrate(db: &Db) -> anyhow::Result<usize> {
    let applied = applied(db).await?;
    refuse_what_differs(&applied)?;
    let mut count = 0;
    for migration in MIGRATIONS.iter() {
        let known = applied.iter().any(|row| row.version == migration.version);
        if !known && apply(db, migration).await.with_context(|| failed(migration))? {
            count += 1;
        }
    }
    Ok(count)
}

fn failed(migration: &Migration) -> String {
    format!(
        "migration {} failed; the ones before it are applied, of this one nothing\n\
         hint: is DATABASE_URL that of the owner of the database? The service's role may not migrate",
        name(migration)
    )
}

/// False when another program was faster.
#[allow(clippy::disallowed_methods)] // a migration is no unit of work
async fn apply(db: &Db, migration: &Migration) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let mut work = db.begin().await?;
    // A migration takes its time, and a lock on a table may have to be waited for.
    let settings = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0";
    work.execute(settings).await?;
    let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK);
    lock.execute(&mut work).await?;
    work.execute(TABLE).await?;
    let there: bool =
        sqlx::query_scalar("select exists (select from public._sqlx_migrations where version = $1)")
            .bind(migration.version)
            .fetch_one(&mut work)
            .await?;
    if there {
        return Ok(false);
    }
    work.execute(migration.sql.clone()).await?;
    let note = "insert into public._sqlx_migrations (version, description, success, checksum, execution_time)
                values ($1, $2, true, $3, $4)";
    sqlx::query(note)
        .bind(migration.version)
        .bind(&*migration.description)
        .bind(&*migration.checksum)
        .bind(i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX))
        .execute(&mut work)
        .await?;
    work.commit().await?;
    Ok(true)
}

/// A row of sqlx's table.
#[derive(FromRow)]
struct Applied {
    version: i64,
    success: bool,
    checksum: Vec<u8>,
}

async fn applied(db: &Db) -> Result<Vec<Applied>, sqlx::Error> {
    let begun =
        sqlx::query_scalar!(r#"select to_regclass('public._sqlx_migrations') is not null as "begun!""#);
    if !begun.fetch_one(db).await? {
        return Ok(Vec::new());
    }
    let rows =
        sqlx::query_as("select version, success, checksum from public._sqlx_migrations order by version");
    rows.fetch_all(db).await
}

/// As sqlx does: a database that was migrated otherwise than this program would is left alone.
fn refuse_what_differs(applied: &[Applied]) -> anyhow::Result<()> {
    for row in applied {
        let version = row.version;
        let Some(known) = MIGRATIONS.iter().find(|known| known.version == version) else {
            bail!(
                "the database has migration {version:04}, which this program does not know\n\
                 hint: a newer onlycar migrated it; use that one"
            );
        };
        ensure!(
            row.success,
            "migration {version:04} was begun and not finished\n\
             hint: look at what it left behind, then remove its row from _sqlx_migrations"
        );
        ensure!(
            row.checksum == *known.checksum,
            "migration {version:04} was changed after it was applied\n\
             hint: use a program that was built from the released migrations"
        );
    }
    Ok(())
}

/// The migrations that the database lacks, by name.
pub async fn pending(db: &Db) -> Result<Vec<String>, sqlx::Error> {
    let applied = applied(db).await?;
    let there = |known: &&Migration| {
        applied
            .iter()
            .any(|row| row.version == known.version && row.success)
    };
    let missing = MIGRATIONS.iter().filter(|known| !there(known));
    Ok(missing.map(name).collect())
}

fn name(migration: &Migration) -> String {
    format!("{:04}_{}", migration.version, migration.description)
}

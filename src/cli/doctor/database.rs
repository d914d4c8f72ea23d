//! The database: is it there, has it every table, is it closed to the internet, what may our role do, what time does it say?

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::FromRow;

use super::check::Check;
use super::{data, vendors};
use crate::ground::clock::Clock;
use crate::ground::config::{Examined, Settings};
use crate::tools::db::{self, Db};

/// What fails when the database does not answer.
pub(super) const KEYS: &[&str] = &["database.reached"];

/// The first version that everything here was tested with.
const OLDEST: i32 = 150_000;

pub(super) async fn checks(examined: &Examined, settings: &Settings) -> Vec<Check> {
    let key = "database.reached";
    if !examined.database {
        let hint = "set DATABASE_URL, or start `onlycar dev` in this folder";
        return vec![Check::failing(key, "no database is named", hint)];
    }
    let pool = match db::connect(&settings.database_url, &settings.file).await {
        Ok(pools) => pools.main,
        Err(error) => {
            let said = format!("{error:#}");
            let (said, cause) = said.split_once("\nhint: ").unwrap_or((&said, ""));
            // The cause stands behind the hint of our own words.
            let cause = cause
                .split_once("?: ")
                .map(|(_, cause)| cause)
                .unwrap_or_default();
            let said = [said, cause].join(": ");
            let hint = "is it running, and is DATABASE_URL right?";
            return vec![Check::failing(key, said.trim_end_matches(": "), hint)];
        }
    };
    match looked_into(settings, &pool).await {
        Ok(checks) => checks,
        Err(error) => vec![Check::failing(
            key,
            format!("a question to it failed: {error}"),
            "run docs/sql/service_role.sql as the owner after every `onlycar migrate`",
        )],
    }
}

async fn looked_into(settings: &Settings, pool: &Db) -> Result<Vec<Check>, sqlx::Error> {
    let mut checks = vec![reached(pool).await?, clock(pool).await?];
    let (migrations, whole) = migrations(pool).await;
    checks.push(migrations);
    if whole {
        checks.push(closed(settings, pool).await?);
        checks.push(role(settings, pool).await?);
        checks.push(append_only(pool).await?);
        checks.extend(data::checks(settings, pool).await?);
    }
    Ok(checks)
}

async fn reached(pool: &Db) -> Result<Check, sqlx::Error> {
    let sql = "select current_setting('server_version_num')::integer, current_setting('server_version')";
    let (number, version): (i32, String) = sqlx::query_as(sql).fetch_one(pool).await?;
    let key = "database.reached";
    Ok(if number >= OLDEST {
        Check::ok(key, format!("PostgreSQL {version}"))
    } else {
        Check::failing(
            key,
            format!("PostgreSQL {version} is too old"),
            "15 or newer is needed",
        )
    })
}

async fn clock(pool: &Db) -> Result<Check, sqlx::Error> {
    let asked_at = Clock::system().now();
    let theirs: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(pool)
        .await?;
    let took = Clock::system().now() - asked_at;
    let grain = took / 2 + TimeDelta::milliseconds(1);
    Ok(vendors::skew(
        "clock.database",
        "PostgreSQL",
        asked_at + took / 2 - theirs,
        grain,
    ))
}

/// And whether every table is there that the other checks look into.
async fn migrations(pool: &Db) -> (Check, bool) {
    let key = "database.migrations";
    let hint = "run `onlycar migrate` as the owner of the database, then docs/sql/service_role.sql";
    match db::pending(pool).await {
        Ok(pending) if pending.is_empty() => {
            let count = db::MIGRATIONS.iter().count();
            (Check::ok(key, format!("all {count} are applied")), true)
        }
        Ok(pending) => {
            let said = format!("{} are not applied: {}", pending.len(), pending.join(", "));
            (Check::failing(key, said, hint), false)
        }
        Err(error) => (
            Check::failing(key, format!("they cannot be read: {error}"), hint),
            false,
        ),
    }
}

/// Supabase connects `public` to the internet: no table may be without row level security, nothing may be granted to whoever
/// comes from there.
async fn closed(settings: &Settings, pool: &Db) -> Result<Check, sqlx::Error> {
    let sql = "with ours as (
            select pg_class.oid, relrowsecurity, pg_class.oid::regclass::text as name
            from pg_class join pg_namespace on pg_namespace.oid = relnamespace
            where relkind in ('r', 'p') and nspname in ('public', 'webhooks', 'engine', 'stripe', 'invoicing', 'contracts',
                'documents', 'access', 'edge', 'monitoring')),
        exposed as (select rolname from pg_roles where rolname in ('anon', 'authenticated'))
        select coalesce((select array_agg(name order by name) from ours where not relrowsecurity), '{}'),
               coalesce((select array_agg(distinct name) from ours, exposed
                   where has_any_column_privilege(rolname, oid, 'select, insert, update, references')
                      or has_table_privilege(rolname, oid, 'select, insert, update, delete, truncate')), '{}')";
    let (unlocked, granted): (Vec<String>, Vec<String>) = sqlx::query_as(sql).fetch_one(pool).await?;
    let key = "database.closed";
    let hint = "as the owner: select engine.protect('SCHEMA.TABLE') for each";
    Ok(if !unlocked.is_empty() {
        let said = format!("no row level security on {}", unlocked.join(", "));
        Check::lacking(settings.production, key, said, hint)
    } else if !granted.is_empty() {
        let said = format!(
            "the internet (anon, authenticated) may touch {}",
            granted.join(", ")
        );
        Check::failing(key, said, hint)
    } else {
        Check::ok(
            key,
            "row level security on every table; nothing is granted to anon and authenticated",
        )
    })
}

#[derive(FromRow)]
struct Role {
    name: String,
    above: bool,
    erases: bool,
    writes: bool,
}

/// The service needs few rights, and the owner's are too many.
async fn role(settings: &Settings, pool: &Db) -> Result<Check, sqlx::Error> {
    let sql = "select current_user::text as name,
            (select rolsuper or rolbypassrls or rolcreaterole from pg_roles where rolname = current_user) as above,
            has_table_privilege('public.logs_auditoria', 'delete') or has_table_privilege('public.logs_auditoria', 'truncate')
                as erases,
            has_table_privilege('webhooks.events', 'insert') and has_table_privilege('engine.jobs', 'insert, update, delete')
                and has_any_column_privilege('public.logs_auditoria', 'insert') as writes";
    let role: Role = sqlx::query_as(sql).fetch_one(pool).await?;
    let key = "database.role";
    Ok(if !role.writes {
        let said = format!("{} may not write what the service writes", role.name);
        Check::failing(
            key,
            said,
            "run docs/sql/service_role.sql as the owner after every `onlycar migrate`",
        )
    } else if role.above || role.erases {
        let said = format!("{} has more rights than a service should have", role.name);
        let hint = "run docs/sql/service_role.sql, and give the service the DATABASE_URL of onlycar_service";
        Check::lacking(settings.production, key, said, hint)
    } else {
        Check::ok(
            key,
            format!("{} may do what the service does, and no more", role.name),
        )
    })
}

async fn append_only(pool: &Db) -> Result<Check, sqlx::Error> {
    let sql = "select count(*) from pg_trigger where not tgisinternal and tgenabled in ('O', 'A')
               and (tgrelid = 'public.logs_auditoria'::regclass and tgname in ('solo_se_agrega', 'nada_se_borra')
                    or tgrelid = 'engine.audit_head'::regclass and tgname in ('only_forward', 'stays'))";
    let guards: i64 = sqlx::query_scalar(sql).fetch_one(pool).await?;
    let key = "audit.append_only";
    Ok(if guards == 4 {
        Check::ok(
            key,
            "the database refuses to change or remove a row of the audit log",
        )
    } else {
        let said = format!(
            "{} of 4 triggers that guard the audit log are gone or switched off",
            4 - guards
        );
        Check::failing(
            key,
            said,
            "compare migrations/0007_database_safety.sql, and run: onlycar audit verify",
        )
    })
}

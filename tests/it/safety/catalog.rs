//! Every table of ours, also those of migrations to come.

use sqlx::PgPool;

use crate::support::database;

/// Tables, views and sequences of ours.
const OURS: &str = "from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where relkind in ('r', 'p', 'v', 'm', 'S') and nspname <> 'information_schema' and nspname !~ '^pg_'";

async fn names(pool: &PgPool, sql: &str) -> Vec<String> {
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()));
    query.fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn row_level_security_is_on_for_every_table() {
    let pool = PgPool::connect(&database::fresh().await).await.unwrap();
    let off = format!(
        "select pg_class.oid::regclass::text {OURS} and relkind in ('r', 'p') and not relrowsecurity"
    );
    let none: [&str; 0] = [];
    let hint = "a migration ends with `select engine.protect('schema.table');` for each table it makes";
    assert_eq!(names(&pool, &off).await, none, "{hint}");
}

#[tokio::test]
async fn nothing_is_granted_to_who_comes_from_the_internet() {
    let pool = PgPool::connect(&database::fresh().await).await.unwrap();
    let none: [&str; 0] = [];
    let hint = "a migration ends with `select engine.protect('schema.table');` for each table it makes";
    for role in ["public", "anon", "authenticated"] {
        let tables = format!(
            "select pg_class.oid::regclass::text {OURS} and relkind <> 'S' and has_any_column_privilege('{role}',
                 pg_class.oid, 'select, insert, update, references')
             union all select pg_class.oid::regclass::text {OURS} and relkind <> 'S' and has_table_privilege('{role}',
                 pg_class.oid, 'select, insert, update, delete, truncate, references, trigger')"
        );
        assert_eq!(names(&pool, &tables).await, none, "{role}: {hint}");
        let sequences = format!(
            "select pg_class.oid::regclass::text {OURS} and case when relkind = 'S'
                 then has_sequence_privilege('{role}', pg_class.oid, 'usage, select, update') end"
        );
        assert_eq!(names(&pool, &sequences).await, none, "{role}: {hint}");
        let schemas = format!(
            "select nspname::text from pg_namespace where nspname not in ('public', 'information_schema', 'pg_catalog')
                 and has_schema_privilege('{role}', oid, 'usage, create')"
        );
        assert_eq!(names(&pool, &schemas).await, none, "{role}");
        let functions = format!(
            "select pg_proc.oid::regprocedure::text from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
             where nspname not in ('information_schema', 'pg_catalog')
                 and has_function_privilege('{role}', pg_proc.oid, 'execute')"
        );
        assert_eq!(
            names(&pool, &functions).await,
            none,
            "{role}: a migration revokes it: revoke execute on function ... from public"
        );
    }
    let policies = "select polrelid::regclass::text from pg_policy
                    where polroles <> array['onlycar_service'::regrole::oid] or polname <> 'onlycar_service'";
    assert_eq!(names(&pool, policies).await, none, "a policy for somebody else");
}

#[tokio::test]
async fn a_table_that_is_made_later_in_public_is_closed_as_well() {
    let pool = PgPool::connect(&database::fresh().await).await.unwrap();
    let make = "create table public.nueva (id bigint generated always as identity)";
    sqlx::query(make).execute(&pool).await.unwrap();
    for role in ["anon", "authenticated"] {
        let open = format!(
            "select privilege_type from information_schema.table_privileges
             where table_name = 'nueva' and grantee = '{role}'"
        );
        let none: [&str; 0] = [];
        assert_eq!(names(&pool, &open).await, none, "{role}");
    }
}

#[tokio::test]
async fn the_service_sees_every_table_and_no_other_role_does() {
    let pool = PgPool::connect(&database::fresh().await).await.unwrap();
    let without = format!(
        "select pg_class.oid::regclass::text {OURS} and relkind in ('r', 'p')
             and not exists (select from pg_policy where polrelid = pg_class.oid and polname = 'onlycar_service')"
    );
    let none: [&str; 0] = [];
    let hint = "docs/sql/service_role.sql grants what the program does with a new table";
    assert_eq!(names(&pool, &without).await, none, "{hint}");
}

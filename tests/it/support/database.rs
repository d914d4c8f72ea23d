//! One throwaway PostgreSQL server for the whole test run; a database per test, copied from a migrated template.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use onlycar::dev::postgres::{Options, Postgres, verifier};
use onlycar::tools::db::{self, Db};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};
use tokio::sync::OnceCell;

const TEMPLATE: &str = "plantilla";

/// The program with the hidden subcommand that guards the server.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_onlycar"))
}

/// The server lives as long as this process: its guard stops it, and removes its folder, when the process ends.
async fn server() -> &'static Postgres {
    static SERVER: OnceCell<Postgres> = OnceCell::const_new();
    SERVER
        .get_or_init(|| async {
            let root = std::env::temp_dir().join(format!("onlycar-tests-{}", std::process::id()));
            let start = move || Postgres::start(&Options::throwaway(root), program(), &mut |_| {});
            let server = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
            prepare_template(&server).await;
            server
        })
        .await
}

async fn prepare_template(server: &Postgres) {
    create(server, TEMPLATE, "").await;
    let pool = PgPool::connect(&server.url(TEMPLATE)).await.unwrap();
    pool.execute(SUPABASE).await.unwrap();
    db::migrate(&db(&pool)).await.unwrap();
    pool.execute(SERVICE_ROLE).await.unwrap();
    let verifier = verifier(PASSWORD).unwrap();
    let alter = format!("alter role onlycar_service password '{verifier}' connection limit -1");
    pool.execute(AssertSqlSafe(alter)).await.unwrap();
    pool.close().await;
}

/// As Supabase does: what is made in `public` is open to who comes from the internet.
const SUPABASE: &str = "create role anon; create role authenticated;
    grant usage on schema public to anon, authenticated;
    alter default privileges in schema public grant all on tables to anon, authenticated;
    alter default privileges in schema public grant all on sequences to anon, authenticated;
    alter default privileges in schema public grant all on functions to anon, authenticated;";

/// What the owner runs after the migrations, so that the service can work.
pub const SERVICE_ROLE: &str = include_str!("../../../docs/sql/service_role.sql");

const PASSWORD: &str = "of-the-service";

/// The same address for the role of the service, which may do what the program does and no more.
pub fn as_service(database_url: &str) -> String {
    let (_, place) = database_url.rsplit_once('@').unwrap();
    format!("postgres://onlycar_service:{PASSWORD}@{place}")
}

async fn create(server: &Postgres, name: &str, how: &str) {
    let mut admin = PgConnection::connect(&server.url("postgres")).await.unwrap();
    let create = AssertSqlSafe(format!("create database {name} {how}"));
    admin.execute(create).await.unwrap();
}

fn new_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("prueba_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The address of a new, migrated, empty database.
pub async fn fresh() -> String {
    let (server, name) = (server().await, new_name());
    create(server, &name, &format!("template {TEMPLATE} strategy file_copy")).await;
    server.url(&name)
}

/// A pool of a test's own, for what the program does with its pools.
pub fn db(pool: &PgPool) -> Db {
    pool.clone().into()
}

/// The address of a new database without a table.
pub async fn empty() -> String {
    let (server, name) = (server().await, new_name());
    create(server, &name, "").await;
    server.url(&name)
}

//! As at Supabase: the owner of the database is no superuser.

use onlycar::tools::db;
use sqlx::{Connection, Executor, PgConnection, PgPool};

use crate::support::database;

#[tokio::test]
async fn an_owner_without_more_rights_migrates_and_makes_the_role() {
    let url = database::empty().await;
    let name = url.rsplit_once('/').unwrap().1;
    let mut admin = PgConnection::connect(&url).await.unwrap();
    let make =
        format!("create role duena login createrole password 'duena'; alter database {name} owner to duena");
    admin.execute(sqlx::AssertSqlSafe(make)).await.unwrap();
    let place = url.rsplit_once('@').unwrap().1;
    let owner = PgPool::connect(&format!("postgres://duena:duena@{place}"))
        .await
        .unwrap();
    let applied = db::migrate(&database::db(&owner)).await.unwrap();
    assert_eq!(applied, db::MIGRATIONS.iter().count());
    for _ in 0..2 {
        owner.execute(database::SERVICE_ROLE).await.unwrap();
    }
    let service = PgPool::connect(&database::as_service(&url)).await.unwrap();
    let service = database::db(&service);
    // Nothing is pending, so nothing is done that the role may not do.
    assert_eq!(db::migrate(&service).await.unwrap(), 0);
    let last = "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    owner.execute(last).await.unwrap();
    let refused = format!("{:#}", db::migrate(&service).await.unwrap_err());
    assert!(
        refused.contains("permission denied") && refused.contains("hint: "),
        "{refused}"
    );
    onlycar::engine::audit::seal(&service).await.unwrap();
    assert!(onlycar::engine::audit::verify(&service).await.unwrap().is_ok());
}

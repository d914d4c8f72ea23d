//! What the database refuses by itself: to the internet everything, to the service what the program does not do, and to
//! everybody to change the audit log.

mod append_only;
mod catalog;
mod owner;
mod service;

use sqlx::{AssertSqlSafe, Connection, PgPool};

/// The code of the error that a statement ends with; none when it works. Nothing of it stays.
async fn refused(pool: &PgPool, sql: &str) -> Option<String> {
    let mut connection = pool.acquire().await.unwrap();
    let mut work = connection.begin().await.unwrap();
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut *work)
        .await;
    let code = done.err().map(|error| {
        let error = error.into_database_error().expect("the database refuses it");
        error.code().unwrap().into_owned()
    });
    work.rollback().await.unwrap();
    code
}

const NO_RIGHT: &str = "42501";
const ONLY_GROWS: &str = "23001";

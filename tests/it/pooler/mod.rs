//! Everything works through a transaction pooler with nothing configured: here before every statement stands a real
//! pgbouncer with two sessions of PostgreSQL for all clients together.

mod commands;
mod found;
mod whole;

use sqlx::{Connection, PgConnection, Row};

use crate::support::pgbouncer::{PgBouncer, SESSIONS, plain};
use crate::support::{TestApp, database};

/// The program behind a pgbouncer; none where that is not installed.
struct Pooled {
    app: TestApp,
    pooler: PgBouncer,
}

impl Pooled {
    async fn start() -> Option<Self> {
        Self::with(&[]).await
    }

    async fn with(more: &[(&str, &str)]) -> Option<Self> {
        let database_url = database::fresh().await;
        let pooler = PgBouncer::start(&database::as_service(&database_url)).await?;
        let through = pooler.url(&database::as_service(&database_url));
        let more = [more, &[("DATABASE_URL", through.as_str())]].concat();
        let mut app = TestApp::over(database_url, &more, None).await;
        assert!(app.db.is_pooled());
        app.work();
        Some(Self { app, pooler })
    }

    /// Nothing is left to do, nothing failed, the audit chain holds, and no statement got a name.
    async fn finish(self) {
        let through = self.pooler.url(&self.app.database_url);
        self.app.finish().await;
        assert_eq!(named_statements(&through).await, [0; SESSIONS]);
    }
}

/// How many statements with a name each session behind the pooler knows.
async fn named_statements(through: &str) -> [i64; SESSIONS] {
    let mut clients = Vec::new();
    for _ in 0..SESSIONS {
        let mut client = PgConnection::connect_with(&plain(through)).await.unwrap();
        // An open transaction keeps its session, so that the next one gets another.
        sqlx::raw_sql("begin").execute(&mut client).await.unwrap();
        clients.push(client);
    }
    let mut counts = [0; SESSIONS];
    for (client, count) in clients.iter_mut().zip(&mut counts) {
        let ask = sqlx::raw_sql("select count(*) from pg_prepared_statements");
        *count = ask.fetch_one(client).await.unwrap().try_get(0).unwrap();
    }
    counts
}

#[tokio::test]
async fn a_statement_with_a_name_would_be_seen() {
    let database_url = database::fresh().await;
    let Some(pooler) = PgBouncer::start(&database_url).await else {
        return;
    };
    let through = pooler.url(&database_url);
    let mut client = PgConnection::connect_with(&plain(&through)).await.unwrap();
    sqlx::raw_sql("begin").execute(&mut client).await.unwrap();
    sqlx::query("select 1").execute(&mut client).await.unwrap();
    sqlx::raw_sql("rollback").execute(&mut client).await.unwrap();
    assert_eq!(named_statements(&through).await.iter().sum::<i64>(), 1);
}

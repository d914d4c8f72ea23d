//! A database that goes away and comes back.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::TestApp;

/// Shuts and opens a database from a connection to another one.
pub struct Gate {
    admin: PgConnection,
    database: String,
}

impl Gate {
    pub async fn of(app: &TestApp) -> Self {
        let options = app.pool.connect_options();
        let database = options.get_database().unwrap().to_owned();
        let elsewhere = options.as_ref().clone().database("postgres");
        let admin = PgConnection::connect_with(&elsewhere).await.unwrap();
        Self { admin, database }
    }

    pub async fn allow(&mut self, connections: bool) {
        let alter = format!("alter database {} allow_connections {connections}", self.database);
        self.admin.execute(AssertSqlSafe(alter)).await.unwrap();
    }

    /// Ends every session; returns when they are gone.
    async fn end_sessions(&mut self) {
        let end = "select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity where datname = $1";
        while sqlx::query_scalar::<_, i64>(end)
            .bind(&self.database)
            .fetch_one(&mut self.admin)
            .await
            .unwrap()
            > 0
        {}
    }

    /// Ends the sessions that wait for a lock, and not the one that holds it: it would let them pass first.
    pub async fn end_waiting_sessions(&mut self) {
        let end = "select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity
                   where datname = $1 and wait_event_type = 'Lock'";
        let end = sqlx::query_scalar::<_, i64>(end).bind(&self.database);
        assert!(end.fetch_one(&mut self.admin).await.unwrap() > 0);
    }

    pub async fn shut(&mut self) {
        self.allow(false).await;
        self.end_sessions().await;
    }

    /// Returns when so many sessions wait for a lock.
    pub async fn until_locked_out(&mut self, sessions: i64) {
        let waiting = "select count(*) from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'";
        let asked = async {
            while sqlx::query_scalar::<_, i64>(waiting)
                .bind(&self.database)
                .fetch_one(&mut self.admin)
                .await
                .unwrap()
                < sessions
            {}
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), asked)
            .await
            .unwrap();
    }
}

//! The panel as an admin's browser meets it: over real HTTP, with the session's cookie.

mod figures;
mod lists;

use reqwest::header::{COOKIE, SET_COOKIE};

use crate::access::rig::SECRET;
use crate::counter::{ADMIN, SUPABASE, token};
use crate::support::TestApp;

/// The rows of the benchmark, a few of each.
const ROWS: &str = include_str!("../../../benches/panel/generate.sql");

/// A program without workers over some rows of every state, and an admin who is signed in.
struct Panel {
    app: TestApp,
    cookie: String,
}

struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Panel {
    async fn open() -> Self {
        let supabase = [("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)];
        let app = TestApp::without_workers(&supabase).await;
        let request = app.client.post(format!("{}/panel/session", app.url));
        let answer = request
            .bearer_auth(token(&app, "admin", ADMIN))
            .send()
            .await
            .unwrap();
        let header = answer.headers()[SET_COOKIE].to_str().unwrap();
        let cookie = header.split_once(';').unwrap().0.to_owned();
        Self { app, cookie }
    }

    async fn with_rows() -> Self {
        let panel = Self::open().await;
        let now = format!("'{}'::timestamptz", panel.app.now().to_rfc3339());
        let sql = ROWS
            .replace(":events", "4000")
            .replace(":invoices", "1000")
            .replace(":now", &now);
        panel.run(&sql).await;
        panel
    }

    /// In one transaction, as the owner of the tables.
    async fn run(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&self.app.pool)
            .await
            .unwrap();
    }

    async fn get(&self, path: &str) -> Answer {
        let request = self.app.client.get(format!("{}{path}", self.app.url));
        let answer = request.header(COOKIE, &self.cookie).send().await.unwrap();
        Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await.unwrap(),
        }
    }

    /// A page that is there.
    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// All rows as CSV: names, then cells.
    async fn csv(&self, path: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/csv")
        );
        let text = answer.body.strip_prefix('\u{feff}').unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let owned = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
        let names = owned(reader.headers().unwrap());
        let rows = reader.records().map(|record| owned(&record.unwrap())).collect();
        (names, rows)
    }
}

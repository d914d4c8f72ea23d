//! A running `onlycar dev` in a folder of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use onlycar::tools::outbound;
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;

use super::program::{Ended, Running, onlycar, run_in};

/// A running `onlycar dev`.
pub struct Dev {
    pub running: Running,
    pub folder: TempDir,
    pub json: Value,
}

/// A folder that PostgreSQL's account can enter too, as a project's folder mostly is.
pub fn folder() -> TempDir {
    let open = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().permissions(open).tempdir().unwrap()
}

impl Dev {
    pub async fn start() -> Self {
        Self::start_in(folder(), &[]).await
    }

    /// Starts it where it ran before, or not, and returns when it has said what to try.
    pub async fn start_in(folder: TempDir, more: &[&str]) -> Self {
        let mut command = onlycar(&[&["dev", "--port", "0"], more].concat());
        command.current_dir(folder.path());
        let running = Running::start(command);
        let ready = running.out.wait_for("Ctrl-C stops everything");
        tokio::select! {
            () = ready => {}
            () = running.err.wait_for("error: ") => panic!("{}", running.err.text()),
        }
        let json = std::fs::read(folder.path().join(".onlycar/dev.json")).unwrap();
        let dev = Self {
            running,
            folder,
            json: serde_json::from_slice(&json).unwrap(),
        };
        dev.has_asked().await;
        dev
    }

    /// Returns when the providers were asked what was missed, which comes first: an event that happens meanwhile is found
    /// there, and its own webhook a moment later is a repetition.
    async fn has_asked(&self) {
        let pool = self.pool().await;
        let asked = "select count(*) from engine.jobs where kind like 'reconciliar%' and state = 'processed'";
        let all = async {
            while sqlx::query_scalar::<_, i64>(asked)
                .fetch_one(&pool)
                .await
                .unwrap()
                < 3
            {}
        };
        let asked = tokio::time::timeout(Duration::from_mins(1), all).await;
        asked.expect("Stripe, Gigstack and Mifiel are asked");
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn value(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap()
    }

    /// Runs a command in the same folder, as in a second terminal.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        run_in(self.path(), arguments).await
    }

    /// Runs a command that must succeed; what it printed.
    pub async fn done(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.out
    }

    /// Sends an event; its id.
    pub async fn trigger(&self, arguments: &[&str]) -> String {
        let printed = self.done(&[&["trigger"], arguments].concat()).await;
        printed.split_whitespace().next().unwrap().to_owned()
    }

    pub async fn pool(&self) -> PgPool {
        PgPool::connect(self.value("database_url")).await.unwrap()
    }

    /// What became of an event, once its state is final: one that failed is tried again.
    pub async fn outcome(&self, pool: &PgPool, event: &str) -> String {
        let sql = "select state from webhooks.events where event_id = $1";
        let settled = async {
            loop {
                let state: String = sqlx::query_scalar(sql).bind(event).fetch_one(pool).await.unwrap();
                if !matches!(state.as_str(), "pending" | "processing" | "failed") {
                    return state;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), settled)
            .await
            .expect("its state becomes final")
    }

    pub async fn get(&self, url: &str) -> (u16, String) {
        let answer = outbound::client().unwrap().get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

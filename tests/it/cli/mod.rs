//! The command line, as a newcomer uses it: every program is a process of its own in a folder of its own.

mod audit;
mod contracts;
mod dev;
mod events;
mod help;
mod life;
mod replay;
mod trigger;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use onlycar::tools::outbound;
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;

use crate::support::program::{Ended, Running, onlycar, run_in};

/// A running `onlycar dev`.
struct Dev {
    running: Running,
    folder: TempDir,
    json: Value,
}

/// A folder that PostgreSQL's account can enter too, as a project's folder mostly is.
fn folder() -> TempDir {
    let open = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().permissions(open).tempdir().unwrap()
}

impl Dev {
    async fn start() -> Self {
        Self::start_in(folder(), &[]).await
    }

    /// Starts it where it ran before, or not, and returns when it has said what to try.
    async fn start_in(folder: TempDir, more: &[&str]) -> Self {
        let mut command = onlycar(&[&["dev", "--port", "0"], more].concat());
        command.current_dir(folder.path());
        let running = Running::start(command);
        let ready = running.out.wait_for("Ctrl-C stops everything");
        tokio::select! {
            () = ready => {}
            () = running.err.wait_for("error: ") => panic!("{}", running.err.text()),
        }
        let json = std::fs::read(folder.path().join(".onlycar/dev.json")).unwrap();
        Self {
            running,
            folder,
            json: serde_json::from_slice(&json).unwrap(),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn value(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap()
    }

    /// Runs a command in the same folder, as in a second terminal.
    async fn run(&self, arguments: &[&str]) -> Ended {
        run_in(self.path(), arguments).await
    }

    /// Runs a command that must succeed; what it printed.
    async fn done(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.out
    }

    /// Sends an event; its id.
    async fn trigger(&self, arguments: &[&str]) -> String {
        let printed = self.done(&[&["trigger"], arguments].concat()).await;
        printed.split_whitespace().next().unwrap().to_owned()
    }

    async fn pool(&self) -> PgPool {
        PgPool::connect(self.value("database_url")).await.unwrap()
    }

    /// What became of an event, once its state is final.
    async fn outcome(&self, pool: &PgPool, event: &str) -> String {
        let sql = "select state from webhooks.events where event_id = $1";
        let settled = async {
            loop {
                let state: String = sqlx::query_scalar(sql).bind(event).fetch_one(pool).await.unwrap();
                if !matches!(state.as_str(), "pending" | "processing") {
                    return state;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), settled)
            .await
            .expect("its state becomes final")
    }

    async fn get(&self, url: &str) -> (u16, String) {
        let answer = outbound::client().unwrap().get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

//! Which database a command looks into: DATABASE_URL, else the one of a running `onlycar dev`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use secrecy::SecretString;
use serde_json::Value;

use super::Usage;
use crate::app::Machine;
use crate::engine::Engine;
use crate::ground::clock::Clock;
use crate::ground::config::{Environment, File, Settings};
use crate::story;
use crate::tools::db::{self, Db, Pools};

/// Where `onlycar dev` keeps its data unless told otherwise.
pub const DATA_DIR: &str = ".onlycar";

/// Which running `onlycar dev` is meant.
#[derive(Args, Debug, Default)]
pub struct DevFolder {
    /// The folder of a running `onlycar dev`, used when DATABASE_URL is not set
    #[arg(long, value_name = "FOLDER", default_value = DATA_DIR)]
    data_dir: PathBuf,
}

impl DevFolder {
    /// A value out of `dev.json`, which a running `onlycar dev` keeps there.
    pub fn value(&self, pointer: &str) -> anyhow::Result<String> {
        of_dev(&self.data_dir, pointer)
    }

    /// Connects to DATABASE_URL, else to the database of `dev`.
    pub async fn connect(&self) -> anyhow::Result<Db> {
        Ok(self.pools().await?.main)
    }

    async fn pools(&self) -> anyhow::Result<Pools> {
        let url = match Settings::database_url() {
            Some(url) => url,
            None => SecretString::from(self.value("/database_url")?),
        };
        db::connect(&url, &File::embedded()).await
    }

    /// The same with what it takes to write something down; no other variable is read.
    pub async fn engine(&self) -> anyhow::Result<Engine> {
        let file = File::embedded();
        Ok(Engine::new(
            self.pools().await?,
            Clock::system(),
            &file,
            story::react,
        ))
    }

    /// The machine as the server has it, on the same database; nothing of it runs.
    pub async fn machine(&self) -> anyhow::Result<Machine> {
        let settings = self.settings()?;
        let pools = db::connect(&settings.database_url, &settings.file).await?;
        Machine::new(&settings, pools, Clock::system())
    }

    /// The settings of the server, as far as a command needs them.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        Settings::for_command(|| self.environment())
    }

    /// The environment to be examined: the process's own, or that of `dev` where the process names no database and `dev` runs
    /// here.
    pub fn at_hand(&self) -> anyhow::Result<Environment> {
        let own = Environment::of_process();
        if own.get("DATABASE_URL").is_some() || !self.data_dir.join("dev.json").exists() {
            return Ok(own);
        }
        self.environment()
    }

    /// What a command needs of the environment that `dev` runs in.
    fn environment(&self) -> anyhow::Result<Environment> {
        let variables = read_dev(&self.data_dir)?;
        let variables = variables.get("environment").and_then(Value::as_object);
        let variables = variables.context("dev.json holds no environment")?;
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        Ok(variables.iter().filter_map(text).collect())
    }
}

fn of_dev(data_dir: &Path, pointer: &str) -> anyhow::Result<String> {
    let json = read_dev(data_dir)?;
    let value = json.pointer(pointer).and_then(Value::as_str);
    value
        .map(str::to_owned)
        .with_context(|| format!("dev.json holds no {pointer}"))
}

fn read_dev(data_dir: &Path) -> anyhow::Result<Value> {
    let path = data_dir.join("dev.json");
    let text = std::fs::read_to_string(&path).map_err(|_| {
        Usage(format!(
            "no server is named: DATABASE_URL is not set and {} is not there\n\
             hint: start `onlycar dev` in this folder, or set DATABASE_URL",
            path.display()
        ))
    })?;
    serde_json::from_str(&text).context("dev.json cannot be read")
}

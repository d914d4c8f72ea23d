//! Which database a command looks into: DATABASE_URL, else the one of a running `onlycar dev`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::SecretString;
use sqlx::PgPool;

use super::Usage;
use crate::ground::config::{File, Settings};
use crate::tools::db;

/// Where `onlycar dev` keeps its data unless told otherwise.
pub const DATA_DIR: &str = ".onlycar";

/// Connects with the program's own settings.
pub async fn connect(data_dir: Option<&Path>) -> anyhow::Result<PgPool> {
    let url = match Settings::database_url() {
        Some(url) => url,
        None => SecretString::from(of_dev(data_dir, "/database_url")?),
    };
    Ok(db::connect(&url, &File::embedded().database).await?.main)
}

/// A value out of `dev.json`, which a running `onlycar dev` keeps.
pub fn of_dev(data_dir: Option<&Path>, pointer: &str) -> anyhow::Result<String> {
    let path = data_dir
        .map_or_else(|| PathBuf::from(DATA_DIR), Path::to_owned)
        .join("dev.json");
    let text = std::fs::read_to_string(&path).map_err(|_| {
        Usage(format!(
            "no server is named: DATABASE_URL is not set and {} is not there\n\
             hint: start `onlycar dev` in this folder, or set DATABASE_URL",
            path.display()
        ))
    })?;
    let json: serde_json::Value = serde_json::from_str(&text).context("dev.json cannot be read")?;
    let value = json.pointer(pointer).and_then(serde_json::Value::as_str);
    value
        .map(str::to_owned)
        .with_context(|| format!("dev.json holds no {pointer}"))
}
